"""What dvc.lock records of a stage: its parameters, and its inputs and outputs with their MD5s."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
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

    def seen_from_project(self, wdir: str) -> "LockedStage":
        """Return the stage with all paths relative to the project, and not to its `wdir`."""
        if wdir == ".":
            return self
        deps, outs = (
            [
                each.model_copy(update={"path": os.path.normpath(Path(wdir, each.path))})
                for each in entries
            ]
            for entries in (self.deps, self.outs)
        )
        return self.model_copy(update={"deps": deps, "outs": outs})

    def reads(self, other: "LockedStage") -> bool:
        """Tell whether an input is an output of the other stage, or lies in one, or holds one."""
        ours = [*(Path(each.path) for each in self.deps), *map(Path, self.params)]
        theirs = [Path(each.path) for each in other.outs]
        return any(a.is_relative_to(b) or b.is_relative_to(a) for a in ours for b in theirs)


class DvcLock(BaseModel):
    """A complete dvc.lock."""

    version: Literal["2.0"] = Field(alias="schema")
    stages: dict[str, LockedStage] = {}


@dataclass(frozen=True)
class LockedPath:
    """A file or folder that dvc.lock names: its stage, its path within the project, its MD5."""

    stage: str
    path: str
    md5: str


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


def locked_outputs(project: Path) -> list[LockedPath]:
    """Return every output of every stage; raises UserError when a stage has never been run.

    Those that are not on this machine have no MD5 and are left out, here and below.
    """
    return [
        LockedPath(name, out.path, out.md5)
        for name, stage in stages_in_order(project).items()
        for out in stage.outs
        if out.md5
    ]


def locked_inputs(project: Path) -> list[LockedPath]:
    """Return all files and folders that a stage reads and no stage writes, such as the table."""
    outputs = {Path(output.path) for output in locked_outputs(project)}
    inputs: dict[str, LockedPath] = {}
    for name, stage in stages_in_order(project).items():
        for dep in stage.deps:
            if dep.md5 and outputs.isdisjoint([Path(dep.path), *Path(dep.path).parents]):
                inputs[dep.path] = LockedPath(name, dep.path, dep.md5)
    return list(inputs.values())


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


def stages_in_order(project: Path) -> dict[str, LockedStage]:
    """Return all stages of dvc.yaml by name, each behind those whose outputs it reads.

    A stage that DVC runs every time, such as one that fetches a table, or never, as it is frozen,
    is not among them: what it writes comes from elsewhere, and is an input. Only the stage that
    writes code.lock is. Raises UserError when a stage has never been run.
    """
    lock = read_lock(project / DVC_LOCK)
    stages: dict[str, LockedStage] = {}
    for name, definition in _definitions(project).items():
        template = definition.get("do", definition)
        writes_code_lock = {str(CODE_LOCK): {"cache": False}} in template.get("outs", ())
        if template.get("frozen") or (template.get("always_changed") and not writes_code_lock):
            continue
        names = [name]
        if "foreach" in definition or "matrix" in definition:
            names = [each for each in lock.stages if each.startswith(f"{name}@")]
        for each in names:
            if each not in lock.stages:
                raise UserError(
                    f"dvc.lock: stage {each}",
                    "has never been run",
                    todo="run `dvc repro` and commit dvc.lock",
                )
            stages[each] = lock.stages[each].seen_from_project(template.get("wdir", "."))
    earlier = {
        name: [other for other in stages if other != name and stage.reads(stages[other])]
        for name, stage in stages.items()
    }
    return {name: stages[name] for name in TopologicalSorter(earlier).static_order()}


def _definitions(project: Path) -> dict[str, dict[str, Any]]:
    """Return the stages as dvc.yaml has them."""
    path = project / "dvc.yaml"
    try:
        document = read_yaml(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        raise UserError(
            path.name, "there is no such file", todo="run from the folder that holds it"
        ) from None
    return dict(document["stages"])
