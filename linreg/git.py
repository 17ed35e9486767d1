"""What git says about a folder's repository; the one place that runs git."""

import functools
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
REFUSED = "refuses this folder, which belongs to another user"
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
        if command := _safe_directory(done):
            raise UserError("git", REFUSED, todo=f"run `{command}` if you trust it")
        messages = done.stderr.decode(errors="replace").strip().splitlines()
        # With --quiet, git says nothing about a commit that it does not have.
        what = f"`git {arguments[0]}` failed" if messages else "there is no such commit here"
        found = messages[-1] if messages else arguments[-1].removesuffix("^{commit}")
        raise UserError("git", what, found=found, todo="commit first, or fetch the commit")
    # Leading white space may have a meaning, as in `git status --porcelain`.
    return done.stdout.decode(errors="replace").rstrip()


def query_git(*arguments: str, folder: Path | None = None) -> str | None:
    """Return what git prints, or None where there is no repository, no such object or no git.

    Warns, once, where git refuses the repository.
    """
    try:
        done = run_git(*arguments, folder=folder, timeout=SECONDS_TO_ANSWER)
    except (OSError, subprocess.TimeoutExpired) as error:
        _log.warning("git does not answer: %s", error)
        return None
    if command := _safe_directory(done):
        _warn(f"git {REFUSED}, so that no commit is known: run `{command}` if you trust it")
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def is_committed(path: str) -> bool:
    """Tell whether the last commit has a file of the working directory; no, without any commit."""
    return query_git("cat-file", "-e", f"HEAD:./{path}") is not None


def path_from_top(path: str, folder: Path | None = None) -> str:
    """Return a path in a folder, such as models/model, as seen from the top of its repository.

    That is how DVC names what is in a revision, also where the folder is not the top. Outside of a
    repository the path stays as it is.
    """
    return f"{query_git('rev-parse', '--show-prefix', folder=folder) or ''}{path}"


def clone_commit(commit: str, clone: Path) -> Path:
    """Check out a commit of this repository in a new clone; return the working directory there.

    The clone shares all objects of the repository, also the commits of DVC's experiments, which are
    on no branch.
    """
    top = git("rev-parse", "--show-toplevel")
    below = git("rev-parse", "--show-prefix")
    git("clone", "--quiet", "--shared", "--no-checkout", top, str(clone))
    # Of a shallow clone, git makes a copy with --shared, too.
    objects = Path(git("rev-parse", "--git-path", "objects")).resolve()
    (clone / ".git/objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8")
    git("checkout", "--quiet", "--detach", commit, folder=clone)
    return clone / below


def is_in_repository() -> bool:
    """Tell whether the working directory is in a git repository, also one that git refuses."""
    here = Path.cwd()
    return any((each / ".git").exists() for each in (here, *here.parents))


def run_git(
    *arguments: str,
    folder: Path | None = None,
    timeout: float | None = None,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> subprocess.CompletedProcess[bytes]:
    """Run git and return its exit code and what it printed, byte for byte.

    Raises OSError where git cannot be started, and TimeoutExpired after `timeout` seconds.
    """
    environment = environment_of_folder() | {
        # DVC may be using the index at this moment.
        "GIT_OPTIONAL_LOCKS": "0",
        # Some of its messages are read here.
        "LC_ALL": "C",
    }
    return subprocess.run(  # noqa: S603 - the arguments are all ours
        ["git", *arguments],  # noqa: S607 - the user's git, wherever it is
        cwd=folder,
        env=environment | dict(variables),
        capture_output=True,
        timeout=timeout,
        check=False,
    )


def environment_of_folder() -> dict[str, str]:
    """Return the environment without what would have git work in another repository."""
    return {name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY}


def _safe_directory(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the command that git names where it refuses a repository, else an empty text."""
    lines = done.stderr.decode(errors="replace").splitlines() if done.returncode else []
    return next((line.strip() for line in lines if "--add safe.directory" in line), "")


@functools.cache
def _warn(message: str) -> None:
    _log.warning(message)
