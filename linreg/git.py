"""What git says about a folder's repository; the one place that runs git."""

import logging
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from linreg.errors import UserError

SECONDS_TO_ANSWER = 20
MOST_BYTES_FOR_GIT = 10_000_000
"""A larger table is better kept by DVC."""
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_OTHER_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_WORK_TREE",
    }
)
"""Variables that git sets in its hooks: they would name the hook's repository, not the folder's."""
_log = logging.getLogger(__name__)


def git(
    *arguments: str, folder: Path | None = None, variables: Mapping[str, str] = NO_VARIABLES
) -> str:
    """Return what git prints, without trailing white space; raises UserError when it fails.

    It runs in `folder`, by default the working directory, with `variables` in its environment, and
    may take as long as it needs.
    """
    try:
        done = run_git(*arguments, folder=folder, variables=variables)
    except FileNotFoundError:
        raise UserError("git", "is not installed") from None
    if done.returncode != 0:
        messages = done.stderr.decode(errors="replace").strip().splitlines()
        # With --quiet, git says nothing about a commit that it does not have.
        what = f"`git {arguments[0]}` failed" if messages else "there is no such commit here"
        found = messages[-1] if messages else arguments[-1].removesuffix("^{commit}")
        raise UserError("git", what, found=found, todo="commit first, or fetch the commit")
    # Leading white space may have a meaning, as in `git status --porcelain`.
    return done.stdout.decode(errors="replace").rstrip()


def query_git(*arguments: str, folder: Path | None = None) -> str | None:
    """Return what git prints, or None where there is no repository, no such object or no git."""
    try:
        done = run_git(*arguments, folder=folder, timeout=SECONDS_TO_ANSWER)
    except (OSError, subprocess.TimeoutExpired) as error:
        _log.warning("git does not answer: %s", error)
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def is_committed(path: str) -> bool:
    """Tell whether the last commit has a file of the working directory; no, without any commit."""
    return query_git("cat-file", "-e", f"HEAD:./{path}") is not None


def run_git(
    *arguments: str,
    folder: Path | None = None,
    timeout: float | None = None,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> subprocess.CompletedProcess[bytes]:
    """Run git and return its exit code and what it printed, byte for byte.

    Raises OSError where git cannot be started, and TimeoutExpired after `timeout` seconds.
    """
    environment = {
        name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY
    }
    # DVC may be using the index at this moment.
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    return subprocess.run(  # noqa: S603 - the arguments are all ours
        ["git", *arguments],  # noqa: S607 - the user's git, wherever it is
        cwd=folder,
        env=environment | dict(variables),
        capture_output=True,
        timeout=timeout,
        check=False,
    )
