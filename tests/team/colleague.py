"""Somebody of a team: a shell that keeps folder, variables and umask from command to command."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.project import Project, share_kernels

KEEP = "code=$?; {{ export -p; umask -p; }} > {home}/shell; pwd > {home}/folder; exit $code"


class Colleague:
    """Runs commands as a person does who types them one after the other.

    home  a folder of its own, in which the shell starts
    """

    def __init__(self, home: Path, variables: Mapping[str, str]) -> None:
        self.home = home
        home.mkdir()
        (home / "shell").touch()
        (home / "folder").write_text(f"{home}\n")
        # Git and DVC keep settings there, and MLflow passwords.
        self._variables = {**variables, "HOME": str(home), "LINREG_SYNC": "later"}

    @property
    def project(self) -> Project:
        return Project(Path((self.home / "folder").read_text().rstrip("\n")))

    def start(self, command: str) -> "subprocess.Popen[str]":
        """Start a line of shell that goes on until it is ended."""
        return subprocess.Popen(
            ["bash", "-c", f". {self.home}/shell; exec {command}"],
            cwd=self.project.folder,
            env=self.project.environment() | self._variables,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a line of shell; stdout has all that it prints."""
        shell = f"exec 2>&1; . {self.home}/shell; {command}\n{KEEP.format(home=self.home)}"
        done = self.project.run("bash", "-c", shell, check=check, env=self._variables)
        if command.startswith("git clone"):
            share_kernels(self.project.folder)
        return done
