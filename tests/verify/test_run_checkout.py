from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.params.file import load_params
from linreg.params.params import Params, flatten
from linreg.tracking.mlflow.entities import parameter_text
from linreg.tracking.runs import KnownRun
from linreg.verify.run_checkout import logged_parameters, write_parameters

PARAMETERS = {
    "train.lr": 1e-05,
    "train.epochs": 3,
    "train.scale": "standardize",
    "train.solver": "exact",
    "model.weights": None,
    "generate.theta": [1.0, -2.5],
    "ingest.source": "17",
    "evaluate.gates.gap.max": 0.01,
    "evaluate.gates.gap.min": None,
    "evaluate.confidence": 0.9,
    "split.by": "group:null",
    "model.levels": {"Is it? (a.b)": ["no", 1]},
}


@pytest.mark.slow
@pytest.mark.parametrize("spelt", [lambda value: value, parameter_text], ids=["journal", "mlflow"])
def test_logged_parameters_are_those_of_params_yaml(
    tmp_path: Path, spelt: Callable[[object], object]
) -> None:
    logged = {name: spelt(value) for name, value in (flatten(Params()) | PARAMETERS).items()}
    run = KnownRun("key", "", "name", 0, "FINISHED", {}, logged)
    path = tmp_path / "params.yaml"
    path.write_text(
        "train: {lr: 0.01}  # a comment\nevaluate:\n  gates: {test_r2: {min: 0.9}}\n"
        "  baseline: own.csv\n"
        "ingest: {sentinels: {age: [99]}}\n"
    )
    changes = write_parameters(path, logged_parameters(run))
    assert "train.lr = 1e-05 (in the commit: 0.01)" in changes
    assert 'ingest.source = "17" (in the commit: not set)' in changes
    assert 'ingest.sentinels = {} (in the commit: {"age": [99]})' in changes
    assert 'evaluate.baseline = "data/split" (in the commit: "own.csv")' in changes
    assert "# a comment" in path.read_text()
    assert flatten(load_params(path)) == flatten(Params()) | PARAMETERS
    assert write_parameters(path, logged_parameters(run)) == []


def test_a_parameter_that_mlflow_cut_is_refused() -> None:
    run = KnownRun(
        "key", "", "name", 0, "FINISHED", {}, {"model.formula": "y ~ a… (9000 characters)"}
    )
    with pytest.raises(UserError, match="was too long for MLflow"):
        logged_parameters(run)
