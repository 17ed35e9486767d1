"""A function in one file of the project is a metric of its name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.evaluation.evaluation import metrics_by_part
from linreg.evaluation.own_metrics import OwnMetrics
from linreg.fit.model import LinearModel
from linreg.params.file import load_params
from linreg.params.metric_names import METRICS, RESERVED, own_metrics_in

ACTUAL = np.array([1.0, 2.0, 4.0])
SHIPPED = Path(__file__).parents[2] / "stages/metrics.py"


def own(tmp_path: Path, source: str) -> OwnMetrics:
    path = tmp_path / "metrics.py"
    path.write_text(source, encoding="utf-8")
    return OwnMetrics(path)


def values(
    source: str,
    tmp_path: Path,
    shards_of: Callable[..., list[Rows]],
    learn: Callable[..., Design],
    weights: list[float] | None = None,
) -> dict[str, float]:
    """Return the metrics of y = 1, 2, 4 predicted as x = 2, 2, 2."""
    design = learn("y ~ x1", pa.table({"y": [0.0], "x1": [0.0]}))
    model = LinearModel(design, np.array([1.0]), 0.0, {})
    X = np.full((3, 1), 2.0)
    w = None if weights is None else np.array(weights)
    rows = shards_of(X, ACTUAL, 2, w=w)
    metrics = metrics_by_part({"test": rows}, model, 0.0, own=own(tmp_path, source))["test"]
    return {name: metrics[name] for name in own_metrics_in([metrics])}


def test_the_file_that_is_shipped_has_no_metric() -> None:
    assert not OwnMetrics(SHIPPED)


def test_a_project_without_the_file_has_no_metric(tmp_path: Path) -> None:
    assert not OwnMetrics(tmp_path / "metrics.py")


def test_public_functions_are_metrics_of_their_names(
    tmp_path: Path, shards_of: Callable[..., list[Rows]], learn: Callable[..., Design]
) -> None:
    source = """
from math import sqrt
import numpy as np
SCALE = 2
def mape(actual, predicted):
    return 100 * np.mean(np.abs((actual - predicted) / actual))
def rounded(actual, predicted):
    return _count(actual)
def größe(actual, predicted):
    return np.array(predicted.sum())
def _count(actual):
    return len(actual)
class Unused:
    def method(self): ...
"""
    found = values(source, tmp_path, shards_of, learn)
    # |1 − 2|/1, 0, |4 − 2|/4
    assert found == {"mape": 50.0, "rounded": 3.0, "größe": 6.0}


@pytest.mark.parametrize("weights", [None, [1.0, 3.0, 0.5]])
def test_a_function_may_take_the_weights(
    weights: list[float] | None,
    tmp_path: Path,
    shards_of: Callable[..., list[Rows]],
    learn: Callable[..., Design],
) -> None:
    source = "def total(actual, predicted, weights):\n    return weights.sum()\n"
    found = values(source, tmp_path, shards_of, learn, weights)
    assert found == {"total": 3.0 if weights is None else 4.5}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return float('nan')", "m: must return a finite number for the test rows; found nan"),
        ("return actual / 0 @ predicted", "must return a finite number"),
        ("return 10**400", "must return a finite number"),
        ("return None", "must return a number for the test rows; found NoneType None"),
        ("return actual", "must return a number for the test rows; found ndarray"),
        ("return '0.5'", "must return a number"),
        ("return True", "must return a number"),
        ("return 1 + 2j", "must return a number"),
        ("return 1 / 0", "m: line 2: fails on the test rows; found ZeroDivisionError: division"),
        ("raise KeyError('x')", "line 2: fails on the test rows; found KeyError: 'x'"),
        ("actual -= 1; return 0", "line 2: fails on the test rows; found ValueError"),
    ],
)
def test_what_a_metric_does_wrong_is_one_line(
    body: str,
    message: str,
    tmp_path: Path,
    shards_of: Callable[..., list[Rows]],
    learn: Callable[..., Design],
) -> None:
    with np.errstate(all="ignore"), pytest.raises(UserError) as raised:
        values(f"def m(actual, predicted):\n    {body}\n", tmp_path, shards_of, learn)
    assert str(raised.value).startswith(f"{tmp_path}/metrics.py: m")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_function_of_one_parameter_is_one_line(
    tmp_path: Path, shards_of: Callable[..., list[Rows]], learn: Callable[..., Design]
) -> None:
    with pytest.raises(UserError, match=r"metrics.py: m: fails on the test rows; found TypeError"):
        values("def m(actual):\n    return 0\n", tmp_path, shards_of, learn)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def m(actual\n", "metrics.py: line 1: cannot be imported; found SyntaxError"),
        ("import nowhere\ndef m(a, p): ...\n", "line 1: cannot be imported; found ModuleNotFound"),
        ("def m(a, p): ...\n1 / 0\n", "line 2: cannot be imported; found ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_line(
    source: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        own(tmp_path, source)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_of_ours_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"metrics.py: {name}: is a name of linreg's own"):
        own(tmp_path, f"def {name}(actual, predicted): ...\n")


def test_gates_may_name_metrics_of_ours_and_of_ones_own_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"

    def gate(metric: str) -> None:
        path.write_text(f"evaluate: {{gates: {{test_{metric}: {{max: 1}}}}}}\n", encoding="utf-8")
        load_params(path)

    for metric in METRICS:
        gate(metric)
    with pytest.raises(UserError, match=r"evaluate.gates.test_mape: is not a gate"):
        gate("mape")
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/metrics.py").write_text("def mape(actual, predicted): ...\n")
    gate("mape")
    for metric in ("n", "baseline", "_mape", "mapes"):
        with pytest.raises(UserError, match="is not a gate"):
            gate(metric)
    (tmp_path / "stages/metrics.py").write_text("def mape(\n")
    with pytest.raises(UserError, match=r"stages/metrics.py: is not Python"):
        gate("mape")
