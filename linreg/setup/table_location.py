"""Where a table lies: inside the repository or not, and whether git or DVC brings it to a clone."""

import shlex
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from linreg.dvc_lock import locked_outputs
from linreg.errors import UserError
from linreg.files import content_hash, new_file, new_folder

OWN = Path("data/own")
"""Where `--copy` puts tables; git does not ignore it."""
_FOR_GIT = 10_000_000


def as_parameter(path: Path) -> str:
    """Return `ingest.source` for a path: relative inside this repository, else absolute."""
    here, there = Path.cwd().resolve(), path.resolve()
    return there.relative_to(here).as_posix() if there.is_relative_to(here) else str(there)


def copied(path: Path) -> Path:
    """Copy a table into the repository; raises UserError if another one lies there."""
    target = OWN / path.name
    if path.resolve() == target.resolve():
        return target
    if target.exists():
        if content_hash(path) != content_hash(target):
            raise UserError(
                target, "is there already, with other content", todo="move it, or rename your file"
            )
        return target
    if path.is_dir():
        with new_folder(target) as folder:
            shutil.copytree(path, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    else:
        with new_file(target) as partial:
            shutil.copyfile(path, partial)
    return target


def advice(path: Path) -> tuple[str, str]:
    """Say what keeps clones and queued experiments from seeing a table, and the command against it;
    else ''.
    """
    source = as_parameter(path)
    if Path(source).is_absolute():
        what = (
            "The file lies outside of this repository: `dvc repro` reads it there, but clones, queued experiments and"
            f" `make verify` do not have it. This copies it into {OWN}/:"
        )
        return what, shlex.join(["linreg", "use", str(path), "--copy"])
    if _is_tracked(source):
        return "", ""
    tool = "git add" if _size(path) <= _FOR_GIT else "dvc add"
    what = f"Neither git nor DVC tracks {source}: clones, queued experiments and `make verify` have it once you commit"
    return (
        f"{what} it:" if tool == "git add" else f"{what} its .dvc file:",
        f"{tool} {shlex.quote(source)}",
    )


def _is_tracked(source: str) -> bool:
    if Path(f"{source}.dvc").exists() or _git("ls-files", "--error-unmatch", "--", source):
        return True
    with suppress(UserError):
        return any(source == made.path for made in locked_outputs(Path()))
    return False


def _git(*arguments: str) -> bool:
    try:
        command = ["git", *arguments]
        return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def _size(path: Path) -> int:
    return (
        sum(file.stat().st_size for file in path.rglob("*"))
        if path.is_dir()
        else path.stat().st_size
    )
