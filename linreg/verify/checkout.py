"""A commit of this repository in a temporary folder, in which its stages are run again.

    with checkout("HEAD") as project:
        project.reproduce()
        project.output_hashes()

No result of another run can get into it: DVC's caches, its configuration and the tracking store
all lie in that folder, and the stages do not inherit the settings of the caller.
"""

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

from linreg.dvc_command import UTF_8
from linreg.dvc_lock import LockedPath, locked_inputs, locked_outputs, stage_names
from linreg.errors import UserError
from linreg.files import content_hash
from linreg.git import git
from linreg.params.edit import set_values
from linreg.params.file import PARAMS_FILE, load_params
from linreg.process.lock import exclusive_lock
from linreg.tracking.journal.sender_process import SYNC
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
Environment = Mapping[str, str]
NO_VARIABLES: Environment = MappingProxyType({})


@dataclass(frozen=True)
class Checkout:
    """A commit of a project in a folder of its own.

    folder         the project in it, which holds dvc.yaml
    commit         its full hash
    copied_inputs  the inputs that git does not hold, copied from the working directory
    """

    folder: Path
    commit: str
    copied_inputs: tuple[LockedPath, ...]

    def description(self) -> list[str]:
        """Return lines that say what is run here, and in which environment."""
        return [
            f"commit {self.commit[:10]}: {git('log', '-1', '--format=%s', self.commit)}",
            *(
                f"{each.path}: not in git, copied from the working directory; its MD5 is that in "
                "dvc.lock"
                for each in self.copied_inputs
            ),
            *describe_environment(self.folder / "requirements.lock"),
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
        command = ["dvc", "repro", "--force", "--no-run-cache", "--no-commit"]
        command += ["--single-item", *stage_names(self.folder)]
        self._run("dvc repro", environment, *command)

    def run_stages(self, environment: Environment = NO_VARIABLES) -> None:
        """Run every stage without DVC, in one process each; raises like `reproduce`.

        It takes a third of the time of one process for each stage.
        """
        for output in locked_outputs(self.folder):
            _remove(self.folder / output.path)
        stages = {STAGES: " ".join(stage_names(self.folder))}
        command = (sys.executable, "-m", "linreg.verify.run_stages")
        self._run("stages", {**environment, **stages}, *command)

    def output_hashes(self) -> dict[str, str]:
        """Return the MD5 of every output that exists, by path."""
        paths = [output.path for output in locked_outputs(self.folder)]
        return {
            path: content_hash(self.folder / path)
            for path in paths
            if (self.folder / path).exists()
        }

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
    Raises UserError when there is no git repository, the commit is not in it or has no dvc.lock,
    or an input of its stages is missing or differs from dvc.lock.
    """
    top, here = Path(git("rev-parse", "--show-toplevel")), Path.cwd()
    commit_hash = git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="linreg-", ignore_cleanup_errors=True) as scratch:
        clone = Path(scratch).resolve() / "clone"
        # With --shared the clone has every commit of the repository. Those of DVC's experiments are
        # on no branch, so an ordinary clone would lack them.
        git("clone", "--quiet", "--shared", "--no-checkout", str(top), str(clone))
        git("-C", str(clone), "checkout", "--quiet", "--detach", commit_hash)
        folder = clone / here.resolve().relative_to(top.resolve())
        (folder / ".dvc").mkdir(parents=True, exist_ok=True)
        (folder / ".dvc" / "config.local").write_text("[cache]\n    dir = cache\n")
        missing = [each for each in locked_inputs(folder) if not (folder / each.path).exists()]
        for each in missing:
            _copy_input(each, here, folder)
        try:
            yield Checkout(folder, commit_hash, tuple(missing))
        finally:
            _wait_for_senders(folder)


def _copy_input(wanted: LockedPath, here: Path, folder: Path) -> None:
    source, target = here / wanted.path, folder / wanted.path
    if not source.exists():
        raise UserError(
            wanted.path,
            f"is read by stage {wanted.stage} and is neither in git nor here",
            todo=f"restore the file with MD5 {wanted.md5}, by `dvc pull` if DVC tracks it",
        )
    if (found := content_hash(source)) != wanted.md5:
        raise UserError(
            wanted.path,
            f"has changed since dvc.lock was written, which records MD5 {wanted.md5}",
            found=found,
            todo="run `dvc repro` and commit dvc.lock",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
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
