"""A commit in a temporary folder, in which its stages are run again.

No result of another run can get into it: DVC's cache, its configuration and the tracking store all
lie in that folder, the outputs of the stages are removed, and the stages do not inherit the
settings of the caller.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from linreg.dvc_lock import dvc_root
from linreg.errors import UserError
from linreg.git import clone_commit, git
from linreg.verify.repository.dvc_index import DVC_FOLDER, read_pipeline
from linreg.verify.repository.hashes import is_as_recorded
from linreg.verify.repository.recorded_content import (
    NotFoundError,
    RecordedContent,
    copy_counted,
    recorded_content,
    remove_path,
)
from linreg.verify.repository.stages import Entry, Output, Pipeline, RecordedHash, Stage

RECORDED = "recorded"


class CopiedInput(NamedTuple):
    """An input that git does not hold, with the hash that is recorded.

    how  where the copy comes from, in words
    """

    path: str
    how: str


@dataclass
class Checkout:
    """A commit of a project in a folder of its own.

    commit    its full hash
    top       the top of the clone of the git repository
    root      the folder in it that holds .dvc
    folder    the folder in it that the user is in, whose stages and those below it are verified
    here      the folder that holds .dvc in the user's repository
    scratch   an empty folder outside of the clone
    content   finds recorded content that git does not hold
    names     of the stages to verify; empty for all in `folder` and below it
    pipeline  all stages of the project
    stages    those that are verified, in order
    copied    the inputs that git does not hold
    missing   inputs that are nowhere to be found, with the reason, by path
    """

    commit: str
    top: Path
    root: Path
    folder: Path
    here: Path
    scratch: Path
    content: RecordedContent
    names: Sequence[str] = ()
    pipeline: Pipeline = field(init=False)
    stages: list[Stage] = field(init=False)
    copied: list[CopiedInput] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.read_stages()

    @property
    def subject(self) -> str:
        """The first line of the commit's message."""
        return git("log", "-1", "--format=%s", self.commit)

    def read_stages(self) -> None:
        """Read the stages, also after a change of parameters that templates in dvc.yaml name.

        Raises UserError when one of them is not there, or dvc.lock has none of them.
        """
        self.pipeline = read_pipeline(self.root, self.top)
        if self.names:
            self.stages = _chosen(self.pipeline, self.names)
        else:
            below = self.folder.relative_to(self.root)
            self.stages = [each for each in self.pipeline if Path(each.file).is_relative_to(below)]
        _require_recorded(self.stages, self.commit)

    def is_outside(self, entry: Entry) -> bool:
        """Tell whether a file or folder lies outside of the clone, also behind a link in it."""
        folder = (self.root / entry.path).parent
        # While its path is varied, the clone itself is a link to where it lies.
        return entry.is_external or not folder.resolve().is_relative_to(self.top.resolve())

    def copy_inputs(self) -> None:
        """Copy the inputs of the stages to verify that git does not hold.

        One that is nowhere to be found is among the `missing`, with the reason.
        """
        for entry in self.pipeline.inputs_of(self.stages):
            target = self.root / entry.path
            if self.is_outside(entry) or target.exists():
                continue
            try:
                self.copied.append(CopiedInput(entry.path, self.content.copy(entry, target)))
            except NotFoundError as error:
                is_other = (self.here / entry.path).exists()
                changed = "what is here has changed since; " if is_other else ""
                self.missing[entry.path] = f"{changed}{error}"

    def remove_outputs(self) -> None:
        """Remove what the stages to verify write; what git holds of it is kept to be compared."""
        for output in self._written():
            path, kept, recorded = self.root / output.path, self._kept(output), output.recorded
            is_first = recorded is not None and path.exists() and not kept.exists()
            if recorded and is_first and is_as_recorded(path, recorded, self.root):
                kept.parent.mkdir(parents=True, exist_ok=True)
                copy_counted(path, kept, self.root)
            remove_path(path)
            # As `dvc checkout` does; git keeps no empty folder.
            path.parent.mkdir(parents=True, exist_ok=True)

    def original(self, output: Output) -> Path | None:
        """Return a copy of what was recorded of an output, or None if it is nowhere."""
        kept = self._kept(output)
        if kept.exists():
            return kept
        try:
            self.content.copy(output, kept)
        except NotFoundError:
            return None
        return kept

    def take_as_recorded(self, found: Mapping[str, RecordedHash | None]) -> None:
        """Have later runs be compared with what the last one wrote, by the paths of outputs."""
        shutil.rmtree(self.scratch / RECORDED, ignore_errors=True)

        def with_found(output: Output) -> Output:
            return replace(output, recorded=found.get(output.path))

        self.stages = [
            replace(stage, outputs=tuple(map(with_found, stage.outputs))) for stage in self.stages
        ]

    def _written(self) -> Iterator[Output]:
        for stage in self.stages:
            if not stage.is_input and not any(map(self.is_outside, stage.outputs)):
                yield from stage.outputs

    def _kept(self, output: Output) -> Path:
        folder = hashlib.sha256(output.path.encode()).hexdigest()[:16]
        return self.scratch / RECORDED / folder / Path(output.path).name


@contextmanager
def checkout(commit: str = "HEAD", names: Sequence[str] = ()) -> Iterator[Checkout]:
    """Check out a commit of the repository that the working directory is in, without its inputs.

    names  of the stages to verify, as DVC addresses them; by default all that are defined in the
           working directory and below it

    The temporary folder is removed at the end. Raises UserError when there is no git repository,
    the commit is not in it or has no dvc.lock, or there is no such stage.
    """
    commit_hash = git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    here = dvc_root()
    below = Path.cwd().relative_to(here)
    with tempfile.TemporaryDirectory(prefix="linreg-", ignore_cleanup_errors=True) as temporary:
        scratch = Path(temporary).resolve()
        folder = clone_commit(commit_hash, scratch / "clone")
        top = scratch / "clone"
        root = folder.joinpath(*(".." for _ in below.parts)).resolve()
        if not (root / DVC_FOLDER).is_dir():
            raise UserError(
                f"commit {commit_hash[:10]}",
                "has no folder .dvc, so that no stage of DVC can be run",
                todo="run `dvc init`, `dvc repro`, and commit",
            )
        # Stages that call DVC find none of the user's cache.
        (root / DVC_FOLDER / "config.local").write_text("[cache]\n    dir = cache\n")
        with recorded_content(root, here) as content:
            yield Checkout(commit_hash, top, root, folder, here, scratch, content, names)


def _chosen(pipeline: Pipeline, names: Sequence[str]) -> list[Stage]:
    try:
        return pipeline.chosen(names)
    except KeyError as error:
        known = ", ".join(each.name for each in pipeline) or "none"
        raise UserError(
            f"stage {error.args[0]}", "is not in the commit", found=known, todo="name one of these"
        ) from None


def _require_recorded(stages: Sequence[Stage], commit: str) -> None:
    if not stages:
        raise UserError(
            f"commit {commit[:10]}",
            "defines no stage here",
            todo="run this where dvc.yaml is, or commit it",
        )
    if not any(each.is_recorded for each in stages):
        raise UserError(
            f"commit {commit[:10]}",
            "has no dvc.lock, which records what the stages wrote",
            todo="run `dvc repro` and commit dvc.lock",
        )
