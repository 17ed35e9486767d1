"""docs/parameters.md and docs/params.schema.json say what linreg/params/params.py does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from linreg.errors import UserError
from linreg.params.fetch import Fetch
from linreg.params.file import load_params
from linreg.params.params import Params

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/params.schema.json").read_text(encoding="utf-8"))
EXAMPLES: dict[str, list[dict[str, Any]]] = YAML(typ="safe", pure=True).load(
    (ROOT / "docs/parameter_examples.yaml").read_text(encoding="utf-8")
)
BEYOND_A_SCHEMA = (
    "train + validation + test must be 1",
    "min must not exceed max",
    "train.batch_size must be a multiple of split.shards",
    "is not a character encoding",
    "decimal and thousands must differ",
    "needs a file of predictions",
    "needs folds, but split.folds is 0",
    "evaluate.baseline needs test rows",
    # A schema knows neither the user's metrics nor the stages in dvc.yaml.
    "a function in stages/metrics.py",
    "a section for a stage of your own",
)
# The tables to fetch have names, and are sections below that of `fetch`.
MODEL_OF: dict[str, Any] = {name: field.annotation for name, field in Params.model_fields.items()}
MODEL_OF["fetch"] = Fetch
KEYS = {name: list(model.model_fields) for name, model in MODEL_OF.items()}


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("docs/parameters.md", "page()"),
        ("docs/params.schema.json", r"json.dumps(schema(), indent=2, ensure_ascii=False) + '\n'"),
    ],
)
def test_the_page_and_the_schema_are_what_the_models_say(path: str, expression: str) -> None:
    program = f"import json; from docs.parameters import *; print({expression}, end='')"
    made = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (ROOT / path).read_text(encoding="utf-8") == made.stdout, (
        "run: python -m docs.parameters"
    )


def test_params_yaml_names_its_schema_in_the_first_line() -> None:
    first = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()[0]
    marker, _, path = first.partition("$schema=")
    assert marker == "# yaml-language-server: "
    assert (ROOT / path).is_file()


@pytest.mark.parametrize(
    "key", [f"{section}.{key}" for section, keys in KEYS.items() for key in keys]
)
def test_every_parameter_has_a_sentence_and_a_row(key: str) -> None:
    section, _, name = key.partition(".")
    model = MODEL_OF[section].__name__
    assert SCHEMA["definitions"][model]["properties"][name]["description"].endswith(".")
    of_section = (
        (ROOT / "docs/parameters.md").read_text(encoding="utf-8").split(f"\n## {section}\n")[1]
    )
    assert f"| `{name}` |" in of_section.split("\n## ")[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, each["value"]) for key, values in EXAMPLES.items() for each in values],
    ids=str,
)
def test_every_example_is_accepted(key: str, value: object, tmp_path: Path) -> None:
    section, _, name = key.partition(".")
    (tmp_path / "params.yaml").write_text(json.dumps({section: {name: value}}))
    params = load_params(tmp_path / "params.yaml")
    assert params.model_dump(mode="json", exclude_unset=True) == {section: {name: value}}


@pytest.mark.parametrize(
    "fetch",
    [
        {"a": {"url": "t.db", "sql": "t"}, "b-2": {"url": "https://example.org/t.csv"}},
        {"a": {"sql": "t"}},
        {"a": {"url": ""}},
        {"a b": {"url": "t.db"}},
        {"a": {"url": "t.db", "sqll": "t"}},
        {"a": {"url": "t.db", "version": -1}},
        {"a": 1},
        [],
    ],
)
def test_the_schema_and_load_params_accept_the_same_tables_to_fetch(
    fetch: object, tmp_path: Path
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps({"fetch": fetch}))
    is_valid = jsonschema.Draft7Validator(SCHEMA).is_valid({"fetch": fetch})
    assert is_valid == (_refusal(path) == "")


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0.5, 7, "x", "0.1", [], [1], {}, {"min": 1}]
)
GATES = st.one_of(
    st.just({"min": 0.5}),
    st.dictionaries(
        st.sampled_from(["min", "max", "mim"]), st.none() | st.floats(-2, 2) | JUNK, max_size=2
    ),
)


def _value_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema of a key allows, and others of its kind just beyond what it allows."""
    if "enum" in schema:
        return st.sampled_from([*schema["enum"], schema["enum"][0].upper()])
    if "type" not in schema and "anyOf" not in schema:
        return JUNK
    if "anyOf" in schema:
        return st.one_of(*(_value_of(each) for each in schema["anyOf"]))
    bounds = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    edges = [schema[bound] for bound in bounds if bound in schema] or [0]
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.sampled_from([edge + step for edge in edges for step in (-1, 0, 1)])
        | st.integers(-9, 99),
        "number": st.sampled_from([float(edge) for edge in edges])
        | st.integers(-2, 2)
        | st.floats(allow_nan=False, allow_infinity=False),
        "string": st.sampled_from(["", "row", "rows", "group:", "group:a b", "time:at", "y ~ x"])
        | st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=4),
        "boolean": st.booleans(),
        "null": st.none(),
        "object": st.dictionaries(
            st.sampled_from(["gap", "test_r2", "r2", "test_r3"]), GATES, max_size=2
        ),
    }
    if schema["type"] == "array":
        return st.lists(_value_of(schema["items"]), max_size=3)
    return kinds[schema["type"]]


def _section(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    keys = {
        key: st.one_of(*[_value_of(field)] * 9, JUNK) for key, field in schema["properties"].items()
    }
    usual = st.fixed_dictionaries({}, optional=keys)
    odd = st.dictionaries(st.sampled_from(["lr", "epoch", "seed", ""]), JUNK, max_size=2)
    return st.one_of(*[usual] * 9, odd, JUNK)


MODELS = Params.model_json_schema()
FIELDS = {
    name: MODELS["$defs"][each["$ref"].rpartition("/")[2]]
    for name, each in MODELS["properties"].items()
    if "$ref" in each
}
SECTIONS = {name: _section(fields) for name, fields in FIELDS.items()}
ONE_KEY = [
    _value_of(field).map(lambda value, section=name, key=key: {section: {key: value}})  # type: ignore[misc]
    for name, fields in FIELDS.items()
    for key, field in fields["properties"].items()
]
DOCUMENTS = st.one_of(
    st.one_of(*ONE_KEY),
    *(section.map(lambda value, name=name: {name: value}) for name, section in SECTIONS.items()),  # type: ignore[misc]
    st.fixed_dictionaries({}, optional=SECTIONS),
    st.fixed_dictionaries(
        {
            "train": st.fixed_dictionaries(
                {
                    "patience": st.sampled_from([0, 1, 2.5]),
                    "engine": st.sampled_from(["autograd", "compiled"]),
                    "device": st.sampled_from(["cpu", "cuda"]),
                }
            ),
            "split": st.sampled_from(
                [{"train": 0.85, "validation": 0}, {"train": 0.85, "validation": 0.0}, {}]
            ),
        }
    ),
    st.dictionaries(st.sampled_from(["train", "trian", "Train"]), st.just({}), max_size=2),
    JUNK.filter(lambda value: value is not None),
)


@pytest.mark.slow
@settings(max_examples=1000)
@given(document=DOCUMENTS)
def test_the_schema_and_load_params_accept_the_same_documents(
    document: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where no rule is broken that a schema cannot express, and no whole number is written as
    1.0.
    """
    complaint = jsonschema.exceptions.best_match(
        jsonschema.Draft7Validator(SCHEMA).iter_errors(document)
    )
    path = tmp_path_factory.getbasetemp() / "params.yaml"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    refusal = _refusal(path)
    if not any(each in refusal for each in BEYOND_A_SCHEMA):
        assert (complaint is None) == (refusal == ""), (
            f"schema: {complaint}; load_params: {refusal}"
        )


def _refusal(path: Path) -> str:
    try:
        load_params(path)
    except UserError as error:
        return str(error)
    return ""


def test_the_schema_is_one_of_its_dialect() -> None:
    assert jsonschema.validators.validator_for(SCHEMA) is jsonschema.Draft7Validator
    jsonschema.Draft7Validator.check_schema(SCHEMA)
