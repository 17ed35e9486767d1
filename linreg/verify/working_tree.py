"""The working tree as a commit that no branch has, where nothing was committed yet."""

import tempfile
from pathlib import Path

from linreg.dvc_lock import DVC_LOCK
from linreg.files import size_of
from linreg.git import MOST_BYTES_FOR_GIT, git, query_git

_NOBODY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "linreg"), ("EMAIL", "linreg@localhost"))
}
SUBJECT = "the files of the working tree, which are not committed"


def has_committed_lock() -> bool:
    """Tell whether the last commit has a dvc.lock in the working directory or below it."""
    names = query_git("ls-tree", "-r", "--name-only", "HEAD", ".") or ""
    return any(Path(name).name == DVC_LOCK.name for name in names.splitlines())


def commit_of_working_tree() -> str:
    """Return the hash of a commit of the files in the working directory that git does not ignore.

    Large files that it does not track, such as tables, are left out. No branch, index or file
    changes: git keeps the commit for some weeks, and then removes it as one that nothing refers to.
    Raises UserError outside of a git repository.
    """
    head = query_git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    untracked = git("ls-files", "-z", "--others", "--exclude-standard").split("\0")
    left_out = [each for each in untracked if each and size_of(Path(each)) > MOST_BYTES_FOR_GIT]
    with tempfile.TemporaryDirectory(prefix="linreg-") as scratch:
        variables = {**_NOBODY, "GIT_INDEX_FILE": str(Path(scratch) / "index")}
        if head:
            git("read-tree", head, variables=variables)
        excluded = (f":(exclude,literal){path}" for path in left_out)
        git("add", "--all", "--", ".", *excluded, variables=variables)
        tree = git("write-tree", variables=variables)
        parents = ("-p", head) if head else ()
        return git("commit-tree", *parents, "-m", SUBJECT, tree, variables=variables)
