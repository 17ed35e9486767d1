"""What dvc.lock records of linreg's stages: parameters, inputs and outputs with their MD5s."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.code_lock.lock_file import CODE_LOCK
from linreg.errors import UserError
from linreg.params.file import PARAMS_FILE
from linreg.plain_yaml import has_conflict_markers, read_yaml
from linreg.process.lock import exclusive_lock

DVC_LOCK = Path("dvc.lock")
DVC_RUNNING = Path(".dvc/tmp/lock")
"""The file that DVC holds a lock on, except while it waits for a stage."""
SECONDS_TO_WRITE = 5.0
WITHOUT_HASH = frozenset({"hash", "size", "nfiles", "isexec"})
"""What an entry may say about a file besides its path and its hash."""


class _Entry(BaseModel):
    """A file or folder that a stage reads or writes.

    One that is not of this machine, such as a URL, has a checksum or an ETag in place of an MD5.
    DVC's own schema accepts one without any, and DVC then fails when it uses it.
    """

    model_config = ConfigDict(extra="allow")
    path: str
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}([.]dir)?$")] | None = None

    @model_validator(mode="after")
    def _has_a_hash(self) -> Self:
        if not self.md5 and not (self.model_extra or {}).keys() - WITHOUT_HASH:
            raise ValueError("has no hash")
        return self


class LockedStage(BaseModel):
    """A stage as it was when DVC last ran it; parameters are listed by file, then by name."""

    cmd: str | list[str]
    deps: list[_Entry] = []
    params: dict[str, dict[str, Any]] = {}
    outs: list[_Entry] = []


class DvcLock(BaseModel):
    """A complete dvc.lock."""

    version: Literal["2.0"] = Field(alias="schema")
    stages: dict[str, LockedStage] = {}


def read_lock(path: Path) -> DvcLock:
    """Read a dvc.lock; raises UserError when it is absent, damaged, or not complete.

    DVC writes the file in place, so that one is cut off when DVC is killed at that moment. What is
    cut off because DVC is writing it now is read again when it has done so.
    """
    try:
        return parse_lock(path)
    except UserError:
        running = dvc_root(path.parent) / DVC_RUNNING
        if not (path.exists() and running.exists()):
            raise
        with exclusive_lock(running, timeout=SECONDS_TO_WRITE):
            return parse_lock(path)


def dvc_root(folder: Path = Path()) -> Path:
    """Return the absolute folder that holds .dvc, at or above a folder; itself if there is none."""
    here = folder.absolute()
    return next((each for each in (here, *here.parents) if (each / ".dvc").is_dir()), here)


def parse_lock(path: Path) -> DvcLock:
    """Read a dvc.lock as `read_lock` does, whoever may be writing it."""
    try:
        text = path.read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("the last line has no end")
        return DvcLock.model_validate(YAML(typ="safe").load(text))
    except FileNotFoundError:
        raise UserError(
            path.name, "there is no such file", todo="run `dvc repro` and commit dvc.lock"
        ) from None
    except (ValueError, YAMLError, RecursionError) as error:
        if isinstance(error, YAMLError) and has_conflict_markers(text):
            what, todo = "has git's conflict markers", "run `linreg merge`"
            raise UserError(path.name, what, todo=todo) from None
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        found = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else error
        raise UserError(
            path.name, "is damaged", found=found, todo="run `linreg repair`, then `dvc repro`"
        ) from None


def locked_hashes(lock: Path, paths: Collection[str]) -> dict[str, str]:
    """Return the MD5 of each of `paths` that dvc.lock names, as output or as input of a stage."""
    stages = read_lock(lock).stages.values()
    # Outputs come last: a stage may have read an earlier version of what another one has written.
    entries = [dep for stage in stages for dep in stage.deps]
    entries += [out for stage in stages for out in stage.outs]
    return {entry.path: entry.md5 for entry in entries if entry.md5 and entry.path in paths}


def changed_parameters() -> list[str]:
    """Return the parameters, as `section.key`, that changed since the stages last ran.

    There are none without a readable dvc.lock and params.yaml.
    """
    try:
        stages = read_lock(DVC_LOCK).stages.values()
        now = read_yaml(PARAMS_FILE.read_text(encoding="utf-8"), PARAMS_FILE)
    except (UserError, OSError, UnicodeDecodeError):
        return []
    recorded = [entry for stage in stages for entry in _recorded_parameters(stage)]
    return sorted({name for name, value in recorded if _value_of(name, now) != value})


def recorded_code() -> dict[str, list[str]]:
    """Return the entry of code.lock with which each stage last ran, as far as dvc.lock is readable.

    Of a stage for each of several tables, that of the last one counts.
    """
    try:
        stages = read_lock(DVC_LOCK).stages
    except (UserError, OSError):
        return {}
    return {
        name: code
        for stage in stages.values()
        for name, code in stage.params.get(str(CODE_LOCK), {}).items()
        if isinstance(code, list)
    }


def _recorded_parameters(stage: LockedStage) -> Iterator[tuple[str, Any]]:
    for name, value in stage.params.get(str(PARAMS_FILE), {}).items():
        is_section = "." not in name and isinstance(value, dict)
        if is_section:
            yield from ((f"{name}.{key}", each) for key, each in value.items())
        else:
            yield name, value


def _value_of(name: str, document: Any) -> Any:
    section, _, key = name.partition(".")
    values = document.get(section) if isinstance(document, dict) else None
    return values.get(key) if isinstance(values, dict) else None
