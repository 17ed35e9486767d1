"""How a repository has git merge dvc.lock by `linreg merge`."""

import shlex
import sys
from pathlib import Path

from linreg.errors import UserError
from linreg.files import write_text
from linreg.git import git, query_git

ATTRIBUTES = Path(".gitattributes")
FILES = ("code.lock", "dvc.lock", "params.yaml", "models/evaluation/scores.json")
"""What branches change that differ in a parameter or in code."""
COMMAND = "linreg merge --install"


def install_merge_driver(folder: Path) -> str:
    """Name the files to merge in .gitattributes; return what everyone must do once in each clone.

    Git takes no commands from a repository: the driver itself stands in the configuration of a
    clone, which `configure_git` changes.
    """
    path = folder / ATTRIBUTES
    # As bytes: line ends stay as they are.
    text = path.read_bytes().decode() if path.exists() else ""
    present = [line.strip() for line in text.splitlines()]
    missing = [line for each in FILES if (line := f"{each} merge=linreg") not in present]
    if missing:
        end = "" if text.endswith("\n") or not text else "\n"
        write_text(path, text + end + "".join(f"{line}\n" for line in missing))
    return f"in each clone, run `{COMMAND}` once: git then merges dvc.lock by stage"


def configure_git(folder: Path) -> dict[str, str]:
    """Set the driver in the configuration of the clone, and return what was set.

    It names this Python, as git may be called where no environment is activated. Raises UserError
    outside of a repository.
    """
    if query_git("rev-parse", "--git-dir", folder=folder) is None:
        where = folder.absolute()
        raise UserError(where, "is not in a git repository", todo="run `git init` first")
    python = shlex.quote(sys.executable)
    settings = {
        "merge.linreg.name": "dvc.lock stage by stage, params.yaml line by line",
        # -P: a folder `linreg` at the top of a repository is not imported.
        "merge.linreg.driver": f"{python} -P -m linreg merge %O %A %B %P",
        # Of the ancestors of a criss-cross merge nothing is printed.
        "merge.linreg.recursive": "binary",
    }
    for name, value in settings.items():
        git("config", "--local", name, value, folder=folder)
    return settings
