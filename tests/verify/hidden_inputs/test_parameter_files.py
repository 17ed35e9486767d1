"""Files of parameters are reduced and changed, and read by other readers than ours."""

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from linreg.verify.hidden_inputs.parameter_files import (
    undeclared_keys,
    with_other_values,
    without_keys,
)

VALUES = {
    "seed": 31,
    "train": {"lr": 0.001, "layers": [16, 8], "optimizer": {"name": "adam", "beta": 0.9}},
    "augment": {"flip": True},
}
DECLARED = ("train.lr", "train.optimizer.name")
REDUCED = {"train": {"lr": 0.001, "optimizer": {"name": "adam"}}}
PYTHON = """\
import os

SEED = 31
HOME = os.environ.get("HOME")


class Train:
    lr: float = 0.001
    layers = [
        16,
        8,
    ]


class Augment:
    flip = True
"""


def as_toml(values: dict[str, Any]) -> str:
    lines = [f"seed = {values['seed']}"]
    for title, section in (
        ("train", {k: v for k, v in values["train"].items() if k != "optimizer"}),
        ("train.optimizer", values["train"]["optimizer"]),
        ("augment", values["augment"]),
    ):
        lines += [f"[{title}]", *(f"{key} = {json.dumps(each)}" for key, each in section.items())]
    return "\n".join(lines)


FORMATS: dict[str, tuple[str, Callable[[str], Any]]] = {
    ".yaml": (yaml.safe_dump(VALUES), yaml.safe_load),
    ".json": (json.dumps(VALUES), json.loads),
    ".toml": (as_toml(VALUES), tomllib.loads),
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_only_declared_parameters_are_left(suffix: str) -> None:
    text, read = FORMATS[suffix]
    keys = undeclared_keys(text, suffix, DECLARED)
    assert read(text) == VALUES
    assert read(without_keys(text, suffix, keys)) == REDUCED
    # A declared section is kept as a whole, and so is everything without a key to remove.
    assert undeclared_keys(text, suffix, ("train", "seed", "augment.flip")) == []
    assert read(without_keys(text, suffix, ())) == VALUES


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_other_value_is_of_the_same_type(suffix: str) -> None:
    text, read = FORMATS[suffix]
    keys = undeclared_keys(text, suffix, ())
    assert read(with_other_values(text, suffix, keys, words=True)) == {
        "seed": 32,
        "train": {"lr": 0.0005, "layers": [17, 9], "optimizer": {"name": "adamx", "beta": 0.45}},
        "augment": {"flip": False},
    }
    changed = read(with_other_values(text, suffix, keys, words=False))
    assert changed["train"]["optimizer"] == {"name": "adam", "beta": 0.45}


def test_a_python_file_keeps_its_code() -> None:
    keys = undeclared_keys(PYTHON, ".py", ("Train.lr",))
    assert keys == [("SEED",), ("Train", "layers"), ("Augment", "flip")]
    found: dict[str, Any] = {}
    exec(without_keys(PYTHON, ".py", keys), found)  # noqa: S102 - our own code
    assert {"SEED", "Augment"}.isdisjoint(found)
    assert found["Train"].lr == 0.001
    assert not hasattr(found["Train"], "layers")
    assert "HOME" in found


def test_a_python_file_gets_other_values() -> None:
    found: dict[str, Any] = {}
    keys = [("SEED",), ("Train", "layers")]
    exec(with_other_values(PYTHON, ".py", keys, words=True), found)  # noqa: S102 - our own code
    assert (found["SEED"], found["Train"].layers, found["Train"].lr) == (32, [17, 9], 0.001)


def test_numbers_stay_as_they_are_written() -> None:
    text = "lr: 1e-3\nmask: 0x1F\nword: 'yes'\nother: 1\n"
    reduced = without_keys(text, ".yaml", [("other",)])
    assert reduced == "lr: 1e-3\nmask: 0x1F\nword: 'yes'\n"


def test_removing_what_an_alias_stands_for_leaves_the_alias() -> None:
    text = "base: &base\n  x: 1\nmore:\n  <<: *base\n  z: 2\n"
    keys = undeclared_keys(text, ".yaml", ("more",))
    assert yaml.safe_load(without_keys(text, ".yaml", keys)) == {"more": {"x": 1, "z": 2}}


def test_keys_that_are_numbers_are_found() -> None:
    text = "weights:\n  0: 0.5\n  1: 0.7\n"
    keys = undeclared_keys(text, ".yaml", ("weights.0",))
    assert yaml.safe_load(without_keys(text, ".yaml", keys)) == {"weights": {0: 0.5}}
