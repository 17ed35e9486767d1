"""A commit of this repository in a temporary folder, where its stages are executed and nothing is
restored.

    with checkout("HEAD") as project:
        project.execute()
        project.outputs()

Nothing that was made elsewhere can get in: DVC's caches, its configuration and the tracking store
are all inside that folder, and the environment says nothing of the caller's.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from linreg.dvc_lock import LockedPath, locked_inputs, locked_outputs, stage_names
from linreg.errors import UserError
from linreg.files import content_hash
from linreg.params import PARAMS_FILE, changed_params
from linreg.params_file import set_values

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
SECONDS_FOR_SENDERS = 20.0
Environment = Mapping[str, str]
NOTHING: Environment = MappingProxyType({})


@dataclass(frozen=True)
class Checkout:
    """A commit of a project in a folder of its own.

    folder   the project in it, which holds dvc.yaml
    commit   its full hash
    brought  the inputs that git does not hold and that were taken from the caller's folder
    """

    folder: Path
    commit: str
    brought: tuple[LockedPath, ...]

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Write parameters by their names, such as `train.lr`; raises UserError for wrong ones."""
        path = self.folder / PARAMS_FILE
        changed_params(values, path)
        set_values(path, values)

    def execute(self, environment: Environment = NOTHING) -> None:
        """Run every stage by DVC; raises UserError with the stage's own last line when one
        fails.
        """
        self._run(
            "dvc repro", environment, "dvc", "repro", "--force", "--no-run-cache", "--no-commit"
        )

    def execute_stages(self, environment: Environment = NOTHING) -> None:
        """Run every stage by itself, which takes seconds less; raises like `execute`."""
        for path in {output.path for output in locked_outputs(self.folder)}:
            _remove(self.folder / path)
        for stage in stage_names(self.folder):
            self._run(f"stage {stage}", environment, sys.executable, "-m", f"stages.{stage}")

    def outputs(self) -> dict[str, str]:
        """Return the MD5 of every output that is there, by path."""
        paths = [output.path for output in locked_outputs(self.folder)]
        return {
            path: content_hash(self.folder / path)
            for path in paths
            if (self.folder / path).exists()
        }

    def _run(self, what: str, environment: Environment, *command: str) -> None:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=self.folder,
            env=self._environment() | dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate()
        # Ctrl-C: the stages must not outlive the folder that they write to
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if process.returncode != 0:
            lines = [line for line in output.splitlines() if line.strip()]
            errors = [line for line in lines if line.startswith("error: ")] or lines[-3:]
            raise UserError(
                f"{what} in a clone of {self.commit[:10]}", "failed", found=" | ".join(errors)
            )

    def _environment(self) -> dict[str, str]:
        """Return the caller's environment without what could bring in a result, a store or a
        setting of theirs.
        """
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)
        }
        beside = self.folder / ".dvc" / "tmp"
        return kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(beside / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(beside / "global"),
            "DVC_SYSTEM_CONFIG_DIR": str(beside / "system"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }


@contextmanager
def checkout(commit: str = "HEAD") -> Iterator[Checkout]:
    """Check a commit out into a temporary folder, gone at the end, with the inputs that git does
    not hold.

    The project is the one in the working directory. Raises UserError when it is in no git
    repository, when the commit is not there or has no dvc.lock, or when an input of its stages is
    missing or differs from dvc.lock.
    """
    top, here = Path(git("rev-parse", "--show-toplevel")), Path.cwd()
    full = git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="linreg-", ignore_cleanup_errors=True) as scratch:
        clone = Path(scratch).resolve() / "clone"
        # --shared has every commit of the repository, those of DVC's experiments too, which no
        # branch holds.
        git("clone", "--quiet", "--shared", "--no-checkout", str(top), str(clone))
        git("-C", str(clone), "checkout", "--quiet", "--detach", full)
        folder = clone / here.resolve().relative_to(top.resolve())
        (folder / ".dvc").mkdir(parents=True, exist_ok=True)
        (folder / ".dvc" / "config.local").write_text("[cache]\n    dir = cache\n")
        try:
            yield Checkout(
                folder, full, tuple(_bring(each, here, folder) for each in _not_in(folder))
            )
        finally:
            _wait_for_senders(folder)


def git(*arguments: str) -> str:
    """Return what git prints about the repository of the working directory; raises UserError when
    it fails.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are all ours
            ["git", *arguments],  # noqa: S607 - the user's git, wherever it is
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise UserError("git", "is not installed") from None
    if done.returncode != 0:
        what = (
            f"`git {arguments[0]}` failed"
            if done.stderr.strip()
            else "there is no such commit here"
        )
        found = done.stderr.strip().splitlines()[-1:] or [arguments[-1].removesuffix("^{commit}")]
        raise UserError("git", what, found=found[0], todo="commit first, or fetch the commit")
    # what it begins with may be a space that means something
    return done.stdout.rstrip()


def _not_in(folder: Path) -> list[LockedPath]:
    return [each for each in locked_inputs(folder) if not (folder / each.path).exists()]


def _bring(wanted: LockedPath, here: Path, folder: Path) -> LockedPath:
    source, target = here / wanted.path, folder / wanted.path
    if not source.exists():
        raise UserError(
            wanted.path,
            f"is read by stage {wanted.stage} and is neither in git nor here",
            todo=f"bring the file with MD5 {wanted.md5}, by `dvc pull` if DVC tracks it",
        )
    if (found := content_hash(source)) != wanted.md5:
        raise UserError(
            wanted.path,
            f"is not what dvc.lock names, which has MD5 {wanted.md5}",
            found=found,
            todo="run `dvc repro` and commit dvc.lock",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
    return wanted


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _wait_for_senders(folder: Path) -> None:
    """Wait for the processes that send runs to the clone's store, which outlive the stages; they
    hold a lock.
    """
    deadline = time.monotonic() + SECONDS_FOR_SENDERS
    for lock in folder.glob(".linreg/runs/*/sender.lock"):
        with lock.open("ab") as file:
            while time.monotonic() < deadline:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    time.sleep(0.05)
                else:
                    break
