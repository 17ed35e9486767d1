"""Metrics of a model with an offset are those of the target, whatever the weights."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import KFold

from tests.evaluated_runs import Evaluated
from tests.evaluated_runs import evaluated as evaluated


@pytest.mark.parametrize("kind", [None, "analytic", "frequency"])
def test_metrics_are_of_the_target_with_its_offset(
    evaluated: Evaluated, kind: Literal["analytic", "frequency"] | None
) -> None:
    random = np.random.default_rng(4)
    x, z, noise = random.normal(size=(3, 90))
    n = np.arange(90) % 3
    y = 2 + x + 5 * z + noise
    table = pa.table({"y": y, "x": x, "z": z, "n": n})
    weights = {"weights": "n", "weights_kind": kind} if kind else {}
    run = evaluated("y ~ x + offset(z)", table, solver="exact", folds=5, **weights)
    w = n if kind else np.ones(90)
    X = sm.add_constant(x)
    predicted = sm.WLS(y - z, X, weights=w).fit().predict(X) + z
    counts = n if kind == "frequency" else np.ones(90)
    train = run.metrics["train"]
    assert train["n"] == counts.sum()
    assert train["r2"] == pytest.approx(r2_score(y, predicted, sample_weight=counts), rel=1e-10)
    rmse = root_mean_squared_error(y, predicted, sample_weight=counts)
    assert train["rmse"] == pytest.approx(rmse, rel=1e-10)
    of_folds = []
    for inside, held_out in KFold(5).split(X):
        fit = sm.WLS((y - z)[inside], X[inside], weights=w[inside]).fit()
        predicted = fit.predict(X[held_out]) + z[held_out]
        of_folds.append(r2_score(y[held_out], predicted, sample_weight=w[held_out]))
    assert run.metrics["cv"]["r2"] == pytest.approx(np.mean(of_folds), rel=1e-10)
