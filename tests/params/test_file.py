import os
import subprocess
import sys
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.params.file import load_params
from linreg.params.params import Params, flatten
from tests.test_plain_yaml import TOO_MANY, billion_laughs

ROOT = Path(__file__).parents[2]
STAGES = ("generate", "ingest", "split", "train", "evaluate")
NOT_PLAIN = "holds a value that is not a number, text, list or section"
MISTAKES: list[tuple[str | bytes, str]] = [
    # Misspelt.
    ("trian: {lr: 1}", "trian: is not a parameter; did you mean train?"),
    ("train: {momentun: 0.5}", "train.momentun: is not a parameter; did you mean momentum?"),
    (
        "train: {schedul: linear, lr: x}",
        "train.schedul: is not a parameter; did you mean schedule? (1 more like it)",
    ),
    ("tracking: {name: a}", "tracking.name: is not a parameter; known: experiment"),
    (
        "evaluate: {gates: {test_r2: {mn: 1}}}",
        "evaluate.gates.test_r2.mn: is not a parameter; did you mean min?",
    ),
    (
        "1: 2",
        "1: is not a parameter; known: generate, fetch, ingest, model, split, train, evaluate, "
        "tracking",
    ),
    ("train: {3: 2}", "train.3: is not a parameter; known: solver, l2, collinear, engine, epochs"),
    # Of the wrong type.
    ("train: {lr: '0.1'}", "train.lr: should be a valid number; found '0.1'"),
    ("train: {lr: x}", "train.lr: should be a valid number; found 'x'"),
    ("train: {lr: [0.1]}", "train.lr: should be a valid number; found [0.1]"),
    ("train: {lr: 12:30:45}", "train.lr: should be a valid number; found '12:30:45'"),
    ("train: {epochs: 1.0}", "train.epochs: should be a valid integer; found 1.0"),
    ("train: {epochs: true}", "train.epochs: should be a valid integer; found True"),
    ("train: {epochs: null}", "train.epochs: should be a valid integer; found None"),
    ("train: {standardize: 1}", "train.standardize: is called train.scale now; found 1"),
    (
        "train: {standardize: true, scale: none}",
        "train.standardize: is called train.scale now, which is there too; remove standardize",
    ),
    ("train: {solver: exact, l1: auto}", "train.l1: auto needs folds, but split.folds is 0"),
    (
        "train: {solver: exact, l1: auto:min}",
        "train.l1: auto:min needs folds, but split.folds is 0",
    ),
    *(
        (
            f"train: {{solver: exact, l1: {value}}}",
            f"train.l1: should be a number of at least 0, auto or auto:min; found {found}",
        )
        for value, found in (("aut", "'aut'"), ("-1", "-1"), ("true", "True"), (".inf", "inf"))
    ),
    ("train: {l1: 0.1}", "train: l1 is not for gradient descent; set solver to exact, or l1 to 0"),
    (
        "train: {l2: 0.1, penalty_scale: standardize}",
        "train: penalty_scale: standardize is not for gradient descent; set solver to exact",
    ),
    ("train: {scale: zscore}", "train.scale: should be 'none', 'standardize' or 'whiten'"),
    (
        "train: {schedule: step}",
        "train.schedule: should be 'constant', 'linear' or 'cosine'; found 'step'",
    ),
    ("train: {dtype: float16}", "train.dtype: should be 'float32' or 'float64'; found 'float16'"),
    ("train: {device: gpu}", "train.device: should be 'auto', 'cpu' or 'cuda'; found 'gpu'"),
    (
        "ingest: {missing: fill}",
        "ingest.missing: should be 'error', 'drop' or 'mean'; found 'fill'",
    ),
    ("ingest: {source: 3}", "ingest.source: should be text; found 3"),
    ("model: {formula: 3}", "model.formula: should be text; found 3"),
    ("generate: {theta: 3}", "generate.theta: should be "),
    ("generate: {theta: [1, x]}", "generate.theta.1: should be a valid number; found 'x'"),
    ("train:", "train: should be "),
    ("train: 3", "train: should be "),
    ("train: [lr]", "train: should be "),
    ("evaluate: {gates: [test_r2]}", "evaluate.gates: should be "),
    ("evaluate: {gates: {test_r2: 0.9}}", "evaluate.gates.test_r2: should be "),
    # Out of range.
    ("train: {lr: 0}", "train.lr: should be greater than 0; found 0"),
    ("train: {lr: 1e-400}", "train.lr: should be greater than 0; found 0.0"),
    ("train: {momentum: 1}", "train.momentum: should be less than 1; found 1"),
    ("train: {momentum: -0.1}", "train.momentum: should be greater than or equal to 0; found -0.1"),
    ("train: {epochs: 0}", "train.epochs: should be greater than or equal to 1; found 0"),
    ("train: {batch_size: 0}", "train.batch_size: should be greater than or equal to 1; found 0"),
    (
        f"train: {{batch_size: {10**30}}}",
        f"train.batch_size: should be less than or equal to {10**12}; found 1",
    ),
    (
        f"train: {{patience: {10**30}}}",
        f"train.patience: should be less than or equal to {10**9}; found 1",
    ),
    ("train: {patience: -1}", "train.patience: should be greater than or equal to 0; found -1"),
    ("train: {average: 1.5}", "train.average: should be less than or equal to 1; found 1.5"),
    ("train: {seed: -1}", "train.seed: should be greater than or equal to 0; found -1"),
    (f"split: {{seed: {2**63}}}", f"split.seed: should be less than {2**63}; found {2**63}"),
    ("generate: {rows: 0}", "generate.rows: should be greater than or equal to 1; found 0"),
    ("generate: {theta: []}", "generate.theta: "),
    ("generate: {noise: -1}", "generate.noise: should be greater than or equal to 0; found -1"),
    ("split: {shards: 0}", "split.shards: should be greater than or equal to 1; found 0"),
    ("split: {shards: 5000}", "split.shards: should be less than or equal to 4096; found 5000"),
    ("ingest: {source: ''}", "ingest.source: text should have at least 1 character; found ''"),
    ("model: {formula: ''}", "model.formula: text should have at least 1 character; found ''"),
    ("split: {by: rows}", "split.by: should be row, group:COLUMN or time:COLUMN; found 'rows'"),
    ("split: {by: 'group:'}", "split.by: should be row, group:COLUMN or time:COLUMN"),
    ("evaluate: {errors: cluster}", "evaluate.errors: should be auto, classical, HC0, HC1, HC2"),
    ("evaluate: {gates: {cv_mae: {max: 1}}}", "evaluate.gates.cv_mae: is not a gate; a gate is "),
    ("fetch: {a b: {url: x.csv}}", "fetch.a b: should have a name of letters, digits, - and _"),
    # Not finite.
    ("train: {lr: .nan}", "train.lr: should be a finite number; found nan"),
    ("generate: {bias: .inf}", "generate.bias: should be a finite number; found inf"),
    ("generate: {theta: [1, -.inf]}", "generate.theta.1: should be a finite number; found -inf"),
    (
        "evaluate: {gates: {test_r2: {min: .nan}}}",
        "evaluate.gates.test_r2.min: should be a finite number; found nan",
    ),
    # Contradictory.
    ("split: {test: 0.2}", "split: train + validation + test must be 1; found 1.05"),
    (
        "split: {train: 0, validation: 0.5, test: 0.5}",
        "split.train: should be greater than 0; found 0",
    ),
    ("split: {shards: 33}", "train.batch_size must be a multiple of split.shards"),
    (
        "train: {patience: 1}\nsplit: {train: 0.85, validation: 0}",
        "train.patience needs validation rows",
    ),
    ("evaluate: {gates: {test_r2: {}}}", "evaluate.gates.test_r2: a gate needs min or max"),
    (
        "evaluate: {gates: {test_r2: {min: 2, max: 1}}}",
        "evaluate.gates.test_r2: min must not exceed max",
    ),
    (
        "evaluate: {gates: {r2: {min: 1}}}",
        "evaluate.gates.r2: is not a gate; a gate is gap, beats_baseline, cv_mse, cv_rmse, "
        "cv_r2, or PART_METRIC",
    ),
    ("evaluate: {gates: {test_r3: {min: 1}}}", "evaluate.gates.test_r3: is not a gate"),
    # Not sections of keys.
    ("[1, 2]", "should be "),
    ("[]", "should be "),
    ("false", "should be "),
    ("lr", "should be "),
    ("train: {lr: 1}\ntrain: {lr: 2}", 'line 2: is not valid YAML; found duplicate key "train"'),
    ("train: {lr: 1, lr: 2}", 'line 1: is not valid YAML; found duplicate key "lr"'),
    ("train: {lr: 1", "line 1: is not valid YAML"),
    ("train:\n\tlr: 1", "line 2: is not valid YAML"),
    ("a: b: c", "line 1: is not valid YAML"),
    ("a: *b", "line 1: is not valid YAML"),
    ("train: {lr: 1}\n---\ntrain: {lr: 2}", "line 2: is not valid YAML"),
    ("train: !!python/object/apply:os.getcwd []", "line 1: is not valid YAML"),
    ("train: !own {lr: 1}", "line 1: is not valid YAML"),
    ("? {a: 1}\n: 1", "line 1: is not valid YAML"),
    ("tr\0ain: 1", "line 1: is not valid YAML"),
    ("train: {lr: 2020-01-01}", NOT_PLAIN),
    ("train: !!set {lr}", NOT_PLAIN),
    ("train: {lr: !!binary aGk=}", NOT_PLAIN),
    ("? [a]\n: 1", NOT_PLAIN),
    ("train: &a [*a]", TOO_MANY),
    (f"train: {{epochs: {'9' * 5000}}}", NOT_PLAIN),
    (b"\xff\xfet", NOT_PLAIN),
    ("[" * 2000, ""),
    # Values that other tools would construct.
    ("train: {standardize: !!bool maybe}", f"{NOT_PLAIN}; found 'maybe'"),
    ("train: {epochs: !!int ''}", NOT_PLAIN),
    ('model: {formula: "\\ud800"}', NOT_PLAIN),
    # Few lines that expand to more than fits into memory.
    (billion_laughs("[", "]"), TOO_MANY),
    (billion_laughs("{a: ", "}", ", b: "), TOO_MANY),
    (billion_laughs("{<<: [", "], a: 1}"), TOO_MANY),
    ("train: &a {lr: *a}", TOO_MANY),
]


@pytest.fixture
def params_yaml(tmp_path: Path) -> Path:
    return tmp_path / "params.yaml"


def mistake(path: Path, text: str | bytes) -> str:
    """Return the message for a file with this content, without the file's name."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as error:
        load_params(path)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "message"), MISTAKES, ids=[repr(text)[:50] for text, _ in MISTAKES]
)
def test_a_mistake_is_one_line_that_names_the_key(
    params_yaml: Path, text: str | bytes, message: str
) -> None:
    assert mistake(params_yaml, text).startswith(message)


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "{}", "train: {}"])
def test_what_is_left_out_has_its_default(params_yaml: Path, text: str) -> None:
    params_yaml.write_text(text)
    assert load_params(params_yaml) == Params()


def test_a_key_that_is_given_does_not_change_another(params_yaml: Path) -> None:
    params_yaml.write_text("train: {lr: 1e-3}\ngenerate: {theta: [1]}\n")
    changed = {
        key: value
        for key, value in flatten(load_params(params_yaml)).items()
        if flatten(Params())[key] != value
    }
    assert changed == {"train.lr": 0.001, "generate.theta": [1.0]}


def test_changes_take_the_place_of_the_files_values(params_yaml: Path) -> None:
    params_yaml.write_text("train: {lr: 0.5, epochs: 3}\n")
    changed = load_params(params_yaml, {"train.lr": 0.1, "split.seed": 7})
    assert (changed.train.lr, changed.train.epochs, changed.split.seed) == (0.1, 3, 7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": 1}, "lr: is not a parameter; name it as section.key, such as train.lr"),
        ({"train.lrr": 1}, "params.yaml: train.lrr: is not a parameter; did you mean lr?"),
        ({"train.lr": -1.0}, "params.yaml: train.lr: should be greater than 0; found -1.0"),
    ],
)
def test_a_change_is_checked_like_the_file(
    params_yaml: Path, changes: dict[str, object], message: str
) -> None:
    params_yaml.write_text("")
    with pytest.raises(UserError) as error:
        load_params(params_yaml, changes)
    assert str(error.value).endswith(message)


@pytest.mark.parametrize("text", ["defaults: &a {lr: 1}", "train: &a {lr: 0.5}\nsplit: *a"])
def test_a_section_by_an_alias_is_checked_like_any_other(params_yaml: Path, text: str) -> None:
    assert "is not a parameter" in mistake(params_yaml, text)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [(0.7, 0.2, 0.1), (0.1, 0.2, 0.7), (1, 0, 0), (0.3333333333, 0.3333333333, 0.3333333334)],
)
def test_shares_of_decimals_sum_to_1_in_spite_of_rounding(
    params_yaml: Path, train: float, validation: float, test: float
) -> None:
    params_yaml.write_text(f"split: {{train: {train}, validation: {validation}, test: {test}}}")
    assert load_params(params_yaml).split.train == train


def test_without_a_file_the_message_says_where_to_run(params_yaml: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"params\.yaml: there is no such file; run from the folder that holds dvc\.yaml",
    ):
        load_params(params_yaml)


@pytest.mark.parametrize("stage", STAGES)
def test_a_mistake_in_any_section_ends_every_stage_with_2_before_any_work(
    stage: str, params_yaml: Path
) -> None:
    section_of_another_stage = "split" if stage == "train" else "train"
    params_yaml.write_text(f"{section_of_another_stage}: {{nonsense: 1}}\n")
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
        f"error: params.yaml: {section_of_another_stage}.nonsense: is not a parameter; known: "
    )
    assert done.stdout == ""
    left = {
        path.relative_to(params_yaml.parent).as_posix()
        for path in params_yaml.parent.rglob("*")
        if path.is_file()
    }
    assert left == {"params.yaml", f".linreg/stages/{stage}.lock"}


@pytest.mark.parametrize(("old", "new"), [("true", "standardize"), ("false", "none")])
def test_a_key_of_an_earlier_version_still_works_and_its_new_name_is_said(
    params_yaml: Path, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    params_yaml.write_text(f"train: {{standardize: {old}, lr: 0.5}}")
    params = load_params(params_yaml)
    assert (params.train.scale, params.train.lr) == (new, 0.5)
    note = f"train.standardize: is called train.scale now; write scale: {new}"
    assert capsys.readouterr().err == f"note: {params_yaml}: {note}\n"
