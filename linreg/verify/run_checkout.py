"""A run's commit, with the parameters and the table of the run, in a temporary folder."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.code_lock.lock_file import CODE_LOCK, code_hash, read_code_lock
from linreg.errors import UserError
from linreg.git import git
from linreg.params.edit import set_values
from linreg.params.evaluate import MEAN
from linreg.params.file import PARAMS_FILE
from linreg.params.params import BY_COLUMN, Params
from linreg.plain_yaml import read_yaml
from linreg.tracking.runs import MODEL, KnownRun
from linreg.verify.linreg_stages import stage_environment
from linreg.verify.repository.checkout import Checkout, checkout
from linreg.verify.repository.pipeline_run import run_pipeline
from linreg.verify.repository.recorded_content import copy_counted
from linreg.verify.repository.results import Verdict, require_run
from linreg.verify.repository.stages import Entry

SOURCE = "ingest.source"
NOT_LOGGED: Mapping[str, Any] = {**{name: {} for name in BY_COLUMN}, "evaluate.baseline": MEAN}
"""The values that are not logged, by the names of their parameters."""


@dataclass(frozen=True)
class RunCheckout:
    """A checkout in which a run can be repeated.

    project         the run's commit
    changes         the parameters in which the run differs from its commit, in words
    unknown_source  the run's table, if it was copied without knowing that it is the same: the
                    commit neither holds it nor records its MD5
    notes           what a person has to know to judge the result
    """

    project: Checkout
    changes: list[str]
    unknown_source: str | None
    notes: list[str]


@contextmanager
def checkout_run(run: KnownRun) -> Iterator[RunCheckout]:
    """Check out a run's commit with the run's parameters; the folder is removed at the end.

    Raises UserError when the run cannot be repeated: it has no model or no commit, the commit is
    not in this repository, the code was never committed, or an input is missing or has changed.
    """
    if MODEL not in run.tags:
        raise UserError(
            run.label, "has no model to compare with", found=f"a run that is {run.status}"
        )
    with checkout(_commit_of(run)) as project:
        notes = _notes_on_code(run, project.folder)
        changes = write_parameters(project.folder / PARAMS_FILE, logged_parameters(run))
        if changes:
            project.read_stages()
        unknown_source = _copy_source(project)
        project.copy_inputs()
        yield RunCheckout(project, changes, unknown_source, notes)


def run_again(project: Checkout) -> None:
    """Run all stages; raises UserError with the stage's own message when one fails."""
    # What dvc.lock records is not what a run with other parameters is to give.
    project.take_as_recorded({})
    results = run_pipeline(project, stage_environment(project))
    require_run(each for each in results if each.verdict == Verdict.FAILED)


def _commit_of(run: KnownRun) -> str:
    commit = run.tags.get("git.commit")
    if not commit:
        raise UserError(
            run.label, "has no commit", todo="it was made outside of git and cannot be repeated"
        )
    # Anything else could be an option of git, such as -x.
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        raise UserError(run.label, "has no commit", found=commit, todo="it cannot be repeated")
    git("rev-parse", "--show-toplevel")
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except UserError:
        raise UserError(
            run.label,
            "was made at a commit that is not in this repository",
            found=commit,
            todo="run `git fetch` from the remote and branch that have it",
        ) from None
    return commit


def _notes_on_code(run: KnownRun, folder: Path) -> list[str]:
    """Return a note if the code is unknown; raises UserError if it is not that of the commit."""
    logged = run.tags.get("code")
    if logged is None:
        is_dirty = run.tags.get("git.dirty") == "true"
        note = (
            "the run was made with uncommitted changes, of which it has no hash; its commit is run"
        )
        return [note] if is_dirty else []
    if not (folder / CODE_LOCK).exists():
        return [f"the commit has no {CODE_LOCK}, which says what code the run had; its code is run"]
    if (found := code_hash(read_code_lock(folder))) != logged:
        raise UserError(
            run.label,
            f"its code, with MD5 {logged}, was never committed",
            found=f"{found} at its commit",
            todo="it cannot be repeated",
        )
    return []


def logged_parameters(run: KnownRun) -> dict[str, Any]:
    """Return the parameters of a run by section, as in params.yaml.

    MLflow stores them as text. Raises UserError for one that MLflow has cut off.
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
        # An empty section of gates has no parameter to be logged.
        sections["evaluate"].setdefault("gates", {})
    return sections


def _from_text(name: str, text: str) -> Any:
    """Return a parameter's value from MLflow's text: text stays as it is, the rest is JSON."""
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

    They are not validated: the stages of an older commit know which parameters it has.
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
    for name, value in NOT_LOGGED.items():
        section, key = name.split(".")
        recorded = (document.get(section) or {}).get(key)
        if recorded and recorded != value and key not in sections.get(section, {}):
            changed[name] = value
            lines.append(f"{name} = {_as_json(value)} (in the commit: {_as_json(recorded)})")
    set_values(path, changed)
    return lines


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _without_null(value: Any) -> Any:
    """Leave out the bounds of a gate that are not set: they are logged as null."""
    if isinstance(value, Mapping):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    return value


def _copy_source(project: Checkout) -> str | None:
    """Copy the run's table into the clone if it lacks it; return its path if it is not verified.

    It is verified when git holds it, a stage writes it, or the commit's dvc.lock or a .dvc file has
    its MD5.
    """
    folder = project.folder
    parameters = read_yaml((folder / PARAMS_FILE).read_text(encoding="utf-8"), PARAMS_FILE)
    path = Path(str(parameters["ingest"]["source"]))
    if path.is_absolute():
        return str(path)
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{PARAMS_FILE}: {SOURCE}", "lies outside of the project", found=path)
    table = Entry((folder.relative_to(project.root) / path).as_posix(), None)
    known: list[Entry] = [*project.pipeline.tracked]
    known += [out for each in project.pipeline for out in each.outputs]
    known += [entry for each in project.pipeline for entry in each.inputs if entry.recorded]
    if any(map(table.lies_in, known)) or (folder / path).exists():
        return None
    if not path.exists():
        raise UserError(
            path, "is the run's table and is neither in its commit nor here", todo="restore it"
        )
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    copy_counted(path, folder / path, project.here)
    return str(path)
