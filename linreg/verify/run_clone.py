"""The state that a run was made in: its commit in a clone, with the parameters that the run
logged.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.dvc_lock import locked_outputs
from linreg.errors import UserError
from linreg.params import PARAMS_FILE, Params
from linreg.params_file import set_values
from linreg.plain_yaml import read_yaml
from linreg.process.source_hash import code_hash
from linreg.tracking.runs import MODEL, KnownRun
from linreg.verify.clone import Checkout, checkout, git

SOURCE = "ingest.source"


@dataclass(frozen=True)
class PastState:
    """A clone in which a run can be made once more.

    changes  the parameters in which the run differs from its commit's params.yaml, in words
    source   the run's table if it is taken as it is now: its commit neither holds it nor knows its
             MD5
    notes    what a person has to know to judge the result
    """

    project: Checkout
    changes: list[str]
    source: str | None
    notes: list[str]


@contextmanager
def state_of(run: KnownRun) -> Iterator[PastState]:
    """Prepare the state of a run in a temporary folder, which is gone at the end.

    Raises UserError when that state is not to be had: the run has no model or names no commit, the
    commit is not in this repository, the code was never committed, an input is missing or has
    changed.
    """
    if MODEL not in run.tags:
        raise UserError(
            run.label, "has no model to compare with", found=f"a run that is {run.status}"
        )
    with checkout(_commit_of(run)) as project:
        notes = _notes_on_code(run, project.folder)
        changes = write_parameters(project.folder / PARAMS_FILE, logged_parameters(run))
        yield PastState(project, changes, _bring_source(project), notes)


def _commit_of(run: KnownRun) -> str:
    commit = run.tags.get("git.commit")
    if not commit:
        raise UserError(
            run.label, "names no commit", todo="it was made outside of git and cannot be made again"
        )
    # git would take -x for an option
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        raise UserError(run.label, "names no commit", found=commit, todo="it cannot be made again")
    git("rev-parse", "--show-toplevel")
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except UserError:
        todo = "run `git fetch`, from the remote and the branch that have it"
        raise UserError(
            run.label,
            "was made at a commit that is not in this repository",
            found=commit,
            todo=todo,
        ) from None
    return commit


def _notes_on_code(run: KnownRun, folder: Path) -> list[str]:
    wanted, dirty = run.tags.get("code"), run.tags.get("git.dirty") == "true"
    if wanted is None and dirty:
        return [
            "the run was made in a changed working tree and does not say by which code; its commit's is executed"
        ]
    if wanted is not None and (found := code_hash(folder)) != wanted:
        raise UserError(
            run.label,
            f"the code of that run was never committed: its MD5 is {wanted}",
            found=found,
            todo="its commit has other code, so that it cannot be made again",
        )
    return []


def logged_parameters(run: KnownRun) -> dict[str, Any]:
    """Return the parameters of a run by section, as params.yaml has them.

    MLflow has text in place of numbers. Raises UserError for one that was too long for it.
    """
    from_mlflow = all(isinstance(value, str) for value in run.parameters.values())
    sections: dict[str, Any] = {}
    for name, value in run.parameters.items():
        if isinstance(value, str) and re.search(r"… \(\d+ characters\)$", value):
            raise UserError(f"{run.label}: {name}", "was too long for MLflow", found=value)
        *path, key = name.split(".")
        section = sections
        for part in path:
            section = section.setdefault(part, {})
        section[key] = _from_text(name, value) if from_mlflow else value
    if "evaluate" in sections:
        # of no gates nothing is logged
        sections["evaluate"].setdefault("gates", {})
    return sections


def _from_text(name: str, text: str) -> Any:
    """Return a parameter's value from MLflow's text: what is text by its type as it is, the rest
    read as JSON.
    """
    section, _, key = name.partition(".")
    model = Params.model_fields[section].annotation if section in Params.model_fields else None
    field = getattr(model, "model_fields", {}).get(key)
    if field is not None and field.annotation is str:
        return text
    if field is not None and field.annotation == str | None:
        return None if text == "null" else text
    try:
        return json.loads(text)
    except ValueError:
        return text


def write_parameters(path: Path, sections: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Write parameters into a params.yaml, and return in words which of them changed.

    They are not checked: which parameters an older commit has is for its own stages to say.
    """
    document = read_yaml(path.read_text(encoding="utf-8"), path.name) or {}
    changed: dict[str, object] = {}
    lines = []
    for section, values in sections.items():
        in_commit = document.get(section) or {}
        for key, value in values.items():
            is_set = key in in_commit
            if is_set and _without_null(in_commit[key]) == _without_null(value):
                continue
            changed[f"{section}.{key}"] = value
            before = _as_json(in_commit[key]) if is_set else "not set"
            lines.append(f"{section}.{key} = {_as_json(value)} (in the commit: {before})")
    set_values(path, changed)
    return lines


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _without_null(value: Any) -> Any:
    """A gate logs its bounds that are not set, too."""
    if isinstance(value, Mapping):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    return value


def _bring_source(project: Checkout) -> str | None:
    """Bring the run's table into the clone if it is not there and no stage makes it; return its
    path if it is unsure.

    It is sure when git holds it, a stage makes it, or its MD5 is the one in the commit's dvc.lock.
    """
    folder, sure = (
        project.folder,
        [Path(each.path) for each in (*locked_outputs(project.folder), *project.brought)],
    )
    parameters = read_yaml((folder / PARAMS_FILE).read_text(encoding="utf-8"), PARAMS_FILE)
    path = Path(str(parameters["ingest"]["source"]))
    if any(each in (path, *path.parents) for each in sure):
        return None
    if path.is_absolute():
        return str(path)
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{PARAMS_FILE}: {SOURCE}", "lies outside of the project", found=path)
    if (folder / path).exists():
        return None
    if not path.exists():
        raise UserError(
            path, "is the run's table and is neither in its commit nor here", todo="bring it here"
        )
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if path.is_dir() else shutil.copyfile)(path, folder / path)
    return str(path)
