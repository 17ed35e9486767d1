"""A copy of the workspace in a temporary clone, in which DVC runs an experiment.

In the user's own repository `dvc exp run` would check out a detached HEAD and reset all files, for
a moment and with --temp too: what an editor saves then is lost, and a kill leaves the uncommitted
changes in a stash. In the clone it does as it likes.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linreg.dvc_command import dvc_error, run_dvc
from linreg.errors import UserError
from linreg.git import clone_commit, git


@contextmanager
def workspace_copy(head: str, untracked: Path | None) -> Iterator[Path]:
    """Yield the project in a clone of the commit `head`, with the changes to it in the workspace.

    It has the workspace's DVC cache and settings. Of the files that git does not know it has only
    `untracked`. It is removed at the end.
    """
    with tempfile.TemporaryDirectory(prefix="linreg-", ignore_cleanup_errors=True) as scratch:
        folder = clone_commit(head, Path(scratch).resolve() / "clone")
        # Without changes `stash create` fails where only the time of a file is another.
        if git("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty"):
            # A commit of the uncommitted changes that no branch and no stash has.
            changes = git("stash", "create")
            restore = ("restore", "--source", changes, "--staged", "--worktree", "--", ":/")
            git(*restore, folder=folder)
        _share_dvc(folder)
        if untracked is not None:
            target = folder / untracked
            target.parent.mkdir(parents=True, exist_ok=True)
            # In place of the pointer that there is for a table in Git LFS.
            if untracked.is_dir():
                shutil.copytree(untracked, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(untracked, target)
        yield folder


def _share_dvc(folder: Path) -> None:
    """Have DVC in a clone work as in the workspace: with its local settings, and in its cache."""
    # Relative to the project, as `..` where DVC is set up above it.
    settings = Path(run_dvc("root").stdout.strip()) / ".dvc"
    if (settings / "config.local").exists():
        shutil.copyfile(settings / "config.local", folder / settings / "config.local")
    cache = Path(run_dvc("cache", "dir").stdout.strip())
    cache.mkdir(parents=True, exist_ok=True)
    # A link, since DVC cannot write a path outside of ASCII into its settings.
    (folder / settings / "cache").symlink_to(cache)
    done = run_dvc("config", "--local", "cache.dir", str(settings / "cache"), folder=folder)
    if done.returncode != 0:
        raise UserError("dvc config", "failed", found=dvc_error(done))
