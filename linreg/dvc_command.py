"""DVC as a command: its exit code, what it prints, and its error message."""

import os
import subprocess
import sys
from pathlib import Path

UTF_8 = {"PYTHONIOENCODING": "utf-8"}
"""The environment in which DVC and the stages write UTF-8, whatever the locale; to be read so."""


def run_dvc(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `dvc` in a folder, by default the working directory, and return what it printed."""
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(  # noqa: S603 - no shell
        command,
        cwd=folder,
        env=os.environ | UTF_8,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def dvc_error(done: subprocess.CompletedProcess[str]) -> str:
    """Return the first error that DVC printed, or else its last line."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or ["no message"])[0]
