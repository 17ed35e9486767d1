"""The two sides of a merge in git, and their common ancestor."""

from collections.abc import Iterator
from pathlib import Path

from linreg.git import query_git, run_git

Sides = tuple[str, str, str]
"""Base, ours and theirs: each is what `git cat-file` takes before the path of a file."""
NO_COMMIT = "0" * 40


def sides_of_merges(folder: Path, file: str) -> Iterator[Sides]:
    """Yield the sides of the merge that has left conflicts in a file, or that is not finished.

    Also those of the last commit, if it is a merge.
    """
    if query_git("ls-files", "--unmerged", "--", file, folder=folder):
        yield ":1:", ":2:", ":3:"
    for theirs in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD"):
        if _exists(theirs, folder):
            base = _ancestor("HEAD", theirs, folder) if theirs == "MERGE_HEAD" else f"{theirs}^"
            yield f"{base}:", "HEAD:", f"{theirs}:"
    if _exists("REVERT_HEAD", folder):
        yield "REVERT_HEAD:", "HEAD:", "REVERT_HEAD^:"
    if _exists("HEAD^2", folder):
        yield f"{_ancestor('HEAD^1', 'HEAD^2', folder)}:", "HEAD^1:", "HEAD^2:"


def file_of(side: str, file: str, folder: Path) -> bytes | None:
    """Return a file as a side has it, if it does; `file` is relative to `folder`."""
    done = run_git("cat-file", "blob", f"{side}./{file}", folder=folder)
    return done.stdout if done.returncode == 0 else None


def _exists(commit: str, folder: Path) -> bool:
    return query_git("rev-parse", "--quiet", "--verify", commit, folder=folder) is not None


def _ancestor(ours: str, theirs: str, folder: Path) -> str:
    """Return the common ancestor; NO_COMMIT for unrelated histories."""
    return query_git("merge-base", ours, theirs, folder=folder) or NO_COMMIT
