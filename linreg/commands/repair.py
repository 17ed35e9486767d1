"""Remove files of DVC's own that DVC, killed or interrupted, has left cut off, and which it then
refuses to go on with.

DVC writes dvc.lock and .dvc/tmp/rwlock in place, not under a temporary name, and in its cache of
runs it takes a temporary file that was left there for an entry, and fails where a folder is empty.
Nothing is lost with them: it takes what the stages had made from its cache, and makes again what is
not there.
"""

import argparse
import fcntl
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.errors import UserError

BUSY = Path(".dvc/tmp/lock")
RUNS = Path(".dvc/cache/runs")


class _LockedFile(BaseModel):
    """An input or output; DVC's own check lets pass one without a hash, on which it then fails."""

    path: str
    md5: str = Field(pattern="^[0-9a-f]{32}$")
    size: int


class _LockedFolder(BaseModel):
    path: str
    md5: str = Field(pattern="^[0-9a-f]{32}[.]dir$")
    size: int
    nfiles: int


_Locked = _LockedFile | _LockedFolder


class _Stage(BaseModel):
    cmd: str | list[str]
    deps: list[_Locked] = []
    params: dict[str, dict[str, Any]] = {}
    outs: list[_Locked] = []


class _LockFile(BaseModel):
    version: Literal["2.0"] = Field(alias="schema")
    stages: dict[str, _Stage] = {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: it has none."""


def run(_args: argparse.Namespace) -> int:
    """Return 0 when something was repaired, 1 when nothing had to be."""
    with _no_dvc_at_work():
        files = [path for path, check in CHECKS.items() if not _is_whole(path, check)]
        files += sorted(RUNS.glob("*/*/.*.tmp"))
        for file in files:
            file.unlink()
        folders = [folder for folder in sorted(RUNS.glob("*/*/")) if not any(folder.iterdir())]
        for folder in folders:
            folder.rmdir()
    for path in files + folders:
        print(f"{path}: was cut off when DVC was ended, and is removed")
    if files + folders:
        print("`dvc repro` goes on: it takes from its cache what the stages had made")
        return 0
    print("nothing to repair: DVC's own files are whole", file=sys.stderr)
    return 1


def _is_whole(path: Path, check: Callable[[str], object]) -> bool:
    try:
        check(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return True
    except (ValueError, YAMLError, RecursionError):
        return False
    return True


def _check_lock_file(text: str) -> None:
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    _LockFile.model_validate(YAML(typ="safe").load(text))


def _check_rwlock(text: str) -> None:
    TypeAdapter(dict[Literal["read", "write"], dict[str, Any]]).validate_python(json.loads(text))


CHECKS: dict[Path, Callable[[str], object]] = {
    Path("dvc.lock"): _check_lock_file,
    Path(".dvc/tmp/rwlock"): _check_rwlock,
}


@contextmanager
def _no_dvc_at_work() -> Iterator[None]:
    """Hold DVC's own lock, so that no file is removed that a living DVC is just writing."""
    BUSY.parent.mkdir(parents=True, exist_ok=True)
    with BUSY.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                BUSY, "DVC is at work in this folder", todo="wait for it to end, then try again"
            ) from None
        yield
