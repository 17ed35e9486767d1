"""What a DVC pipeline consists of, as it is declared and as dvc.lock records it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

MD5 = "md5"
MD5_OF_DVC_2 = "md5-dos2unix"
"""What DVC 2 recorded: the MD5 of a text file is that of its bytes with LF line ends."""
CHECKABLE = (MD5, MD5_OF_DVC_2)


@dataclass(frozen=True)
class RecordedHash:
    """What dvc.lock or a .dvc file records of a file or folder.

    algorithm  MD5 or MD5_OF_DVC_2; something else, such as an ETag, of what is not in a file system
    value      of a folder, the MD5 of its listing, with `.dir` appended
    """

    algorithm: str
    value: str

    @property
    def is_of_folder(self) -> bool:
        """Whether it is that of a folder."""
        return self.value.endswith(".dir")


@dataclass(frozen=True)
class Entry:
    """A file or folder that a stage or a .dvc file names.

    path      relative to the folder that holds .dvc, with `/` and without `.`; it may begin with
              `../`. An absolute path or a URL names something outside of the git repository.
    recorded  None where nothing is recorded, as of a stage that has never been run
    """

    path: str
    recorded: RecordedHash | None

    @property
    def is_external(self) -> bool:
        """Whether it lies outside of the git repository: an absolute path or a URL."""
        return self.path.startswith("/") or "://" in self.path

    def lies_in(self, other: "Entry") -> bool:
        """Tell whether it is the other one, or lies in it."""
        return PurePosixPath(self.path).is_relative_to(PurePosixPath(other.path))

    def overlaps(self, other: "Entry") -> bool:
        """Tell whether one of the two is the other, or lies in it."""
        return self.lies_in(other) or other.lies_in(self)


@dataclass(frozen=True)
class Input(Entry):
    """A dependency of a stage (`deps`); those that are parameters are `ParameterFile`."""


@dataclass(frozen=True)
class Output(Entry):
    """An output of a stage: `outs`, `metrics` or `plots`; or what a .dvc file tracks.

    is_cached  whether DVC's cache holds it; with `cache: false` git does
    persist    whether DVC leaves it in place when the stage runs, which may add to it
    remote     the name of its own remote; None for the default one
    """

    is_cached: bool = True
    persist: bool = False
    remote: str | None = None


@dataclass(frozen=True)
class ParameterFile(Entry):
    """The parameters that a stage declares in one file.

    names   of the parameters, such as `train.lr`; none for the whole file
    values  what dvc.lock records of them, by name
    """

    names: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """A stage, with templates resolved; each of a `foreach` or `matrix` is one of its own.

    name             as DVC addresses it from the folder that holds .dvc: `train`, `train@a`,
                     `sub/dvc.yaml:train`
    file             the dvc.yaml that defines it, as a path like that of an `Entry`
    wdir             the folder in which its commands run; `.` for the one that holds .dvc
    commands         run one after the other by the shell, until one fails
    earlier          names of the stages that must have run before, those whose outputs it reads
    is_recorded      whether dvc.lock has it
    command_changed  whether dvc.lock has another command
    changed_parameters  names of parameters with other values than dvc.lock has, with their file
    """

    name: str
    file: str
    wdir: str
    commands: tuple[str, ...]
    inputs: tuple[Input, ...] = ()
    parameters: tuple[ParameterFile, ...] = ()
    outputs: tuple[Output, ...] = ()
    earlier: tuple[str, ...] = ()
    frozen: bool = False
    always_changed: bool = False
    is_recorded: bool = True
    command_changed: bool = False
    changed_parameters: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The name in dvc.yaml, which all stages of a `foreach` or `matrix` share."""
        folder, colon, name = self.name.rpartition(":")
        return f"{folder}{colon}{name.partition('@')[0]}"

    @property
    def is_input(self) -> bool:
        """Whether it is not run, so that its outputs are inputs of the pipeline.

        DVC runs no frozen stage. One that DVC runs every time, and whose outputs it keeps, brings
        what is elsewhere up to date, such as a table that was fetched.
        """
        keeps_all = bool(self.outputs) and all(each.persist for each in self.outputs)
        return self.frozen or (self.always_changed and keeps_all)


@dataclass(frozen=True)
class Pipeline:
    """All stages of a project, each behind those whose outputs it reads, and its .dvc files.

    tracked  what .dvc files track, by `dvc add`, `dvc import` or `dvc import-url`
    """

    stages: tuple[Stage, ...]
    tracked: tuple[Output, ...] = ()

    def __iter__(self) -> Iterator[Stage]:
        return iter(self.stages)

    def chosen(self, names: Sequence[str]) -> list[Stage]:
        """Return the stages with these names, or all of a `foreach` or `matrix` of that name.

        Raises KeyError with the first name that no stage has.
        """
        chosen = set()
        for name in names:
            found = {each.name for each in self if name in (each.name, each.group)}
            if not found:
                raise KeyError(name)
            chosen |= found
        return [each for each in self if each.name in chosen]

    def inputs_of(self, stages: Sequence[Stage]) -> list[Entry]:
        """Return what these stages read and none of them writes, where a run takes it as recorded.

        What .dvc files track comes first, then outputs of stages that are not among them, then
        other dependencies. Stages that are inputs themselves are left out on both sides.
        """
        running = {each.name: each for each in stages if not each.is_input}
        declared: list[Entry] = []
        for stage in running.values():
            declared += [*stage.inputs, *stage.parameters]
        others = [out for stage in self if stage.name not in running for out in stage.outputs]
        made = [*self.tracked, *others]
        inputs: list[Entry] = [each for each in made if any(map(each.overlaps, declared))]
        known = [*inputs, *(out for stage in running.values() for out in stage.outputs)]
        for stage in running.values():
            for entry in stage.inputs:
                if not any(map(entry.lies_in, known)):
                    inputs.append(entry)
                    known.append(entry)
        return inputs
