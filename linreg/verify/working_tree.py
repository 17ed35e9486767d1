"""The working tree as a commit that no branch has, where nothing was committed yet."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from linreg.git import git, query_git

_NOBODY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "linreg"), ("EMAIL", "linreg@localhost"))
}
SUBJECT = "the files of the working tree, which are not committed"


def commit_of_working_tree(left_out: Iterable[str]) -> str:
    """Return the hash of a commit of the files in the working directory that git does not ignore.

    `left_out` are paths that it is not to hold, such as large tables. No branch, index or file
    changes: git keeps the commit for some weeks, and then removes it as one that nothing refers to.
    Raises UserError outside of a git repository.
    """
    head = query_git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    with tempfile.TemporaryDirectory(prefix="linreg-") as scratch:
        variables = {**_NOBODY, "GIT_INDEX_FILE": str(Path(scratch) / "index")}
        if head:
            git("read-tree", head, variables=variables)
        excluded = (f":(exclude,literal){path}" for path in left_out)
        git("add", "--all", "--", ".", *excluded, variables=variables)
        tree = git("write-tree", variables=variables)
        parents = ("-p", head) if head else ()
        return git("commit-tree", *parents, "-m", SUBJECT, tree, variables=variables)
