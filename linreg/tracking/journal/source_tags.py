"""Which code a run executes, as tags, and the run's name."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linreg.dvc_lock import DVC_LOCK, read_lock
from linreg.errors import UserError
from linreg.git import query_git
from linreg.text import count_of
from linreg.tracking.journal.store_location import project_root

MAX_FORMULA_LENGTH = 30
"""Of a run's name; of a longer one only the number of its terms is named."""

_NOT_OWN_FILES = (
    *(":(top)", ":(top,exclude,glob)**/dvc.lock"),
    *(
        f":(exclude,glob){name}"
        for name in (".linreg/**", "mlflow.db*", "mlartifacts/**", "registry-log.jsonl")
    ),
)
"""Pathspecs for all but what DVC and linreg write while the stages run, ignored by git or not."""


def source_tags() -> dict[str, str]:
    """Return the tags that say which code is running; outside of git only what DVC knows.

    `git.remote` is the web page of the repository, if the commit has been pushed to one that has a
    page. `git.dirty` is true when a file that git tracks, or does not know, differs from the
    commit; a file that the pipeline writes does not count.
    """
    tags = {}
    if commit := query_git("rev-parse", "HEAD"):
        tags = {"git.commit": commit, "git.dirty": "true" if _is_dirty() else "false"}
        if page := _page_with_commit(commit):
            tags["git.remote"] = page
    for tag, variable in (
        ("dvc.experiment", "DVC_EXP_NAME"),
        ("dvc.baseline", "DVC_EXP_BASELINE_REV"),
    ):
        if value := os.environ.get(variable):
            tags[tag] = value
    return tags


def run_name(schema: Mapping[str, Any], source: str) -> str:
    """Return the name of the DVC experiment, else what is explained by what: `y ~ x, data.csv`.

    schema  with the formula and its terms, as schema.json and model.json have them
    source  the path of the table
    """
    if name := os.environ.get("DVC_EXP_NAME"):
        return name
    formula = schema["formula"]
    if len(formula) > MAX_FORMULA_LENGTH:
        target = formula.partition("~")[0].strip()
        formula = f"{target} ~ {count_of(len(schema['terms']), 'term')}"
    return f"{formula}, {Path(source).name}"


def git_user() -> str:
    """Return the author that git would give a commit, `Name <address>`; empty if it has none."""
    name, address = (query_git("config", key) or "" for key in ("user.name", "user.email"))
    return f"{name} <{address}>" if address else name


def web_page(remote: str) -> str | None:
    """Return the https address of a remote at GitHub, GitLab and the like; None where it has none.

    The remote's user, password and port are not part of it.
    """
    forms = (
        r"(?:https?|ssh|git)://(?:[^/@]*@)?([\w.-]+)(?::\d+)?/(.+)",
        # The short form of ssh, git@host:owner/name.git.
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


def _is_dirty() -> bool:
    """Tell whether the working tree differs from the commit in more than the pipeline writes."""
    status = ("status", "--porcelain", "--untracked-files=normal", "--")
    if query_git(*status, *_NOT_OWN_FILES) == "":
        return False
    # DVC removes what a stage writes before it starts it, also where git tracks that, such as
    # scores.json.
    files = [*_NOT_OWN_FILES, *(f":(exclude,literal){path}" for path in _outputs())]
    # The status goes by size and mode; files with other line ends, or all executable, as some file
    # systems have them, are no change of the code.
    diff = ("-c", "core.fileMode=false", "diff", "--ignore-submodules=none", "--name-only", "HEAD")
    untracked = ("ls-files", "--others", "--exclude-standard")
    return any(query_git(*command, "--", *files) != "" for command in (diff, untracked))


def _outputs() -> list[str]:
    try:
        stages = read_lock(DVC_LOCK).stages.values()
    except (UserError, OSError):
        return []
    paths = [out.path for stage in stages for out in stage.outs]
    return [path for path in paths if not Path(path).is_absolute()]


def _page_with_commit(commit: str) -> str | None:
    """Return the web page of a remote that has the commit."""
    # The copy in which DVC runs a queued experiment has no remotes; the project it copies has.
    project = project_root()
    refs = query_git(
        "for-each-ref", "--contains", commit, "--format=%(refname)", "refs/remotes", folder=project
    )
    names = dict.fromkeys(ref.split("/")[2] for ref in (refs or "").splitlines())
    pages = (web_page(query_git("remote", "get-url", name, folder=project) or "") for name in names)
    return next((page for page in pages if page), None)
