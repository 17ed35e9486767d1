"""What the code was: the git commit and the DVC experiment that a run belongs to."""

import logging
import os
import re
import subprocess
from datetime import datetime
from pathlib import Path

from linreg.tracking.journal.location import root

_log = logging.getLogger(__name__)


def source_tags() -> dict[str, str]:
    """Return the tags that say which code is running; outside of git only what DVC knows.

    `git.remote` is the web page of the repository that others can find the commit in, if it has
    been pushed. `git.dirty` is true when a file that git tracks, or does not know, differs from the
    commit. DVC rewrites dvc.lock while the stages run, so that file does not count.
    """
    tags = {}
    if commit := _git("rev-parse", "HEAD"):
        changes = _git("status", "--porcelain", "--", ":(top)", ":(top,exclude,glob)**/dvc.lock")
        tags = {"git.commit": commit, "git.dirty": "false" if changes == "" else "true"}
        if page := _page_of_remote(commit):
            tags["git.remote"] = page
    for tag, variable in (
        ("dvc.experiment", "DVC_EXP_NAME"),
        ("dvc.baseline", "DVC_EXP_BASELINE_REV"),
    ):
        if value := os.environ.get(variable):
            tags[tag] = value
    return tags


def default_run_name() -> str:
    """Return a name that a person recognises: the DVC experiment's, or branch and commit, or the
    time.
    """
    if name := os.environ.get("DVC_EXP_NAME"):
        return name
    if commit := _git("rev-parse", "--short", "HEAD"):
        branch = _git("branch", "--show-current")
        return f"{branch}-{commit}" if branch else commit
    return datetime.now().strftime("%Y-%m-%d %H:%M:%S")


def git_user() -> str:
    """Return whom git would name as the author of a commit, `Name <address>`; empty where it knows
    nobody.
    """
    name, address = (_git("config", key) or "" for key in ("user.name", "user.email"))
    return f"{name} <{address}>" if address else name


def web_page(remote: str) -> str | None:
    """Return the https address of a remote at GitHub, GitLab and their like; None for one that has
    no such page.

    Neither user, password nor port of the remote are in it.
    """
    forms = (
        r"(?:https?|ssh|git)://(?:[^/@]*@)?([\w.-]+)(?::\d+)?/(.+)",
        # as ssh has it: git@host:owner/name.git
        r"(?:[^/@]+@)([\w.-]+):(?!/)(.+)",
    )
    found = next((match for form in forms if (match := re.fullmatch(form, remote))), None)
    if (
        found is None
        or "." not in found[1]
        or not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)+/?", found[2])
    ):
        return None
    return f"https://{found[1]}/{found[2].rstrip('/').removesuffix('.git')}"


def _page_of_remote(commit: str) -> str | None:
    # The copy in which DVC runs a queued experiment has no remotes; the repository it was made from
    # has.
    refs = (
        _git(
            "for-each-ref",
            "--contains",
            commit,
            "--format=%(refname)",
            "refs/remotes",
            where=root(),
        )
        or ""
    )
    names = [ref.split("/")[2] for ref in refs.splitlines()]
    pages = (
        web_page(_git("remote", "get-url", name, where=root()) or "")
        for name in dict.fromkeys(names)
    )
    return next((page for page in pages if page), None)


def _git(*arguments: str, where: Path | None = None) -> str | None:
    """Return what git prints, `where` or here; None where there is no repository, no commit or no
    git.
    """
    environment = {
        **os.environ,
        "GIT_OPTIONAL_LOCKS": "0",
        # DVC may be using the index at this moment
    }
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are all ours
            ["git", *arguments],  # noqa: S607 - the user's git, wherever it is
            cwd=where,
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _log.warning("git cannot be asked about the commit: %s", error)
        return None
    return done.stdout.strip() if done.returncode == 0 else None
