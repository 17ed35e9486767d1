"""The choice of l1 over folds, and the cross-validation of an elastic net, by scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Lasso, LassoCV, enet_path
from sklearn.model_selection import KFold

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.data.split.folds import FoldsByRow
from linreg.data.training_data import TrainingData
from linreg.errors import UserError
from linreg.fit.cross_validation.elastic_net import choose_l1
from linreg.fit.cross_validation.fold_moments import FoldMoments, fold_moments
from linreg.fit.exact.penalized.penalty import Penalty
from linreg.fit.exact.reference import ExactReference
from linreg.fit.training.fold_training import cross_validate_training
from linreg.params.train import Train
from linreg.process.workers import ALONE
from tests.fit.exact.fits import names_of
from tests.fit.exact.penalized.penalized_fits import drawn, penalized

Shards = Callable[..., list[Rows]]
NUM_FOLDS = 4
X, Y, W = drawn(203, 8, 6, noise=20.0)
NAMES = names_of(X)


def moments_by_fold(shards: list[Rows]) -> FoldMoments:
    return fold_moments(shards, FoldsByRow(NUM_FOLDS, "row", [rows.num_rows for rows in shards]))


@pytest.mark.slow
def test_the_choice_is_that_of_the_one_standard_error_rule(shards_of: Shards) -> None:
    """Measured: errors agree to 1e-12."""
    found = choose_l1(moments_by_fold(shards_of(X, Y)), NAMES, True, Penalty())
    errors = []
    for inside, outside in KFold(NUM_FOLDS).split(X):
        means, mean = X[inside].mean(axis=0), Y[inside].mean()
        _, theta, _ = enet_path(
            X[inside] - means, Y[inside] - mean, l1_ratio=1.0, alphas=found.grid / 2, tol=1e-14
        )
        predicted = mean + (X[outside] - means) @ theta
        errors.append(((Y[outside, None] - predicted) ** 2).mean(axis=0))
    mse = np.mean(errors, axis=0)
    standard_error = np.std(errors, axis=0, ddof=1) / np.sqrt(NUM_FOLDS)
    np.testing.assert_allclose(found.mse, mse, rtol=1e-9)
    np.testing.assert_allclose(found.standard_error, standard_error, rtol=1e-7)
    best = int(np.argmin(mse))
    assert found.least == found.grid[best]
    within = found.grid[mse <= mse[best] + standard_error[best]]
    assert found.l1 == within.max()
    assert found.grid[0] > found.l1 > found.least > found.grid[-1]
    data = found.as_data()
    assert (data["chosen"], data["least"]) == (found.l1, found.least)


def test_the_least_error_is_the_choice_of_lasso_cv(shards_of: Shards) -> None:
    for target in (Y, Y + 30 * X[:, 1]):
        moments = moments_by_fold(shards_of(X, target))
        found = choose_l1(moments, NAMES, True, Penalty(), "min")
        theirs = LassoCV(alphas=found.grid / 2, cv=KFold(NUM_FOLDS), tol=1e-12).fit(X, target)
        assert found.l1 == found.least == 2 * theirs.alpha_
        assert found.as_data()["rule"] == "min"
        assert choose_l1(moments, NAMES, True, Penalty()).l1 > found.l1


@pytest.mark.slow
def test_weights_l2_and_the_scale_of_the_penalty_count_in_each_fold(shards_of: Shards) -> None:
    penalty = Penalty(0.0, 0.3, "standardize")
    found = choose_l1(moments_by_fold(shards_of(X, Y, w=W)), NAMES, True, penalty)
    k = 30
    errors = []
    for inside, outside in KFold(NUM_FOLDS).split(X):
        solution = penalized(
            X[inside], Y[inside], W[inside], l1=found.grid[k], l2=0.3, scale="standardize"
        ).solution
        residuals = Y[outside] - X[outside] @ solution.theta - solution.b
        errors.append((W[outside] * residuals**2).sum() / W[outside].sum())
    assert found.mse[k] == pytest.approx(np.mean(errors), rel=1e-9)


def test_the_cross_validation_of_a_lasso_is_that_of_scikit_learn(shards_of: Shards) -> None:
    params = Train(solver="exact", l1=2.0)
    shards = shards_of(X, Y)
    moments = moments_by_fold(shards)
    data = TrainingData(shards[0]._design, shards, shards[0])
    reference = ExactReference.compute(shards, NAMES, True, params, moments=moments.total)
    found = cross_validate_training(data, reference, moments, params, ALONE)
    assert found
    assert found.estimator == "lasso"
    for fold, (inside, outside) in zip(found.folds, KFold(NUM_FOLDS).split(X), strict=True):
        theirs = Lasso(alpha=1.0, tol=1e-14).fit(X[inside], Y[inside])
        assert fold.coefficients
        np.testing.assert_allclose(fold.coefficients.theta, theirs.coef_, rtol=1e-9, atol=1e-12)
        mse = ((Y[outside] - theirs.predict(X[outside])) ** 2).mean()
        assert fold.mse == pytest.approx(mse, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "target", "message"),
    [
        (X, 0 * Y, "train.l1: auto: has nothing to choose: no column explains the target"),
        (np.zeros((203, 301)), Y, "train.l1: auto: is for at most 300 columns; found 301"),
    ],
)
def test_where_nothing_can_be_chosen_that_is_one_line(
    columns: Floats, target: Floats, message: Any, shards_of: Shards
) -> None:
    moments = moments_by_fold(shards_of(columns, target))
    with pytest.raises(UserError, match=message):
        choose_l1(moments, names_of(columns), True, Penalty())
