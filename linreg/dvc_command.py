"""DVC as a command: its exit code, what it prints, and its error message; where its cache is."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from linreg.git import environment_of_folder

UTF_8 = {"PYTHONIOENCODING": "utf-8"}
"""The environment in which DVC and the stages write UTF-8, whatever the locale; to be read so."""


def run_dvc(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `dvc` in a folder, by default the working directory, and return what it printed.

    Raises ModuleNotFoundError where it is not installed.
    """
    require_dvc()
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(  # noqa: S603 - no shell
        command,
        cwd=folder,
        env=environment_of_folder() | UTF_8,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def require_dvc() -> None:
    """Raise ModuleNotFoundError, as an import would, where DVC is not installed."""
    if importlib.util.find_spec("dvc") is None:
        raise ModuleNotFoundError("No module named 'dvc'", name="dvc")


def dvc_error(done: subprocess.CompletedProcess[str]) -> str:
    """Return the first error that DVC printed, or else its last line."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or ["no message"])[0]


def cache_folder(root: Path) -> Path:
    """Return the folder of DVC's cache, which several clones may share; it need not exist.

    root  the folder that holds .dvc
    """
    # Imported here because it takes half a second.
    from dvc.config import Config

    return root / (Config(root / ".dvc")["cache"].get("dir") or ".dvc/cache")
