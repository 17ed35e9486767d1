import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from linreg.params.fetch import Fetch
from linreg.params.file import load_params
from linreg.params.params import Params, flatten
from linreg.params.section import Section
from linreg.params.split import split_column

ROOT = Path(__file__).parents[2]


def documented() -> Any:
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def test_params_yaml_shows_every_key_and_its_default() -> None:
    shown = documented()
    defaults = Params().model_dump(mode="json")
    # It shows an example of a gate; by default there is none.
    gates = shown["evaluate"].pop("gates")
    assert defaults["evaluate"].pop("gates") == {}
    assert gates
    assert shown == defaults


def test_the_file_in_the_repository_is_valid() -> None:
    assert load_params(ROOT / "params.yaml").model_dump(mode="json") == documented() | {
        "evaluate": {
            "gates": {"test_r2": {"min": 0.9, "max": None}},
            "confidence": 0.95,
            "baseline": "data/split",
            "errors": "auto",
            "small_sample": True,
        }
    }


def test_every_key_has_a_sentence_of_documentation() -> None:
    for name, field in Params.model_fields.items():
        section = Fetch if name == "fetch" else field.annotation
        assert isinstance(section, type)
        assert issubclass(section, Section)
        for key, inner in section.model_fields.items():
            assert inner.description, f"{name}.{key}"
            assert inner.description.endswith("."), f"{name}.{key}"


@pytest.mark.parametrize(
    "bad", ["train.lr", "train.momentum", "generate.bias", "generate.noise", "split.test"]
)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_infinite_or_nan_even_without_yaml(bad: str, value: float) -> None:
    section, key = bad.split(".")
    with pytest.raises(ValidationError):
        Params.model_validate({section: {key: value}})


def test_sections_cannot_be_changed() -> None:
    params = Params()
    with pytest.raises(ValidationError):
        params.train.lr = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError):
        params.train = Params().train  # type: ignore[misc]


def test_split_names_a_column_or_none() -> None:
    assert split_column("row") is None
    assert split_column("group:a b") == "a b"
    assert split_column("time:at:hour") == "at:hour"


def test_flatten_names_every_parameter_once_as_plain_data() -> None:
    shown = flatten(load_params(ROOT / "params.yaml"))
    assert shown["train.lr"] == 0.01
    assert shown["generate.theta"] == [2.0, -3.4]
    assert shown["evaluate.gates.test_r2.min"] == 0.9
    assert {key.partition(".")[0] for key in shown} == set(Params.model_fields) - {"fetch"}
    assert not any(isinstance(value, dict) for value in shown.values())


def test_values_by_column_are_shown_as_a_whole_as_columns_may_have_any_name() -> None:
    params = Params.model_validate_json('{"model": {"levels": {"Is it? (a/b)": ["no", 1, true]}}}')
    shown = flatten(params)
    assert shown["model.levels"] == {"Is it? (a/b)": ["no", 1, True]}
    assert "ingest.sentinels" not in shown


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"evaluate": {"errors": "HAC:2"}}, "HAC needs the order of the rows in time"),
        (
            {
                "evaluate": {"errors": "classical"},
                "model": {"weights": {"column": "w", "kind": "sampling"}},
            },
            "must not be classical for sampling weights",
        ),
        ({"evaluate": {"errors": "cluster:a,a"}}, "errors must name two columns or one"),
        ({"evaluate": {"errors": "cluster:a,b,c"}}, "should match pattern"),
        ({"evaluate": {"errors": "HC4"}}, "should match pattern"),
        ({"model": {"weights": {"column": "w", "kind": "importance"}}}, "analytic"),
    ],
)
def test_standard_errors_and_weights_have_to_fit(values: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Params.model_validate(values)


def test_weights_may_have_a_kind() -> None:
    params = Params.model_validate({"model": {"weights": {"column": "n", "kind": "frequency"}}})
    assert (params.model.weights_column, params.model.weights_kind) == ("n", "frequency")
    assert flatten(params)["model.weights.kind"] == "frequency"
    plain = Params.model_validate({"model": {"weights": "n"}})
    assert (plain.model.weights_column, plain.model.weights_kind) == ("n", "analytic")
    assert Params().model.weights_column is None
