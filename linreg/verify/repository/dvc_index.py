"""The pipeline of a checkout as DVC itself reads it.

So templates, `foreach`, `matrix`, `vars`, `wdir`, several dvc.yaml files, the schemas of earlier
versions and what `.dvcignore` leaves out mean here what they mean to DVC.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path
from typing import Any

from linreg.errors import UserError
from linreg.verify.repository.stages import (
    Input,
    Output,
    ParameterFile,
    Pipeline,
    RecordedHash,
    Stage,
)

DVC_FOLDER = ".dvc"


def read_pipeline(root: Path, top: Path) -> Pipeline:
    """Read all stages and .dvc files of a project.

    root  the absolute folder that holds .dvc
    top   that of the git repository, at or above it

    Raises UserError with DVC's own message where a file cannot be read or resolved.
    """
    with open_repo(root) as repo:
        reader = _Reader(root, top)
        # In a file, the order is that of the file.
        definitions = sorted(repo.index.stages, key=lambda each: str(each.path_in_repo))
        graph = repo.index.graph
        stages = {}
        for each in definitions:
            if each.cmd:
                earlier = {reader.name(other) for other in graph.successors(each) if other.cmd}
                stages[reader.name(each)] = reader.stage(each, tuple(sorted(earlier)))
        tracked = [reader.output(out) for each in definitions if not each.cmd for out in each.outs]
    order = TopologicalSorter({name: stage.earlier for name, stage in stages.items()})
    return Pipeline(tuple(stages[name] for name in order.static_order()), tuple(tracked))


@contextmanager
def open_repo(root: Path, config: dict[str, Any] | None = None) -> Iterator[Any]:
    """Open a project as DVC does, as a `dvc.repo.Repo`; DVC's errors become UserError.

    config  what is added to the configuration in its files

    What DVC keeps about the machine's files stays in the project's own folder.
    """
    # Imported here because it takes a second.
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    own = {"core": {"site_cache_dir": str(root / DVC_FOLDER / "tmp" / "site")}}
    merged = {**(config or {}), "core": {**(config or {}).get("core", {}), **own["core"]}}
    try:
        with Repo(str(root), config=merged) as repo:
            yield repo
    except DvcException as error:
        # It names files as seen from the working directory.
        found = _in_one_line(error).replace(f"{os.path.relpath(root)}{os.sep}", "")
        raise UserError("DVC", "cannot read the project", found=found) from None


def _in_one_line(error: BaseException) -> str:
    """Return an error of DVC with its causes, which say what is wrong in a file."""
    parts = []
    current: BaseException | None = error
    while current is not None:
        parts.append(" ".join(str(current).split()))
        current = current.__cause__
    return ": ".join(part for part in parts if part)


class _Reader:
    """Makes our classes of DVC's, with paths relative to the folder that holds .dvc."""

    def __init__(self, root: Path, top: Path) -> None:
        self._root = root
        self._top = top
        self._locked: dict[str, Any] = {}

    def name(self, stage: Any) -> str:
        """Return a stage's address, as seen from the folder that holds .dvc."""
        file = self._path(stage.path)
        return stage.name if file == "dvc.yaml" else f"{file}:{stage.name}"

    def stage(self, stage: Any, earlier: tuple[str, ...]) -> Stage:
        """Return a stage that runs commands."""
        from dvc.dependency import ParamsDependency

        commands = stage.cmd if isinstance(stage.cmd, list) else str(stage.cmd).splitlines()
        files = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
        others = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
        inputs = [Input(self._entry_path(dep), _recorded(dep)) for dep in others]
        return Stage(
            name=self.name(stage),
            file=self._path(stage.path),
            wdir=self._path(stage.wdir),
            commands=tuple(commands),
            # A file may be named twice.
            inputs=tuple(dict.fromkeys(inputs)),
            parameters=tuple(self._parameters(dep) for dep in files),
            outputs=tuple(self.output(out) for out in stage.outs),
            earlier=earlier,
            frozen=bool(stage.frozen),
            always_changed=bool(stage.always_changed),
            is_recorded=self._is_recorded(stage),
            command_changed=bool(stage.cmd_changed),
            changed_parameters=tuple(chain(*map(self._changed_parameters, files))),
        )

    def output(self, out: Any) -> Output:
        """Return an output, or what a .dvc file tracks."""
        path, recorded = self._entry_path(out), _recorded(out)
        return Output(path, recorded, bool(out.use_cache), bool(out.persist), out.remote)

    def _is_recorded(self, stage: Any) -> bool:
        """Tell whether dvc.lock has a stage."""
        if stage.path not in self._locked:
            # A dvc.yaml is parsed once and not for each of its stages.
            self._locked[stage.path] = stage.dvcfile.stages.lockfile_data
        return stage.name in self._locked[stage.path]

    def _parameters(self, dep: Any) -> ParameterFile:
        values = dep.hash_info.value if dep.hash_info else {}
        return ParameterFile(self._entry_path(dep), None, tuple(dep.params), dict(values))

    def _changed_parameters(self, dep: Any) -> Iterator[str]:
        """Yield the parameters, as FILE:NAME, that have another value than dvc.lock records."""
        if not dep.hash_info or not Path(dep.fs_path).is_file():
            return
        for changes in dep.workspace_status().values():
            yield from (f"{self._entry_path(dep)}:{name}" for name in changes)

    def _entry_path(self, entry: Any) -> str:
        return self._path(entry.fs_path) if entry.fs.protocol == "local" else str(entry.def_path)

    def _path(self, path: str) -> str:
        """Return a local path relative to the folder with .dvc, if it is in the git repository."""
        if not Path(path).is_relative_to(self._top):
            return path
        return Path(os.path.relpath(path, self._root)).as_posix()


def _recorded(entry: Any) -> RecordedHash | None:
    info = entry.hash_info
    return RecordedHash(info.name, info.value) if info and isinstance(info.value, str) else None
