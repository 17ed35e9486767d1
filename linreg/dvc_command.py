"""DVC as a command: its exit code, what it prints, and its error message; where its cache is."""

import subprocess
import sys
from pathlib import Path


def run_dvc(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `dvc` in a folder, by default the working directory, and return what it printed."""
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(  # noqa: S603 - no shell
        command, cwd=folder, capture_output=True, text=True, check=False
    )


def dvc_error(done: subprocess.CompletedProcess[str]) -> str:
    """Return the first error that DVC printed, or else its last line."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or ["no message"])[0]


def cache_folder() -> Path:
    """Return the folder of DVC's cache, which several clones may share; it need not exist."""
    # Imported here because it takes half a second.
    from dvc.config import Config

    return Path(Config(".dvc")["cache"].get("dir") or ".dvc/cache")
