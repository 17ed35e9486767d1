"""DVC's cache: of runs, where DVC fails at what a killed DVC has left, and of files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.files import content_hash
from linreg.repair.damage import Damage
from linreg.repair.lock_file import entry_fault

_CACHE = Path(".dvc/cache")
_TODO = "delete it; then `dvc pull` fetches it, or `dvc repro` makes it anew"


def unfinished_runs(root: Path) -> Iterator[Path]:
    """Yield what is no run in the cache of runs: temporary files, entries without all outputs, and,
    once these are removed, the folders that are empty.
    """
    runs = root / _CACHE / "runs"
    yield from sorted(runs.glob("*/*/.*.tmp"))
    yield from (each for each in sorted(runs.glob("*/*/[0-9a-f]*")) if not _has_outputs(each))
    yield from (each for each in sorted(runs.glob("*/*/")) if not any(each.iterdir()))


def damaged_objects(root: Path, sizes: Mapping[str, int]) -> Iterator[Damage]:
    """Yield those files of the cache that have not the content whose MD5 is their name.

    sizes  by MD5, the size that a dvc.lock or .dvc file records; DVC believes a file that is there

    Only what has another size, or is empty, is read as a whole: a cache may hold terabytes.
    """
    for path in _suspects(root / _CACHE / "files/md5", sizes):
        if content_hash(path) != path.parent.name + path.stem:
            what = "has not the content whose MD5 is its name"
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
