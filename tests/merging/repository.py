"""A git repository whose commits are states of the toy pipeline."""

import os
import subprocess
import sys
from pathlib import Path

from linreg.merging.install import configure_git, install_merge_driver
from linreg.merging.lock_entries import Entries, read_entries
from tests.merging.toy_pipeline import SCORES, State, md5, write

ROOT = Path(__file__).parents[2]


class Repository:
    def __init__(self, top: Path, folder: str, *, driver: bool) -> None:
        self.top = top
        self.folder = top / folder
        self.folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "A")
        self.git("config", "user.email", "a@localhost")
        if driver:
            configure_git(self.top)
            install_merge_driver(self.folder)
        self.commit(State())

    def commit(self, state: State) -> str:
        """Commit the state of a project in which all stages have run; return the commit."""
        write(state, self.folder)
        return self.commit_all()

    def commit_all(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "state")
        return self.git("rev-parse", "HEAD").stdout.strip()

    def branch(self, name: str, state: State, *, start: str = "main") -> None:
        self.git("checkout", "-q", "-b", name, start)
        self.commit(state)

    def diverge(self, ours: State, theirs: State) -> None:
        """Leave a branch `theirs`, and check out `ours`; both begin at main."""
        self.branch("theirs", theirs)
        self.branch("ours", ours)

    def git(
        self, *arguments: str, check: bool = True, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return self._run("git", *arguments, check=check, folder=folder or self.top)

    def linreg(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-P", "-m", "linreg", *arguments)
        return self._run(*command, check=check, folder=self.folder)

    def entries(self) -> Entries:
        """Return what dvc.lock records, which has no conflict."""
        return read_entries((self.folder / "dvc.lock").read_text(), "dvc.lock")

    def scores_are_recorded(self) -> bool:
        entry = self.entries()["evaluate"]
        return entry.outputs[SCORES] == md5((self.folder / SCORES).read_text())

    def _run(self, *command: str, check: bool, folder: Path) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if "GIT" not in name}
        done = subprocess.run(
            command,
            cwd=folder,
            # Not activated: nothing but git is on the path.
            env={**environment, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done
