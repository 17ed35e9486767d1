"""DVC's cache: of runs, where DVC fails at what a killed DVC has left, and of files."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.dvc_command import cache_folder
from linreg.files import content_hash
from linreg.repair.damage import Damage
from linreg.repair.lock_file import entry_fault

SECONDS_TO_WRITE = 60.0
"""How long DVC in another clone, with the same cache, may need to write an entry."""
_TODO = "delete it; then `dvc pull` fetches it, or `dvc repro` makes it anew"


def unfinished_runs(root: Path) -> Iterator[Path]:
    """Yield what is no run in the cache of runs: temporary files, entries without all outputs, and,
    once these are removed, the folders that are empty.

    What DVC in another clone may be writing into a shared cache at this moment is left out.
    """
    cache = cache_folder(root)
    runs = cache / "runs"
    is_shared = not cache.resolve().is_relative_to((root / ".dvc").resolve())
    oldest = time.time() - SECONDS_TO_WRITE if is_shared else math.inf

    def is_unfinished(path: Path) -> bool:
        if path.is_dir():
            is_none = not any(path.iterdir())
        else:
            is_none = path.suffix == ".tmp" or not _has_outputs(path)
        return is_none and path.stat().st_mtime < oldest

    for pattern in ("*/*/.*.tmp", "*/*/[0-9a-f]*", "*/*/"):
        yield from filter(is_unfinished, sorted(runs.glob(pattern)))


def damaged_objects(root: Path, sizes: Mapping[str, int]) -> Iterator[Damage]:
    """Yield those files of the cache whose content has another MD5 than their name.

    sizes  by MD5, the size that a dvc.lock or .dvc file records; DVC believes a file that is there

    Only what has another size, or is empty, is read as a whole: a cache may hold terabytes.
    """
    for path in _suspects(cache_folder(root) / "files/md5", sizes):
        if content_hash(path) != path.parent.name + path.stem:
            what = "has content with another MD5 than its name"
            yield Damage(path, what, todo=_TODO)


def _suspects(objects: Path, sizes: Mapping[str, int]) -> Iterator[Path]:
    for md5, size in sizes.items():
        path = _object(objects, md5)
        if not path.is_file():
            continue
        if path.suffix != ".dir":
            members = [path]
        else:
            yield path
            members = [each for each in _members(objects, path) if each.is_file()]
        found = [each.stat().st_size for each in members]
        if sum(found) != size or 0 in found:
            yield from members


def _members(objects: Path, listing: Path) -> list[Path]:
    """Return the objects that the list of a folder names; none for a list that is damaged."""
    try:
        return [_object(objects, entry["md5"]) for entry in json.loads(listing.read_bytes())]
    except (ValueError, LookupError, TypeError):
        return []


def _object(objects: Path, md5: str) -> Path:
    return objects / md5[:2] / md5[2:]


def _has_outputs(entry: Path) -> bool:
    """Tell whether an entry ends with the outputs of its stage, each with a hash."""
    try:
        _, mark, outs = entry.read_text(encoding="utf-8").partition("\nouts:\n")
        return bool(mark) and not any(map(entry_fault, YAML(typ="safe").load(outs)))
    except (YAMLError, ValueError, TypeError, AttributeError):
        return False
