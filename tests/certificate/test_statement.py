"""A statement is what in-toto specifies and what its schema in docs/ says, and nothing else."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from docs.certificate_schema import schema
from linreg.certificate.certificate_file import read_certificate, write_statement
from linreg.certificate.consistency import require_consistent
from linreg.certificate.issue import stage_of
from linreg.certificate.statement import Statement, parse_statement
from linreg.errors import UserError
from tests.certificate.example import FILES, statement_of

PAGE = Path(__file__).parents[2] / "docs/certificate.schema.json"
VALUES: list[Any] = [
    None,
    True,
    -1,
    0.5,
    "",
    "..",
    "a/../b",
    "/a",
    "a" * 64,
    "é",
    [],
    {},
    [1],
    {"a": 1},
]


NOTHING = {"name": "TZ", "verdict": "not run", "difference": "no faketime", "seconds": 0.0}


@pytest.fixture
def document(project: Path) -> dict[str, Any]:
    return dict(json.loads(statement_of(project).encode()))


def accepted(document: object) -> bool:
    try:
        Statement.model_validate(document)
    except ValidationError:
        return False
    return True


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a document."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, each in items:
        yield from places(each, (*path, key))


def test_the_schema_in_docs_is_that_of_the_models() -> None:
    assert json.loads(PAGE.read_text(encoding="utf-8")) == schema(), (
        "run: python -m docs.certificate_schema"
    )
    jsonschema.Draft202012Validator.check_schema(schema())


def test_schema_and_models_accept_and_refuse_the_same(document: dict[str, Any]) -> None:
    """Changed at one place each: another value, a key less, a key more."""
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid(document)
    assert accepted(document)
    rng = random.Random(1)  # noqa: S311
    refused = 0
    every = [path for path in places(document) if path and "libraries" not in path[:-1]]
    for path in every:
        changed = copy.deepcopy(document)
        *parents, key = path
        parent: Any = changed
        for each in parents:
            parent = parent[each]
        match rng.choice(("value", "less", "more")):
            case "value":
                parent[key] = rng.choice(VALUES)
            case "less":
                del parent[key]
            case "more":
                if isinstance(parent, dict):
                    parent["another"] = rng.choice(VALUES)
                else:
                    parent.append(rng.choice(VALUES))
        assert validator.is_valid(changed) == accepted(changed), (path, changed)
        refused += not accepted(changed)
    assert refused > len(every) / 2


def test_a_statement_is_that_of_in_toto(project: Path, document: dict[str, Any]) -> None:
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"].startswith("https://")
    assert document["predicateType"].endswith("/v1")
    subjects = {each["name"]: each["digest"] for each in document["subject"]}
    assert set(subjects) == {*FILES, "models/model"} - {"dvc.lock", "data/input.csv"}
    assert set(subjects["metrics.json"]) == {"sha256", "md5"}
    assert set(subjects["models/model"]) == {"dirHash", "dvcDirMd5"}


def test_what_is_written_is_read_again_and_has_one_spelling(project: Path, tmp_path: Path) -> None:
    statement, path = statement_of(project), tmp_path / "certificate.json"
    write_statement(path, statement)
    assert read_certificate(path).statement == statement
    as_others_write_it = json.dumps(json.loads(path.read_text()), indent=4).encode()
    with pytest.raises(UserError, match="is not written as linreg writes it, from byte"):
        parse_statement(as_others_write_it, path)


def test_parameters_that_json_does_not_have_become_text() -> None:
    from datetime import date

    values = {
        "on": date(2026, 1, 2),
        "limit": float("inf"),
        "grid": (1, 2.5, None),
        "deep": {1: True},
    }
    stage = stage_of("fit", ["a"], {"params.yaml": values})
    assert stage.parameters["params.yaml"] == {
        "on": "2026-01-02",
        "limit": "inf",
        "grid": [1, 2.5, None],
        "deep": {"1": True},
    }


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("subject", 0, "name"), "metrics.json", "subject metrics.json is named twice"),
        (("subject", 0, "digest", "dirHash"), "0" * 64, "subject models/model has other digests"),
        (("subject", 0, "digest", "dvcDirMd5"), "0" * 32, "subject models/model has other digests"),
        (("predicate", "stages", 1, "outputs", 0), "other.json", "output other.json of a"),
        (("predicate", "stages", 1, "name"), "fit", "stage fit is named twice"),
        (("predicate", "finished"), "2026-01-02T03:04:04Z", "at 2026-01-02T03:04:04Z, before"),
        (("predicate", "executions", 0, "difference"), "x", "'as it is' is identical, and"),
        (("predicate", "executions", 1, "difference"), "", "execution 'TZ' is different, and its"),
        (("predicate", "executions"), [NOTHING], "no execution gave what it certifies"),
        (("predicate", "inputs", 0, "name"), "a\u202eb", r"input 'a\\u202eb' has a name that"),
    ],
)  # fmt: skip
def test_a_contradiction_within_a_statement_is_named(
    document: dict[str, Any], path: tuple[Any, ...], value: object, message: str
) -> None:
    parent: Any = document
    for each in path[:-1]:
        parent = parent[each]
    parent[path[-1]] = value
    with pytest.raises(UserError, match=message):
        require_consistent(Statement.model_validate(document), "certificate.json")
