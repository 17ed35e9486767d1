"""The files that DVC reads in a project: the locks, its definitions of stages and data, its own."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from dvc.schema import COMPILED_SINGLE_STAGE_SCHEMA
from pydantic import TypeAdapter
from voluptuous import Invalid

from linreg.repair.damage import Damage, DamagedError, read_document
from linreg.repair.lock_file import entry_fault, lock_damage

RWLOCK = Path(".dvc/tmp/rwlock")
_RWLOCK = TypeAdapter(dict[Literal["read", "write"], dict[str, Any]])


def damaged_files(root: Path) -> Iterator[Damage]:
    """Yield the damage of every file that DVC reads below the folder with .dvc."""
    for path in _files_of_dvc(root):
        if damage := (lock_damage if path.name == "dvc.lock" else _definition_damage)(path):
            yield damage
    rwlock = root / RWLOCK
    if rwlock.exists() and not _is_whole_rwlock(rwlock):
        # It lists the processes that use files now, and while DVC does not run there are none.
        yield Damage(rwlock, "is incomplete", is_truncated=True)


def recorded_sizes(root: Path) -> dict[str, int]:
    """Return the size of each file and folder that a dvc.lock or a .dvc file names, by its MD5."""
    sizes: dict[str, int] = {}
    for path in _files_of_dvc(root):
        if path.name == "dvc.yaml":
            continue
        with suppress(DamagedError, AttributeError, LookupError, TypeError):
            document: Any = read_document(path, "")
            stages = document.get("stages", {}).values() if path.name == "dvc.lock" else [document]
            for stage in stages:
                entries = [*(stage.get("deps") or []), *(stage.get("outs") or [])]
                sizes |= {each["md5"]: each["size"] for each in entries if "md5" in each}
    return sizes


def _files_of_dvc(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        # DVC does not look into hidden folders of git's and its own either.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name in ("dvc.lock", "dvc.yaml") or (name.endswith(".dvc") and name != ".dvc"):
                yield Path(folder, name)


def _definition_damage(path: Path) -> Damage | None:
    """Return the damage of a dvc.yaml or a .dvc file.

    Nothing can make these anew, so that none is said to be truncated, and none is removed.
    """
    todo = f"restore it from git: `git restore {path}`"
    if path.suffix == ".dvc":
        todo += f", or run `dvc add {path.with_suffix('')}` again"
    try:
        document = read_document(path, todo)
        if path.suffix == ".dvc":
            COMPILED_SINGLE_STAGE_SCHEMA(document)
    except DamagedError as error:
        return Damage(path, error.damage.what, todo=error.damage.todo or todo)
    except Invalid as error:
        return Damage(path, str(error), todo=todo)
    if path.suffix == ".dvc" and not _names_data(document):
        return Damage(path, "names no data, or none with a path and a hash", todo=todo)
    return None


def _names_data(document: Any) -> bool:
    """Tell whether a .dvc file names data by path and by a hash, or by what it is imported from."""
    outs = (document or {}).get("outs") or []
    if (document or {}).get("deps"):
        return all("path" in out for out in outs)
    return bool(outs) and all("path" in out and not entry_fault(out) for out in outs)


def _is_whole_rwlock(path: Path) -> bool:
    try:
        _RWLOCK.validate_json(path.read_bytes())
    except ValueError:
        return False
    return True
