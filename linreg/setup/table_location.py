"""Where a table lies: in the repository or elsewhere, tracked by git, by DVC or by neither."""

import shlex
import shutil
from contextlib import suppress
from pathlib import Path

from linreg.dvc_lock import locked_outputs
from linreg.errors import UserError
from linreg.files import content_hash, new_file, new_folder
from linreg.setup.options import UseOptions
from linreg.table_tracking import dvc_file_of, hidden_from_dvc, is_in_git

COPIES = Path("data/own")
"""Where `--copy` puts tables; git does not ignore it."""
FETCHED = Path("data/fetched")
"""Where the stage that fetches puts tables; DVC tracks them."""
_MOST_BYTES_FOR_GIT = 10_000_000


def source_parameter(path: Path) -> str:
    """Return `ingest.source` for a path: relative inside this repository, else absolute."""
    repository, table = Path.cwd().resolve(), path.resolve()
    if table.is_relative_to(repository):
        return table.relative_to(repository).as_posix()
    return str(table)


def locate_table(path: Path, *, copy: bool) -> Path:
    """Return where a table is to be read, after copying it into the repository with `copy`.

    Raises UserError if there is no table, or another one in the copy's place.
    """
    if not path.exists():
        raise UserError(path, "there is no such file or folder", todo="check the path")
    target = COPIES / path.name
    if not copy or path.resolve() == target.resolve():
        return path
    if target.exists():
        if content_hash(path) != content_hash(target):
            raise UserError(
                target, "exists already, with other content", todo="move it, or rename your file"
            )
    elif path.is_dir():
        with new_folder(target) as folder:
            shutil.copytree(path, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    else:
        with new_file(target) as partial:
            shutil.copyfile(path, partial)
    return target


def tracking_advice(path: Path, options: UseOptions) -> tuple[str, str]:
    """Return why clones and queued experiments would lack a table, and the command against that.

    Both are empty for a table that git or DVC tracks.
    """
    source = source_parameter(path)
    if Path(source).is_absolute():
        message = (
            "The table lies outside of this repository: `dvc repro` reads it there, but clones,"
            f" queued experiments and `make verify` do not have it. To copy it into {COPIES}/:"
        )
        return message, options.command(copy=True)
    if _is_tracked(source):
        return "", ""
    dvc_file = dvc_file_of(Path(source))
    if dvc_file is None and _size(path) <= _MOST_BYTES_FOR_GIT:
        return _not_tracked(source, "it"), f"git add {shlex.quote(source)}"
    dvc_file = dvc_file or Path(f"{source}.dvc")
    if hidden := hidden_from_dvc(dvc_file):
        message = (
            f"DVC does not see {dvc_file}, as a pattern of .gitignore hides {hidden}: `dvc push`"
            " would leave the table out without a word. This shows the pattern; have it name"
            " less:"
        )
        shown = f"{hidden}any" if hidden.endswith("/") else hidden
        return message, f"git check-ignore --verbose {shlex.quote(shown)}"
    command = f"git add {shlex.quote(str(dvc_file))}"
    if not dvc_file.exists():
        command = f"dvc add {shlex.quote(source)} && {command}"
    return _not_tracked(source, "its .dvc file"), command


def _not_tracked(source: str, committed: str) -> str:
    return (
        f"Neither git nor DVC tracks {source}: clones, queued experiments and `make verify` will"
        f" have it once you commit {committed}:"
    )


def _is_tracked(source: str) -> bool:
    dvc_file = dvc_file_of(Path(source))
    if Path(source).is_relative_to(FETCHED) or is_in_git(Path(source)):
        return True
    if dvc_file is not None:
        return is_in_git(dvc_file) and not hidden_from_dvc(dvc_file)
    with suppress(UserError):
        return any(source == output.path for output in locked_outputs(Path()))
    return False


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
