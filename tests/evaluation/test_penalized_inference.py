from pathlib import Path

import numpy as np
import pytest

from linreg.errors import UserError
from linreg.evaluation.covariance.robust import RobustStandardErrors
from linreg.evaluation.inference import infer
from linreg.evaluation.intervals import intervals
from linreg.fit.exact.penalized.penalty import Penalty
from linreg.fit.exact.reference import ExactReference
from linreg.prediction.row_predictions import PredictionInterval
from linreg.results.run_results import NO_ERRORS
from tests.fit.exact.fits import moments_of, names_of
from tests.fit.exact.penalized.penalized_fits import drawn, penalized


@pytest.mark.slow
def test_an_elastic_net_has_no_standard_errors_and_it_is_said_why() -> None:
    X, y, _ = drawn(60, 5)
    solution = penalized(X, y, l1=2.0, l2=0.01).solution
    robust = RobustStandardErrors(solution)
    robust.add(X, y)
    found = infer(solution, 0.95, robust.covariance())
    assert found.no_errors == "elastic net"
    assert found.no_errors in NO_ERRORS
    for row in found.coefficients:
        assert set(vars(row.classical).values()) == {None}
        assert row.robust
        assert set(vars(row.robust).values()) == {None}
    assert [row.name for row in found.coefficients] == ["b", *names_of(X)]
    nonzero = int(np.count_nonzero(solution.theta))
    assert 0 < nonzero < 5
    assert (found.f, found.f_p, found.f_df, found.df) == (None, None, nonzero, 59 - nonzero)
    assert found.penalty == {"l1": 2.0, "l2": 0.01, "scale": "units"}
    assert found.as_metrics()["penalty.l1"] == 2.0
    residuals = y - X @ solution.theta - solution.b
    r2 = 1 - (residuals**2).sum() / ((y - y.mean()) ** 2).sum()
    assert found.r2 == pytest.approx(r2, rel=1e-12)
    assert found.sigma == pytest.approx(np.sqrt((residuals**2).sum() / found.df), rel=1e-12)
    assert np.isnan(intervals(solution, X, 0.95).low).all()


def test_a_penalty_of_l1_alone_is_called_a_lasso(tmp_path: Path) -> None:
    X, y, _ = drawn(60, 2)
    lasso = Penalty(0.5, 0.0)
    exact = ExactReference.from_penalized_moments(moments_of(X, y), names_of(X), True, lasso)
    exact.write(tmp_path, "error")
    assert infer(exact.solution, 0.95).no_errors == "lasso"
    assert NO_ERRORS["lasso"].startswith("A lasso fit (train.l1)")
    with pytest.raises(UserError, match=r"--interval: a lasso fit is .*l1 = 0.5; train with tr"):
        PredictionInterval(ExactReference.read(tmp_path), 0.95)


def test_a_standardized_ridge_is_called_ridge() -> None:
    X, y, _ = drawn(60, 5)
    found = infer(penalized(X, y, l2=1.0, scale="standardize").solution, 0.95)
    assert found.no_errors == "ridge"
    assert found.penalty == {"l1": 0.0, "l2": 1.0, "scale": "standardize"}
    assert "penalty.l1" not in found.as_metrics()


def test_predictions_of_an_elastic_net_have_no_interval(tmp_path: Path) -> None:
    X, y, _ = drawn(60, 2)
    penalty = Penalty(0.5, 0.25)
    ExactReference.from_penalized_moments(moments_of(X, y), names_of(X), True, penalty).write(
        tmp_path, "error"
    )
    message = (
        r"--interval: an elastic net fit is biased .*; found train.l1 = 0.5, train.l2 = 0.25;"
        r" train with train.l1=0 train.l2=0"
    )
    with pytest.raises(UserError, match=message):
        PredictionInterval(ExactReference.read(tmp_path), 0.95)
