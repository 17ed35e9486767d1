import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from linreg import plain_yaml
from linreg.errors import UserError
from linreg.params import Params, Section, column_of, flat, load_params

ROOT = Path(__file__).parents[1]
STAGES = ("generate", "ingest", "split", "train", "evaluate")


@pytest.fixture
def params_yaml(tmp_path: Path) -> Path:
    return tmp_path / "params.yaml"


def documented() -> Any:
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def mistake(path: Path, text: str | bytes) -> str:
    """The message for a file with this content, without the file's name."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as error:
        load_params(path)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_params_yaml_shows_every_key_and_its_default() -> None:
    shown = documented()
    defaults = Params().model_dump(mode="json")
    gates = shown["evaluate"].pop("gates")  # an example of gates: without a gate nothing is judged
    assert defaults["evaluate"].pop("gates") == {}
    assert gates
    assert shown == defaults


def test_the_file_in_the_repository_is_valid() -> None:
    assert load_params(ROOT / "params.yaml").model_dump(mode="json") == documented() | {
        "evaluate": {"gates": {"test_r2": {"min": 0.9, "max": None}}, "confidence": 0.95}
    }


def test_every_key_has_a_sentence_of_documentation() -> None:
    for name, field in Params.model_fields.items():
        section = field.annotation
        assert isinstance(section, type)
        assert issubclass(section, Section)
        for key, inner in section.model_fields.items():
            assert inner.description, f"{name}.{key}"
            assert inner.description.endswith("."), f"{name}.{key}"


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "{}", "train: {}"])
def test_what_is_left_out_has_its_default(params_yaml: Path, text: str) -> None:
    params_yaml.write_text(text)
    assert load_params(params_yaml) == Params()


def test_a_key_that_is_given_does_not_change_another(params_yaml: Path) -> None:
    params_yaml.write_text("train: {lr: 1e-3}\ngenerate: {theta: [1]}\n")
    changed = {
        key: value
        for key, value in flat(load_params(params_yaml)).items()
        if flat(Params())[key] != value
    }
    assert changed == {"train.lr": 0.001, "generate.theta": [1.0]}


@pytest.mark.parametrize("text", ["defaults: &a {lr: 1}", "train: &a {lr: 0.5}\nsplit: *a"])
def test_an_alias_is_no_way_around_the_checks(params_yaml: Path, text: str) -> None:
    assert "is not a parameter" in mistake(params_yaml, text)


def test_only_what_aliases_add_is_limited(
    params_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_yaml, "MOST_BY_ALIASES", 50)
    params_yaml.write_text(f"generate: {{theta: [{', '.join(['1'] * 100)}]}}")
    assert len(load_params(params_yaml).generate.theta) == 100
    params_yaml.write_text(f"generate: {{theta: [&n 1, {', '.join(['*n'] * 100)}]}}")
    assert "expands to more than 50 values" in mistake(params_yaml, params_yaml.read_text())


def test_an_anchor_may_be_used_again_without_a_word(params_yaml: Path) -> None:
    params_yaml.write_text("generate: {bias: &n 3, noise: &n 4}\ntrain: {epochs: *n}")
    assert load_params(params_yaml).train.epochs == 4


def test_an_alias_within_a_section_means_its_anchor(params_yaml: Path) -> None:
    params_yaml.write_text("generate: {bias: &n 3, noise: *n}")
    assert load_params(params_yaml).generate.noise == 3


def _laughs(before: str, after: str, between: str = ", ") -> str:
    """Thirty lines, each of which names the line before it twice."""
    lines = [f"a{i}: &a{i} {before}*a{i - 1}{between}*a{i - 1}{after}" for i in range(1, 30)]
    return "a0: &a0 {k: 1}\n" + "\n".join(lines)


MISTAKES: dict[str | bytes, str] = {
    # misspelt
    "trian: {lr: 1}": "trian: is not a parameter; did you mean train?",
    "train: {momentun: 0.5}": "train.momentun: is not a parameter; did you mean momentum?",
    "train: {schedul: linear, lr: x}": "train.schedul: is not a parameter; did you mean schedule? (1 more like it)",
    "tracking: {name: a}": "tracking.name: is not a parameter; known: experiment",
    "evaluate: {gates: {test_r2: {mn: 1}}}": "evaluate.gates.test_r2.mn: is not a parameter; did you mean min?",
    "1: 2": "1: is not a parameter; known: generate, ingest, model, split, train, evaluate, tracking",
    "train: {1: 2}": "train.1: is not a parameter; known: solver, l2, collinear, engine, epochs",
    # of the wrong type
    "train: {lr: '0.1'}": "train.lr: should be a valid number; found '0.1'",
    "train: {lr: x}": "train.lr: should be a valid number; found 'x'",
    "train: {lr: [0.1]}": "train.lr: should be a valid number; found [0.1]",
    "train: {lr: 12:30:45}": "train.lr: should be a valid number; found '12:30:45'",
    "train: {epochs: 1.0}": "train.epochs: should be a valid integer; found 1.0",
    "train: {epochs: true}": "train.epochs: should be a valid integer; found True",
    "train: {epochs: null}": "train.epochs: should be a valid integer; found None",
    "train: {standardize: 1}": "train.standardize: should be a valid boolean; found 1",
    "train: {standardize: 'yes'}": "train.standardize: should be a valid boolean; found 'yes'",
    "train: {schedule: step}": "train.schedule: should be 'constant', 'linear' or 'cosine'; found 'step'",
    "train: {dtype: float16}": "train.dtype: should be 'float32' or 'float64'; found 'float16'",
    "train: {device: gpu}": "train.device: should be 'auto', 'cpu' or 'cuda'; found 'gpu'",
    "ingest: {missing: fill}": "ingest.missing: should be 'error', 'drop' or 'mean'; found 'fill'",
    "ingest: {source: 3}": "ingest.source: should be text; found 3",
    "model: {formula: 3}": "model.formula: should be text; found 3",
    "generate: {theta: 3}": "generate.theta: should be ",
    "generate: {theta: [1, x]}": "generate.theta.1: should be a valid number; found 'x'",
    "train:": "train: should be ",
    "train: 3": "train: should be ",
    "train: [lr]": "train: should be ",
    "evaluate: {gates: [test_r2]}": "evaluate.gates: should be ",
    "evaluate: {gates: {test_r2: 0.9}}": "evaluate.gates.test_r2: should be ",
    # out of range
    "train: {lr: 0}": "train.lr: should be greater than 0; found 0",
    "train: {lr: 1e-400}": "train.lr: should be greater than 0; found 0.0",
    "train: {momentum: 1}": "train.momentum: should be less than 1; found 1",
    "train: {momentum: -0.1}": "train.momentum: should be greater than or equal to 0; found -0.1",
    "train: {epochs: 0}": "train.epochs: should be greater than or equal to 1; found 0",
    "train: {batch_size: 0}": "train.batch_size: should be greater than or equal to 1; found 0",
    f"train: {{batch_size: {10**30}}}": f"train.batch_size: should be less than or equal to {10**12}; found 1",
    f"train: {{patience: {10**30}}}": f"train.patience: should be less than or equal to {10**9}; found 1",
    "train: {patience: -1}": "train.patience: should be greater than or equal to 0; found -1",
    "train: {average: 1.5}": "train.average: should be less than or equal to 1; found 1.5",
    "train: {seed: -1}": "train.seed: should be greater than or equal to 0; found -1",
    f"split: {{seed: {2**63}}}": f"split.seed: should be less than {2**63}; found {2**63}",
    "generate: {rows: 0}": "generate.rows: should be greater than or equal to 1; found 0",
    "generate: {theta: []}": "generate.theta: ",
    "generate: {noise: -1}": "generate.noise: should be greater than or equal to 0; found -1",
    "split: {shards: 0}": "split.shards: should be greater than or equal to 1; found 0",
    "split: {shards: 5000}": "split.shards: should be less than or equal to 4096; found 5000",
    "ingest: {source: ''}": "ingest.source: text should have at least 1 character; found ''",
    "model: {formula: ''}": "model.formula: text should have at least 1 character; found ''",
    "split: {by: rows}": "split.by: text should match pattern",
    "split: {by: 'group:'}": "split.by: text should match pattern",
    # no numbers
    "train: {lr: .nan}": "train.lr: should be a finite number; found nan",
    "generate: {bias: .inf}": "generate.bias: should be a finite number; found inf",
    "generate: {theta: [1, -.inf]}": "generate.theta.1: should be a finite number; found -inf",
    "evaluate: {gates: {test_r2: {min: .nan}}}": "evaluate.gates.test_r2.min: should be a finite number; found nan",
    # that do not fit together
    "split: {test: 0.2}": "split: train + validation + test must be 1; found 1.05",
    "split: {train: 0, validation: 0.5, test: 0.5}": "split.train: should be greater than 0; found 0",
    "split: {shards: 33}": "train.batch_size must be a multiple of split.shards",
    "train: {patience: 1}\nsplit: {train: 0.85, validation: 0}": "train.patience watches the validation loss",
    "evaluate: {gates: {test_r2: {}}}": "evaluate.gates.test_r2: a gate needs min or max",
    "evaluate: {gates: {test_r2: {min: 2, max: 1}}}": "evaluate.gates.test_r2: min must not exceed max",
    "evaluate: {gates: {r2: {min: 1}}}": "evaluate.gates.r2: is not a gate; a gate is gap, or PART_METRIC",
    "evaluate: {gates: {test_r3: {min: 1}}}": "evaluate.gates.test_r3: is not a gate",
    # not of the shape of a file of parameters
    "[1, 2]": "should be ",
    "[]": "should be ",
    "false": "should be ",
    "lr": "should be ",
    "train: {lr: 1}\ntrain: {lr: 2}": 'line 2: is not valid YAML; found duplicate key "train"',
    "train: {lr: 1, lr: 2}": 'line 1: is not valid YAML; found duplicate key "lr"',
    "train: {lr: 1": "line 1: is not valid YAML",
    "train:\n\tlr: 1": "line 2: is not valid YAML",
    "a: b: c": "line 1: is not valid YAML",
    "a: *b": "line 1: is not valid YAML",
    "train: {lr: 1}\n---\ntrain: {lr: 2}": "line 2: is not valid YAML",
    "train: !!python/object/apply:os.getcwd []": "line 1: is not valid YAML",
    "train: !own {lr: 1}": "line 1: is not valid YAML",
    "? {a: 1}\n: 1": "line 1: is not valid YAML",
    "tr\0ain: 1": "line 1: is not valid YAML",
    "train: {lr: 2020-01-01}": "holds a value that is not a number, text, list or section",
    "train: !!set {lr}": "holds a value that is not a number, text, list or section",
    "train: {lr: !!binary aGk=}": "holds a value that is not a number, text, list or section",
    "? [a]\n: 1": "holds a value that is not a number, text, list or section",
    "train: &a [*a]": "expands to more than 100000 values by its aliases",
    f"train: {{epochs: {'9' * 5000}}}": "holds a value that is not a number, text, list or section",
    b"\xff\xfet": "holds a value that is not a number, text, list or section",
    "[" * 2000: "",
    # that other tools build an object of
    "train: {standardize: !!bool maybe}": "holds a value that is not a number, text, list or section; found 'maybe'",
    "train: {epochs: !!int ''}": "holds a value that is not a number, text, list or section",
    'model: {formula: "\\ud800"}': "holds a value that is not a number, text, list or section",
    # of a few lines that spell out to more than fits into memory
    _laughs(
        "[", "]"
    ): "expands to more than 100000 values by its aliases; write the values themselves",
    _laughs("{a: ", "}", ", b: "): "expands to more than 100000 values by its aliases",
    _laughs("{<<: [", "], a: 1}"): "expands to more than 100000 values by its aliases",
    "train: &a {lr: *a}": "expands to more than 100000 values by its aliases",
}


@pytest.mark.parametrize(
    ("text", "message"), MISTAKES.items(), ids=[repr(text)[:50] for text in MISTAKES]
)
def test_a_mistake_is_one_line_that_names_the_key(
    params_yaml: Path, text: str | bytes, message: str
) -> None:
    assert mistake(params_yaml, text).startswith(message)


@pytest.mark.parametrize(
    "text", ["train: {lr: 1, lr: 2}", "a: 1\nsplit: {seed: 1}\nsplit: {seed: 2}"]
)
def test_a_duplicate_key_is_named_with_its_line(params_yaml: Path, text: str) -> None:
    message = mistake(params_yaml, text)
    key = "lr" if "lr" in text else "split"
    assert re.search(rf'line \d.*found duplicate key "{key}"', message)


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


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [(0.7, 0.2, 0.1), (0.1, 0.2, 0.7), (1, 0, 0), (0.3333333333, 0.3333333333, 0.3333333334)],
)
def test_shares_add_up_as_decimals_do(
    params_yaml: Path, train: float, validation: float, test: float
) -> None:
    params_yaml.write_text(f"split: {{train: {train}, validation: {validation}, test: {test}}}")
    assert load_params(params_yaml).split.train == train


def test_a_file_that_is_not_there_says_where_to_run(params_yaml: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"params\.yaml: there is no such file; run from the folder that holds dvc\.yaml",
    ):
        load_params(params_yaml)


def test_split_names_a_column_or_none() -> None:
    assert column_of("row") is None
    assert column_of("group:a b") == "a b"
    assert column_of("time:at:hour") == "at:hour"


def test_flat_names_every_parameter_once_as_plain_data() -> None:
    shown = flat(load_params(ROOT / "params.yaml"))
    assert shown["train.lr"] == 0.01
    assert shown["generate.theta"] == [2.0, -3.4]
    assert shown["evaluate.gates.test_r2.min"] == 0.9
    assert {key.partition(".")[0] for key in shown} == set(Params.model_fields)
    assert not any(isinstance(value, dict) for value in shown.values())


@pytest.mark.parametrize("stage", STAGES)
def test_a_mistake_in_any_section_ends_every_stage_with_2_before_any_work(
    stage: str, params_yaml: Path
) -> None:
    other = "split" if stage == "train" else "train"  # not even its own section
    params_yaml.write_text(f"{other}: {{nonsense: 1}}\n")
    done = subprocess.run(
        [sys.executable, "-m", f"stages.{stage}"],
        cwd=params_yaml.parent,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(params_yaml.parent)},
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [done.stderr.strip()]
    assert done.stderr.startswith(
        f"error: params.yaml: {other}.nonsense: is not a parameter; known: "
    )
    assert done.stdout == ""
    left = {
        path.relative_to(params_yaml.parent).as_posix()
        for path in params_yaml.parent.rglob("*")
        if path.is_file()
    }
    assert left == {"params.yaml", f".linreg/stages/{stage}.lock"}  # which nobody holds any more
