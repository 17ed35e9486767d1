from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError
from linreg.fit.coordinates.learning_rate import largest_stable_rate
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.reference import ExactReference, compute_moments
from linreg.fit.exact.solver import solve
from linreg.fit.history import Epoch
from linreg.fit.sgd.autograd import gradient_descent
from linreg.params.train import Train
from tests.fit.exact.fits import rss_of

Floats = NDArray[np.float64]
Weighted = Callable[..., list[Rows]]
NAMES = ["x1", "x2", "x3"]


@pytest.fixture
def weighted_shards(tmp_path: Path, learn: Callable[..., Design]) -> Weighted:
    """Writes X (n, 3), y (n,) and w (n,) or None as shards, in the order of the rows: `y ~ x1 + x2
    + x3`.
    """

    def weighted_shards(X: Floats, y: Floats, w: Floats | None, num_shards: int) -> list[Rows]:
        columns = {**dict(zip(NAMES, X.T, strict=True)), "y": y}
        design = learn("y ~ x1 + x2 + x3", pa.table(columns))
        if w is not None:
            columns["how sure"] = w
            design = replace(design, schema=replace(design.schema, weights="how sure"))
        rows = pa.table(columns)
        paths = []
        for index, of_shard in enumerate(np.array_split(np.arange(len(y)), num_shards)):
            paths.append(tmp_path / f"shard-{index:05d}.parquet")
            write_table(paths[-1], rows.schema, [rows.take(of_shard)])
        return [Rows(path, design) for path in paths]

    return weighted_shards


def drawn(num_rows: int = 90, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """X, y and weights, every ninth of them 0; the noise is larger where the weight is small."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((num_rows, 3)) * [1.0, 0.5, 2.0] + [0.5, 0.0, -1.0]
    w = random.uniform(0.2, 3.0, num_rows)
    y = 1.5 + X @ [2.0, -1.0, 0.5] + random.standard_normal(num_rows) / np.sqrt(w)
    w[::9] = 0.0
    return X, y, w


def closed_form(X: Floats, y: Floats, w: Floats, intercept: bool, l2: float) -> Floats:
    """[b, θ] or [θ] from lstsq of the rows times √w, with the penalty n·l2·‖θ‖² as three rows
    more.
    """
    Z = np.column_stack([np.ones(len(y)), X])
    penalty = np.column_stack([np.zeros(3), np.sqrt(len(y) * l2) * np.eye(3)])
    root = np.sqrt(w)[:, None]
    rows = np.vstack([Z * root, penalty])[:, 1 - intercept :]
    solution: Floats = np.linalg.lstsq(rows, np.concatenate([y * root[:, 0], np.zeros(3)]))[0]
    return solution


def trained(
    shards: list[Rows], intercept: bool, standardize: bool, momentum: float = 0.8, **params: Any
) -> tuple[Epoch, Scaling, Train]:
    """Full batches in float64, at a quarter of the largest stable rate."""
    scaling = (
        z_score_scaling(compute_moments(shards, 3), intercept)
        if standardize
        else Scaling.identity(3)
    )
    settings = Train(dtype="float64", batch_size=1000, epochs=320, momentum=momentum, **params)
    found = ExactReference.compute(shards, NAMES, intercept, settings)
    limit = largest_stable_rate(found.moments, intercept, scaling, settings)
    settings = settings.model_copy(update={"lr": limit / 4})
    *_, last = gradient_descent(shards, 3, intercept, scaling, settings)
    return last, scaling, settings


@pytest.mark.slow
@pytest.mark.parametrize("num_shards", [1, 3])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_full_batches_with_weights_converge_to_weighted_least_squares(
    weighted_shards: Weighted, intercept: bool, standardize: bool, num_shards: int
) -> None:
    """statsmodels' WLS. After 320 steps it is within the 1e-11 that is asserted."""
    X, y, w = drawn()
    last, *_ = trained(weighted_shards(X, y, w, num_shards), intercept, standardize)
    design = sm.add_constant(X) if intercept else X
    expected = sm.WLS(y, design, weights=w).fit().params
    found = np.array([last.b, *last.theta])[1 - intercept :]
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    assert intercept or last.b == 0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_full_batches_with_a_penalty_converge_to_the_ridge_in_the_units_of_the_data(
    weighted_shards: Weighted, intercept: bool, standardize: bool, weighted: bool
) -> None:
    """After 320 steps it is within the 1e-11 that is asserted."""
    X, y, w = drawn()
    l2 = 0.3
    shards = weighted_shards(X, y, w if weighted else None, 3)
    last, *_ = trained(shards, intercept, standardize, l2=l2)
    expected = closed_form(X, y, w if weighted else np.ones(len(y)), intercept, l2)
    found = np.array([last.b, *last.theta])[1 - intercept :]
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    exact = ExactReference.compute(shards, NAMES, intercept, Train(l2=l2)).solution
    np.testing.assert_allclose([exact.b, *exact.theta][1 - intercept :], expected, rtol=1e-12)


@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_the_largest_stable_rate_counts_the_weights(weighted_shards: Weighted, l2: float) -> None:
    """Weights of 0 to 30 instead of 0 to 3: at 1.04 of the rate the steps grow, at 0.96 they do
    not.
    """
    X, y, w = drawn()
    shards = weighted_shards(X, y, 10 * w, 2)
    settings = Train(dtype="float64", batch_size=1000, epochs=120, momentum=0.5, l2=l2)
    found = ExactReference.compute(shards, NAMES, True, settings)
    limit = largest_stable_rate(found.moments, True, Scaling.identity(3), settings)

    def distance(factor: float) -> list[float]:
        params = settings.model_copy(update={"lr": factor * limit})
        epochs = gradient_descent(shards, 3, True, Scaling.identity(3), params)
        best = closed_form(X, y, 10 * w, True, l2)
        return [float(np.linalg.norm([each.b, *each.theta] - best)) for each in epochs]

    below, above = distance(0.96), distance(1.04)
    assert below[-1] < 0.1 * below[60]
    assert above[-1] > 100 * above[60]


@pytest.mark.parametrize("num_shards", [1, 3])
def test_small_batches_with_weights_end_near_weighted_least_squares(
    weighted_shards: Weighted, num_shards: int
) -> None:
    """A rate that falls to 0 and the mean of the last half: 0.15 standard errors off, 1.3 without
    w.
    """
    X, y, w = drawn(900)
    theirs = sm.WLS(y, sm.add_constant(X), weights=w).fit()
    shards = weighted_shards(X, y, w, num_shards)
    params = Train(epochs=40, lr=0.02, momentum=0.9, schedule="linear", average=0.5)
    *_, last = gradient_descent(shards, 3, True, Scaling.identity(3), params)
    found = np.abs(np.array([last.b, *last.theta]) - theirs.params) / theirs.bse
    unweighted = np.abs(np.linalg.lstsq(sm.add_constant(X), y)[0] - theirs.params) / theirs.bse
    assert found.max() < 0.3
    assert unweighted.max() > 1


def fit(
    X: Floats, y: Floats, w: Floats | None, intercept: bool = True, l2: float = 0.0
) -> LeastSquares:
    moments = Moments.zero(X.shape[1])
    moments.add(X, y, w)
    return solve(moments, NAMES, intercept, l2)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_weight_2_is_a_row_that_is_there_twice(intercept: bool, l2: float) -> None:
    """To the last bit of θ and b; the penalty is per row, so that with more rows it has to be
    smaller.
    """
    X, y, _ = drawn(40)
    w = np.where(np.arange(40) % 5 < 3, 2.0, 1.0)
    twice = np.repeat(np.arange(40), w.astype(int))
    once = fit(X, y, w, intercept, l2)
    again = fit(X[twice], y[twice], None, intercept, l2 * 40 / 64)
    assert [once.b, *once.theta] == [again.b, *again.theta]
    assert rss_of(once) == rss_of(again)
    assert float(once.tss) == float(again.tss)
    assert (once.df, again.df) == (40 - 3 - intercept, 64 - 3 - intercept)


@pytest.mark.parametrize("intercept", [False, True])
def test_weight_0_is_a_row_left_out(intercept: bool) -> None:
    X, y, w = drawn(40)
    rows = w > 0
    assert 0 < (~rows).sum() < 10
    X[~rows], y[~rows] = 1e6, -1e6
    with_zeros, without = fit(X, y, w, intercept), fit(X[rows], y[rows], w[rows], intercept)
    assert [with_zeros.b, *with_zeros.theta] == [without.b, *without.theta]
    assert (with_zeros.df, with_zeros.sigma, rss_of(with_zeros)) == (
        without.df,
        without.sigma,
        rss_of(without),
    )
    np.testing.assert_array_equal(with_zeros.standard_errors, without.standard_errors)


@pytest.mark.parametrize("factor", [1e-8, 7.0, 1e12])
def test_weights_in_another_unit_change_no_coefficient_and_no_standard_error(factor: float) -> None:
    """To 1 part in 1e15, as the products with the factor are rounded."""
    X, y, w = drawn(40)
    one, other = fit(X, y, w), fit(X, y, factor * w)
    np.testing.assert_allclose([other.b, *other.theta], [one.b, *one.theta], rtol=1e-13)
    np.testing.assert_allclose(other.standard_errors, one.standard_errors, rtol=1e-13)


def test_equal_weights_are_no_weights(weighted_shards: Weighted) -> None:
    """In the steps as well: √1 is 1, so that not a bit differs."""
    X, y, _ = drawn()
    params = Train(epochs=3, batch_size=8, dtype="float32")
    epochs = [
        [
            (each.b, each.theta.tolist())
            for each in gradient_descent(shards, 3, True, Scaling.identity(3), params)
        ]
        for w in (None, np.ones(90))
        for shards in [weighted_shards(X, y, w, 2)]
    ]
    assert epochs[0] == epochs[1]


def test_a_ridge_shrinks_theta_towards_0_and_b_towards_the_mean() -> None:
    X, y, _ = drawn()
    sizes = [
        float(np.linalg.norm(fit(X, y, None, l2=l2).theta)) for l2 in (0.0, 0.1, 1.0, 10.0, 1e3)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 5
    strong = fit(X, y, None, l2=1e12)
    np.testing.assert_allclose(strong.theta, 0, atol=1e-10)
    assert strong.b == pytest.approx(y.mean(), rel=1e-10)


def test_weights_that_are_all_0_are_refused(weighted_shards: Weighted) -> None:
    """A split can leave the training rows with nothing else."""
    X, y, _ = drawn()
    with pytest.raises(UserError, match=r"^the training rows: model\.weights: are all zero; "):
        ExactReference.compute(weighted_shards(X, y, np.zeros(90), 2), NAMES, True, Train())
