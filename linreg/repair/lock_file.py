"""A dvc.lock, by DVC's own schema: DVC writes it in place, so that it may end anywhere.

Whatever DVC can read is whole, also what this project never writes: a stage that reads a URL has an
ETag or a checksum in place of an MD5.
"""

import re
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import MultipleInvalid

from linreg.dvc_lock import WITHOUT_HASH
from linreg.repair.damage import Damage, DamagedError, read_document

_BEGINNING = "schema: '2.0'\nstages:\n"
_MD5 = re.compile("[0-9a-f]{32}([.]dir)?")
_UNKNOWN_KEY = "extra keys not allowed"
_Location = Sequence[Hashable]
"""The keys and positions that lead from the document to a value in it."""
_TODO = "restore it from git (`git restore {0}`), or delete it: `dvc repro` makes it anew"


def lock_damage(path: Path) -> Damage | None:
    """Return what DVC would refuse about a dvc.lock; None for one that is whole."""
    todo = _TODO.format(path)
    try:
        document = read_document(path, todo)
    except DamagedError as error:
        return error.damage
    text = path.read_text(encoding="utf-8")
    if not isinstance(document, dict):
        return Damage(path, "is no mapping", _BEGINNING.startswith(text), todo)
    for location, what in _faults(document):
        where = ".".join(map(str, location))
        truncated = what != _UNKNOWN_KEY and _stops_at(document, location, text)
        return Damage(path, f"{where}: {what}", truncated, todo)
    if not text.endswith("\n"):
        return Damage(
            path,
            "has no line end after its last line, as DVC writes it, although DVC can read it",
            todo=f"compare it with the one in git (`git diff {path}`), and end the line",
        )
    return None


def _faults(document: dict[str, Any]) -> Iterator[tuple[_Location, str]]:
    """Yield what is wrong, and where: first what DVC's schema refuses, then what DVC fails at."""
    try:
        COMPILED_LOCKFILE_SCHEMA(document)
    except MultipleInvalid as invalid:
        yield from ((error.path, error.error_message) for error in invalid.errors)
        return
    for name, stage in document.get("stages", {}).items():
        for kind in ("deps", "outs"):
            for position, entry in enumerate(stage.get(kind, [])):
                if what := entry_fault(entry):
                    yield ("stages", name, kind, position), what


def entry_fault(entry: dict[str, Any]) -> str:
    """Return what DVC would fail at about a file that a stage reads or writes; '' if nothing."""
    if not entry.keys() - {"path"} - WITHOUT_HASH:
        return "has no hash"
    if "md5" in entry and not _MD5.fullmatch(str(entry["md5"])):
        return "has an MD5 that is not one"
    return ""


def _stops_at(document: Any, location: _Location, text: str) -> bool:
    """Tell whether a document ends within a value: with its key, its first keys, or its first
    characters.
    """
    value = document
    for key in location:
        if key != _last_key(value):
            return False
        value = value[key]
    if isinstance(value, dict):
        # DVC writes the path of a file first, and its hash next.
        return list(value) in (["path"], ["path", "hash"], ["path", "hash", "md5"], ["path", "md5"])
    return value is None or not text.endswith("\n")


def _last_key(value: Any) -> Any:
    if isinstance(value, dict):
        return next(reversed(value), None)
    return len(value) - 1 if isinstance(value, list) else None
