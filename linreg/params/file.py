"""params.yaml read and checked; a mistake in it is one line that names the key."""

import difflib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from linreg.errors import UserError
from linreg.params.evaluate import Gate
from linreg.params.fetch import Fetch
from linreg.params.metric_names import METRICS, METRICS_FILE, own_metric_names
from linreg.params.own_sections import own_sections
from linreg.params.params import RENAMED, Params
from linreg.plain_yaml import not_plain, read_yaml

PARAMS_FILE = Path("params.yaml")
NO_CHANGES: Mapping[str, Any] = MappingProxyType({})
PLAIN_WORDS = {
    "Value error, ": "",
    "Input should": "should",
    "Tuple": "list",
    "an object": "a section",
    "a valid array": "a list",
    "a valid string": "text",
    " after validation, not 0": "",
}
"""Words of pydantic's messages, and those that someone who edits YAML would use."""
OWN_SECTION = (
    "; a section for a stage of your own must be among the params of that stage in dvc.yaml"
)
WHAT_A_GATE_IS = (
    "is not a gate; a gate is gap, beats_baseline, cv_mse, cv_rmse, cv_r2, or PART_METRIC such as "
    "test_r2 (train, validation or test; mse, rmse, mae, r2, max_error or a function in "
    "stages/metrics.py)"
)
FORMS = {
    "evaluate.gates": WHAT_A_GATE_IS,
    "evaluate.errors": "should be auto, classical, HC0, HC1, HC2, HC3, cluster:COLUMN, cluster:A,B"
    " or HAC:LAGS",
    "split.by": "should be row, group:COLUMN or time:COLUMN",
    "fetch": "should have a name of letters, digits, - and _ that begins with a letter or digit",
}
"""In place of a regular expression, what a key or its name should look like."""


def load_params(path: Path = PARAMS_FILE, changes: Mapping[str, Any] = NO_CHANGES) -> Params:
    """Read and check the whole file, so that a mistake in any section is found before any work.

    `changes` are values by dotted name, such as `train.lr`, that take the place of the file's.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            path, "there is no such file", todo="run from the folder that holds dvc.yaml"
        ) from None
    except UnicodeDecodeError as error:
        raise not_plain(path, error) from None
    params, notes = _parse(text, path, changes, path.with_name("dvc.yaml"))
    _require_metrics_of_gates(params, path)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return params


def parse_params(text: str, path: Path, changes: Mapping[str, Any] = NO_CHANGES) -> Params:
    """Check the text of a params.yaml, as `load_params` does; `path` is its name in messages.

    It may have any further sections, as it belongs to another dvc.yaml than the one that is here.
    """
    return _parse(text, path, changes, None)[0]


def field_type(key: str) -> Any:
    """Return the type of a parameter by its name, `section.key`; raises UserError for another."""
    section, _, name = key.partition(".")
    model = Params.model_fields[section].annotation if section in Params.model_fields else None
    field = getattr(model, "model_fields", {}).get(name)
    if field is None:
        # It raises UserError, with the nearest name that exists.
        load_params(changes={key: 0})
    return field.annotation if field is not None else None


def _parse(
    text: str, path: Path, changes: Mapping[str, Any], dvc_yaml: Path | None
) -> tuple[Params, list[str]]:
    """Return the parameters, and what to write in place of keys of earlier versions."""
    values = read_yaml(text, path)
    values = {} if values is None else values
    try:
        for name, value in changes.items():
            section, _, key = name.partition(".")
            if not key:
                raise UserError(
                    name, "is not a parameter", todo="name it as section.key, such as train.lr"
                )
            values[section] = (values.get(section) or {}) | {key: value}
        notes = _rename_keys(values, path)
        if dvc_yaml is not None and isinstance(values, dict):
            _require_known_sections(values, path, dvc_yaml)
        # Pydantic's strict mode takes JSON lists for tuples, but not Python's.
        document = json.dumps(values, ensure_ascii=False).encode()
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise not_plain(path, error) from None
    try:
        return Params.model_validate_json(document), notes
    except ValidationError as error:
        raise _first_mistake(path, error.errors(include_url=False)) from None


def _require_known_sections(values: Any, path: Path, dvc_yaml: Path) -> None:
    """Raise UserError for a section that is neither ours nor named by a stage in dvc.yaml."""
    # A list as a name is refused when the document is made.
    names = [name for name in values if not isinstance(name, tuple)]
    further = [name for name in names if name not in Params.model_fields]
    if further:
        named = own_sections(dvc_yaml)
        for name in further:
            if name not in named:
                todo = f"{_nearest([str(name)])}{OWN_SECTION}"
                raise UserError(f"{path}: {name}", "is not a parameter", todo=todo)
            if not isinstance(values[name], dict | None):
                raise UserError(f"{path}: {name}", "must be a section", found=repr(values[name]))


def _require_metrics_of_gates(params: Params, path: Path) -> None:
    """Raise UserError for a gate on a metric that is neither ours nor in the project's own file."""
    for gate in params.evaluate.gates:
        metric = "" if gate == "beats_baseline" else gate.partition("_")[2]
        if metric and metric not in METRICS and metric not in _own_metrics(path.parent):
            where = f"{path}: evaluate.gates.{gate}"
            raise UserError(where, WHAT_A_GATE_IS, found=repr(gate))


def _own_metrics(project: Path) -> list[str]:
    try:
        return own_metric_names(project / METRICS_FILE)
    except (SyntaxError, ValueError) as error:
        raise UserError(METRICS_FILE, "is not Python", found=error) from None


def _rename_keys(values: Any, path: Path) -> list[str]:
    """Replace keys of earlier versions; return what to write in their place."""
    notes = []
    for old, (new, new_values) in RENAMED.items():
        section, old_key = old.split(".")
        new_key = new.split(".")[1]
        entries = values.get(section) if isinstance(values, dict) else None
        if not isinstance(entries, dict) or old_key not in entries:
            continue
        value = entries.pop(old_key)
        where, what = f"{path}: {old}", f"is called {new} now"
        if new_key in entries:
            raise UserError(where, f"{what}, which is there too", todo=f"remove {old_key}")
        if not isinstance(value, bool):
            todo = f"write {new_key}: {' or '.join(new_values.values())}"
            raise UserError(where, what, found=value, todo=todo)
        entries[new_key] = new_values[value]
        notes.append(f"{where}: {what}; write {new_key}: {new_values[value]}")
    return notes


def _first_mistake(path: Path, mistakes: list[ErrorDetails]) -> UserError:
    # A misspelt key usually explains the other mistakes, so it is reported first.
    misspelt = [each for each in mistakes if each["type"] == "extra_forbidden"]
    mistake = (misspelt or mistakes)[0]
    location = [str(part) for part in mistake["loc"] if part != "[key]"]
    where = f"{path}: {'.'.join(location)}" if location else str(path)
    more = f"({len(mistakes) - 1} more like it)" if len(mistakes) > 1 else ""
    if misspelt:
        todo = f"{_nearest(location)} {more}"
        return UserError(where, "is not a parameter", todo=todo)
    what = _in_plain_words(mistake["msg"])
    if mistake["type"] == "string_pattern_mismatch":
        name = ".".join(location)
        what = next((form for key, form in FORMS.items() if name.startswith(key)), what)
    found = None if mistake["type"] == "value_error" else repr(mistake["input"])
    return UserError(where, what, found=found, todo=more)


def _nearest(location: list[str]) -> str:
    """Return a hint to the key that a misspelt one may mean, or to all that there are."""
    known = list(_section_at(location[:-1]).model_fields)
    near = difflib.get_close_matches(location[-1], known, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"


def _in_plain_words(message: str) -> str:
    for word, plain in PLAIN_WORDS.items():
        message = message.replace(word, plain)
    return re.sub(r"^String", "text", message)


def _section_at(location: list[str]) -> type[BaseModel]:
    section: type[BaseModel] = Params
    if location[:1] == ["fetch"]:
        return Fetch
    for name in location:
        inner = section.model_fields[name].annotation if name in section.model_fields else Gate
        section = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else Gate
    return section
