"""A new project in a folder, in a git repository or outside of one; nothing is overwritten."""

import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from linreg import __version__
from linreg.dvc_command import dvc_error, run_dvc
from linreg.errors import UserError
from linreg.files import write_text
from linreg.git import git, query_git
from linreg.merging.install import ATTRIBUTES, configure_git, install_merge_driver
from linreg.new_project.files import (
    BASE,
    IGNORED,
    files_of_project,
    is_of_pipeline,
    plot_templates,
    write_base,
)
from linreg.project_files import project_files

_BYTES = """\
# The hash of a text is that of its bytes, whatever git's core.autocrlf says.
* -text
"""


@dataclass
class Created:
    """What was done for a new project.

    done     lines such as `git init`, for what was set up
    todo     what is left to the user
    written  files that are new
    kept     files that were there already
    """

    done: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def create_project(folder: Path) -> Created:
    """Write the files of a project into a folder, and set up git and DVC where they are not yet.

    Raises UserError, before anything is written, where the folder has a file of a pipeline that is
    not the one that would be written, and where DVC is not installed.
    """
    folder = folder.resolve()
    if folder == project_files():
        raise UserError(folder, "is a clone of linreg, which has the pipeline already")
    if folder.exists() and not folder.is_dir():
        raise UserError(folder, "is not a folder", todo="name another one: linreg init FOLDER")
    if importlib.util.find_spec("dvc") is None:
        raise UserError("dvc", "is not installed", todo="pip install linreg")
    top = query_git("rev-parse", "--show-toplevel", folder=_existing(folder))
    git_top = Path(top).resolve() if top else None
    files = files_of_project(folder, git_top)
    _require_no_other_pipeline(folder, files)
    created = Created()
    folder.mkdir(parents=True, exist_ok=True)
    is_new = git_top is None and shutil.which("git") is not None
    if is_new:
        git("init", "--quiet", folder=folder)
        created.done.append("git init")
    _set_up_git(folder, created, is_new=is_new)
    _write_missing(folder, files, created)
    _set_up_dvc(folder, created)
    _ignore(folder, created)
    if not (folder / BASE).exists():
        write_base(folder, __version__, files)
        created.written.append(BASE)
    return created


def _require_no_other_pipeline(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        if is_of_pipeline(name) and path.exists() and path.read_bytes() != text.encode():
            raise UserError(
                path,
                "is here already, and is not what linreg would write",
                todo="`linreg upgrade` renews a project; for a new one take another folder: "
                "linreg init FOLDER",
            )


def _write_missing(folder: Path, files: Mapping[str, str], created: Created) -> None:
    for name, text in files.items():
        path = folder / name
        if path.exists():
            created.kept.append(name)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
        created.written.append(name)


def _set_up_dvc(folder: Path, created: Created) -> None:
    """Run `dvc init` unless the folder is in a DVC repository; add the templates of plots."""
    top = query_git("rev-parse", "--show-toplevel", folder=folder)
    git_top = Path(top).resolve() if top else folder
    inside = [each for each in (folder, *folder.parents) if each.is_relative_to(git_top)]
    root = next((each for each in inside if (each / ".dvc").is_dir()), None)
    if root is None:
        root = folder
        options = ["--no-scm"] if top is None else ["--subdir"] if git_top != folder else []
        done = run_dvc("init", "--quiet", *options, folder=folder)
        if done.returncode != 0:
            raise UserError("dvc init", "failed", found=dvc_error(done))
        created.done.append(" ".join(["dvc init", *options]))
        # As in linreg's own: DVC sends no statistics about its use, and asks for no new version.
        config = folder / ".dvc" / "config"
        own = (project_files() / ".dvc" / "config").read_text(encoding="utf-8")
        write_text(config, config.read_text(encoding="utf-8") + own.partition("[plots]")[0])
    _write_missing(root / ".dvc", plot_templates(), Created())


def _set_up_git(folder: Path, created: Created, *, is_new: bool) -> None:
    """Have git leave line ends as they are, and merge dvc.lock stage by stage."""
    path = folder / ATTRIBUTES
    if not path.exists():
        write_text(path, _BYTES)
        created.written.append(path.name)
    for_every_clone = install_merge_driver(folder)
    is_in_git = query_git("rev-parse", "--git-dir", folder=folder) is not None
    if is_new:
        configure_git(folder)
    elif is_in_git and query_git("config", "merge.linreg.driver", folder=folder) is None:
        created.todo.append(for_every_clone)


def _ignore(folder: Path, created: Created) -> None:
    """Add what is not to be committed to .gitignore."""
    path = folder / ".gitignore"
    # As bytes: line ends stay as they are.
    before = path.read_bytes().decode() if path.exists() else ""
    missing = [line for line in IGNORED if line not in before.splitlines()]
    if not missing:
        return
    gap = "" if before.endswith("\n") or not before else "\n"
    write_text(path, f"{before}{gap}" + "".join(f"{line}\n" for line in missing))
    created.done.append(f".gitignore: {len(missing)} lines")


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())
