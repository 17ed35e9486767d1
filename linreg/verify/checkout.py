"""A commit of this repository in a temporary folder, in which its stages are run again.

    with checkout("HEAD") as project:
        project.reproduce()
        project.output_hashes()

No result of another run can get into it: DVC's caches, its configuration and the tracking store
all lie in that folder, and the stages do not inherit the settings of the caller.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from linreg.code_lock.lock_file import CODE_LOCK
from linreg.dvc_command import UTF_8
from linreg.dvc_lock import LockedPath, LockedStage, locked_inputs, locked_outputs, stages_in_order
from linreg.errors import UserError
from linreg.files import content_hash
from linreg.git import NO_VARIABLES, clone_commit, git
from linreg.params.edit import set_values
from linreg.params.file import PARAMS_FILE, load_params
from linreg.process.lock import exclusive_lock
from linreg.tracking.journal.sender_process import SYNC
from linreg.verify.dvc_objects import fetch_into_cache, link_cached
from linreg.verify.environment import describe_environment
from linreg.verify.run_stages import STAGES

NOT_INHERITED = (
    "DVC",
    "MLFLOW",
    "GIT_",
    "LINREG",
    "PYTHON",
    "WORKERS",
    "RANK",
    "LOCAL_RANK",
    "TORCHELASTIC",
)
"""Environment variables, by their prefixes, that could bring in a result, a store or a setting."""
SECONDS_FOR_SENDERS = 20.0
STAGE_IMPORT = "from linreg.process.stage import stage"
"""What a script has whose main() is decorated as one of linreg's stages."""
Environment = Mapping[str, str]


class CopiedInput(NamedTuple):
    """An input that git does not hold, with the MD5 that dvc.lock records.

    how  where the copy comes from, in words
    """

    path: str
    how: str


@dataclass(frozen=True)
class Checkout:
    """A commit of a project in a folder of its own.

    folder         the project in it, which holds dvc.yaml
    commit         its full hash
    copied_inputs  the inputs that git does not hold
    """

    folder: Path
    commit: str
    copied_inputs: tuple[CopiedInput, ...]

    @property
    def subject(self) -> str:
        """The first line of the commit's message."""
        return git("log", "-1", "--format=%s", self.commit)

    def description(self) -> list[str]:
        """Return lines that say what is run here, and in which environment."""
        locks = [self.folder / "requirements.lock", self.folder / CODE_LOCK]
        return [
            f"commit {self.commit[:10]}: {self.subject}",
            *(
                f"{each.path}: not in git, {each.how}; its MD5 is that in dvc.lock"
                for each in self.copied_inputs
            ),
            *describe_environment(next((each for each in locks if each.exists()), locks[0])),
        ]

    def changed_inputs(self) -> list[str]:
        """Return the inputs in git that differ from what dvc.lock records."""
        inputs = locked_inputs(self.folder)
        return [each.path for each in inputs if content_hash(self.folder / each.path) != each.md5]

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Write parameters by their names, such as `train.lr`; raises UserError for wrong ones."""
        path = self.folder / PARAMS_FILE
        load_params(path, values)
        set_values(path, values)

    def reproduce(self, environment: Environment = NO_VARIABLES) -> None:
        """Run every stage by DVC; raises UserError with the stage's own message when one fails.

        Those that fetch tables are not run: what they wrote is an input here.
        """
        self._reproduce(stages_in_order(self.folder), environment)

    def run_stages(self, environment: Environment = NO_VARIABLES) -> None:
        """Run every stage, those of linreg's kind in the same processes; raises like `reproduce`.

        It takes a third of the time that DVC takes, which runs a process for each stage.
        """
        stages = stages_in_order(self.folder)
        for output in locked_outputs(self.folder):
            _remove(self.folder / output.path)
        modules = {name: self._stage_module(stage) for name, stage in stages.items()}
        for shared, names in groupby(stages, lambda name: modules[name] is not None):
            if shared:
                variables = {**environment, STAGES: " ".join(str(modules[each]) for each in names)}
                command = (sys.executable, "-m", "linreg.verify.run_stages")
                self._run("stages", variables, *command)
            else:
                self._reproduce(names, environment)

    def output_hashes(self) -> dict[str, str]:
        """Return the MD5 of every output that exists, by path."""
        paths = [output.path for output in locked_outputs(self.folder)]
        return {
            path: content_hash(self.folder / path)
            for path in paths
            if (self.folder / path).exists()
        }

    def _reproduce(self, names: Iterable[str], environment: Environment) -> None:
        command = ["dvc", "repro", "--force", "--no-run-cache", "--no-commit", "--single-item"]
        self._run("dvc repro", environment, *command, *names)

    def _stage_module(self, stage: LockedStage) -> str | None:
        """Return NAME of `python -m stages.NAME` if its main() is one of linreg's stages.

        Such a main() can be called in a process in which another stage has run, and by several
        workers at once.
        """
        if found := re.fullmatch(r"python -m stages\.(\w+)", str(stage.cmd).strip()):
            script = self.folder / "stages" / f"{found[1]}.py"
            if script.exists() and STAGE_IMPORT in script.read_text(encoding="utf-8"):
                return found[1]
        return None

    def _run(self, name: str, environment: Environment, *command: str) -> None:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=self.folder,
            env=self._isolated_environment() | dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate()
        except BaseException:
            # Ctrl-C: the stages must not outlive the folder that they write to.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if process.returncode != 0:
            lines = [line for line in output.splitlines() if line.strip()]
            errors = [line for line in lines if line.startswith("error: ")] or lines[-3:]
            raise UserError(
                f"{name} in a clone of {self.commit[:10]}", "failed", found=" | ".join(errors)
            )

    def _isolated_environment(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)
        }
        dvc_folder = self.folder / ".dvc" / "tmp"
        return {
            **inherited,
            **UTF_8,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', '')}",
            # The runs of a checkout are nobody's.
            SYNC: "later",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(dvc_folder / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(dvc_folder / "global"),
            "DVC_SYSTEM_CONFIG_DIR": str(dvc_folder / "system"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }


@contextmanager
def checkout(commit: str = "HEAD") -> Iterator[Checkout]:
    """Check out a commit of the current repository, and copy the inputs that git does not hold.

    The project is the one in the working directory; the temporary folder is removed at the end.
    An input that is not there as dvc.lock records it comes from DVC's cache or remote. Raises
    UserError when there is no git repository, the commit is not in it or has no dvc.lock, or an
    input of its stages is nowhere to be found.
    """
    here = Path.cwd()
    commit_hash = git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="linreg-", ignore_cleanup_errors=True) as scratch:
        folder = clone_commit(commit_hash, Path(scratch).resolve() / "clone")
        (folder / ".dvc").mkdir(parents=True, exist_ok=True)
        (folder / ".dvc" / "config.local").write_text("[cache]\n    dir = cache\n")
        missing = [each for each in locked_inputs(folder) if not (folder / each.path).exists()]
        copied = [CopiedInput(each.path, copy_input(each, here, folder)) for each in missing]
        try:
            yield Checkout(folder, commit_hash, tuple(copied))
        finally:
            _wait_for_senders(folder)


def copy_input(wanted: LockedPath, here: Path, folder: Path) -> str:
    """Copy an input into a checkout's folder; returns in words where from.

    It is looked for in the project's folder `here`, in DVC's cache and in its remote. Raises
    UserError when it is nowhere to be found.
    """
    source, target = here / wanted.path, folder / wanted.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.exists() and content_hash(source) == wanted.md5:
        _copy(source, target)
        return "copied from the working directory"
    with tempfile.TemporaryDirectory(prefix="linreg-") as scratch:
        links, how = Path(scratch) / "cached", "copied from DVC's cache"
        is_cached = link_cached(wanted.md5, links)
        if not is_cached:
            reason, how = fetch_into_cache(wanted.md5), "fetched from DVC's remote"
            # Of a folder, the first try may have left some links.
            links = Path(scratch) / "fetched"
            is_cached = not reason and link_cached(wanted.md5, links)
        if is_cached:
            _copy(links, target)
            return how
    if not source.exists():
        raise UserError(
            wanted.path,
            f"is read by stage {wanted.stage} and is neither in git nor here",
            found=reason,
            todo=f"restore the file with MD5 {wanted.md5}, by `dvc pull` if DVC tracks it",
        )
    raise UserError(
        wanted.path,
        f"has changed since dvc.lock was written, which records MD5 {wanted.md5}",
        found=content_hash(source),
        todo="run `dvc repro` and commit dvc.lock",
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder, with what its links lead to."""
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _wait_for_senders(folder: Path) -> None:
    """Wait for the processes that send runs to the clone's store: they outlive the stages."""
    deadline = time.monotonic() + SECONDS_FOR_SENDERS
    for path in folder.glob(".linreg/runs/*/sender.lock"):
        with exclusive_lock(path, timeout=max(0.0, deadline - time.monotonic())):
            pass
