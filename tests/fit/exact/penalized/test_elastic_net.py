import warnings
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.exact.elastic_net import solve_penalized
from linreg.fit.exact.penalized.penalty import Penalty
from linreg.fit.exact.penalized_loss import PenalizedLoss
from linreg.fit.exact.reference import ExactReference
from linreg.params.train import Train
from linreg.process.workers import Workers
from tests.fit.exact.compact_rows import drawn as drawn_compact
from tests.fit.exact.compact_rows import level_moments
from tests.fit.exact.fits import exact_minimum, fit, moments_of, names_of
from tests.fit.exact.penalized.penalized_fits import drawn, fractions_of, loss, penalized, slopes
from tests.fit.exact.test_reference import bits

Shards = Callable[..., list[Rows]]


def of_scikit_learn(
    X: Floats, y: Floats, w: Floats | None, intercept: bool, l1: float, l2: float
) -> tuple[Floats, float]:
    """θ and b of ElasticNet, whose loss is half of ours, with weights of mean 1."""
    from sklearn.linear_model import ElasticNet

    mean_weight = 1.0 if w is None else float(w.mean())
    model = ElasticNet(
        alpha=(l1 / 2 + l2) / mean_weight,
        l1_ratio=l1 / (l1 + 2 * l2),
        fit_intercept=intercept,
        tol=1e-15,
        max_iter=100_000,
    )
    with warnings.catch_warnings():
        # Its gap ends at rounding, above the tolerance.
        warnings.simplefilter("ignore")
        model.fit(X, y, sample_weight=w)
    return model.coef_, float(model.intercept_)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("l1", "l2"), [(1.0, 0.0), (20.0, 0.1)])
def test_coefficients_are_those_of_scikit_learn(
    l1: float, l2: float, weighted: bool, intercept: bool
) -> None:
    """Measured: 1e-13 of the largest coefficient."""
    X, y, w = drawn(200, 12)
    chosen = w if weighted else None
    found = penalized(X, y, chosen, intercept, l1=l1, l2=l2).solution
    theta, b = of_scikit_learn(X, y, chosen, intercept, l1, l2)
    assert (found.theta == 0).tolist() == (theta == 0).tolist()
    np.testing.assert_allclose(found.theta, theta, rtol=1e-10, atol=1e-11 * np.abs(theta).max())
    np.testing.assert_allclose(found.b, b, rtol=1e-10, atol=1e-10)
    assert found.digits == 15


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("num_rows", "num_features"), [(60, 8), (10, 25)])
def test_the_conditions_of_the_minimum_hold_in_fractions(
    num_rows: int, num_features: int, intercept: bool
) -> None:
    """Karush–Kuhn–Tucker: the slope of a coefficient is l1 with its sign, or at most l1 at 0."""
    X, y, w = drawn(num_rows, num_features, 2)
    l1, l2 = 2.0, 0.01 if num_rows > num_features else 0.0
    fit_ = penalized(X, y, w, intercept, l1=l1, l2=l2)
    of_b, *of_theta = slopes(X, y, w, fractions_of(fit_), l2)
    assert not intercept or abs(of_b) < 1e-26
    theta = fit_.solution.theta
    assert 0 < np.count_nonzero(theta) < len(theta)
    for slope, coefficient in zip(of_theta, theta.tolist(), strict=True):
        if coefficient:
            assert abs(slope - Fraction(l1) * (1 if coefficient > 0 else -1)) < 1e-26
        else:
            assert abs(slope) < l1


@pytest.mark.slow
@pytest.mark.parametrize("num_features", [1, 2])
@pytest.mark.parametrize("l1", [0.1, 3.0, 12.0])
def test_one_and_two_coefficients_are_the_best_of_all_sign_patterns(
    num_features: int, l1: float
) -> None:
    """For each pattern of signs the minimum is a linear system; the best admissible one is it."""
    X, y, _ = drawn(30, num_features, 5)
    l2 = 0.05
    best: tuple[Fraction, list[Fraction]] | None = None
    for signs in product((-1, 0, 1), repeat=num_features):
        columns = [j for j in range(num_features) if signs[j]]
        # Minimizing − 2·cᵀθ/n in place of − 2·cᵀθ/n + l1·sᵀθ: a target with other products.
        theta = [Fraction(0)] * num_features
        shift = [Fraction(l1) * len(y) * signs[j] / 2 for j in columns]
        solved, b = with_shift(X[:, columns], y, shift, l2)
        for j, value in zip(columns, solved, strict=True):
            theta[j] = value
        if all(value * sign >= 0 for value, sign in zip(theta, signs, strict=True)):
            value = loss(X, y, None, [b, *theta], l1, l2)
            best = min(best or (value, [b, *theta]), (value, [b, *theta]))
    assert best
    found = penalized(X, y, l1=l1, l2=l2).solution
    assert [found.b, *found.theta.tolist()] == [float(value) for value in best[1]]


def with_shift(
    X: Floats, y: Floats, shift: list[Fraction], l2: float
) -> tuple[list[Fraction], Fraction]:
    """θ and b with Xᵀ(y − ỹ) = shift + n·l2·θ, by superposition of ridge fits in fractions."""
    theta, b = exact_minimum(X, y, l2=l2)
    for k, part in enumerate(shift):
        # A row of zeros but one, without a target, adds a column of the inverse.
        unit, of_b = unit_response(X, k, l2)
        theta = [a - part * u for a, u in zip(theta, unit, strict=True)]
        b -= part * of_b
    return theta, b


def unit_response(X: Floats, k: int, l2: float) -> tuple[list[Fraction], Fraction]:
    """The k-th column of the inverse of the equations of b and θ, in fractions."""
    n, size = len(X), X.shape[1]
    z = [[Fraction(1), *map(Fraction, row)] for row in X.tolist()]
    A = [
        [sum((r[i] * r[j] for r in z), Fraction(0)) for j in range(size + 1)]
        for i in range(size + 1)
    ]
    for i in range(1, size + 1):
        A[i][i] += n * Fraction(l2)
    right = [Fraction(int(i == k + 1)) for i in range(size + 1)]
    for i in range(size + 1):
        for m in range(size + 1):
            if m != i:
                factor = A[m][i] / A[i][i]
                A[m] = [a - factor * c for a, c in zip(A[m], A[i], strict=True)]
                right[m] -= factor * right[i]
    solved = [right[i] / A[i][i] for i in range(size + 1)]
    return solved[1:], solved[0]


def test_orthogonal_columns_are_thresholded_one_by_one() -> None:
    """θ = S(2c, l1) / (2 + 2·l2), with the mean c of x·y."""
    X = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [1, -1, -1]] * 2, float)
    X[4:, 0] = -1
    y = np.array([5.0, 2.5, -1.25, 3.0, 0.5, 0.75, -4.0, 1.0])
    c = (X * y[:, None]).mean(axis=0)
    found = penalized(X, y, l1=2.0, l2=0.25).solution
    expected = np.sign(c) * np.maximum(2 * np.abs(c) - 2, 0) / 2.5
    assert found.theta.tolist() == expected.tolist()
    assert 0 < np.count_nonzero(expected) < 3
    assert found.b == y.mean()


def test_from_the_largest_score_on_all_coefficients_are_0() -> None:
    X, y, _ = drawn(50, 6, noise=1.0)
    X, y = np.rint(X), np.rint(y)
    mean = sum(map(Fraction, y.tolist()), Fraction(0)) / 50
    scores = [abs(slope) for slope in slopes(X, y, None, [mean, *[Fraction(0)] * 6], 0)]
    largest = float(max(scores))
    assert not penalized(X, y, l1=np.nextafter(largest, 1e9)).solution.theta.any()
    for start in (None, np.zeros(6)):
        found = penalized(X, y, l1=largest * (1 - 1e-9), start=start).solution
        assert np.count_nonzero(found.theta) == 1


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("l1", "l2"), [(0.5, 0.1), (0.0, 0.3)])
def test_a_standardized_penalty_is_that_of_standardized_columns(
    l1: float, l2: float, intercept: bool
) -> None:
    """As in glmnet, with weights and the standard deviation around the mean in both cases."""
    X, y, w = drawn(80, 6, 4)
    mean = (w[:, None] * X).sum(axis=0) / w.sum()
    sd = np.sqrt((w[:, None] * (X - mean) ** 2).sum(axis=0) / w.sum())
    found = penalized(X, y, w, intercept, l1=l1, l2=l2, scale="standardize").solution
    scaled = penalized(X / sd, y, w, intercept, l1=l1, l2=l2).solution
    np.testing.assert_allclose(found.theta, scaled.theta / sd, rtol=1e-12)
    if not l1:
        ridge = fit(X / sd, y, w, intercept, l2=l2)
        np.testing.assert_allclose(found.theta, ridge.theta / sd, rtol=1e-12)


def test_without_l1_the_active_set_gives_the_ridge_solution() -> None:
    X, y, w = drawn(40, 5)
    found, ridge = penalized(X, y, w, l2=0.2).solution, fit(X, y, w, l2=0.2)
    assert found.theta.tolist() == ridge.theta.tolist()
    assert (found.b, found.rss, found.df, found.tss) == (ridge.b, ridge.rss, ridge.df, ridge.tss)


def test_collinear_columns_are_an_error_where_the_minimum_is_not_unique() -> None:
    X, y, _ = drawn(40, 3)
    y = y + 3 * X[:, 0]
    twice = np.column_stack([X, X[:, 0]])
    with pytest.raises(UserError, match=r"column x4: is collinear.*not unique; found x4 = x1;.*l2"):
        penalized(twice, y, l1=0.1)
    dropped = penalized(twice, y, l1=0.1, collinear="drop").solution
    assert dropped.dropped == {"x4": "x1"}
    assert dropped.kept.tolist() == [True, True, True, True, False]
    alone = penalized(X, y, l1=0.1).solution
    assert dropped.theta.tolist() == [*alone.theta.tolist(), 0.0]
    both = penalized(twice, y, l1=0.1, l2=0.1).solution
    assert both.theta[0] == both.theta[3] != 0


def test_collinear_columns_without_a_coefficient_are_no_error() -> None:
    """They are 0 at every minimum."""
    X, y, _ = drawn(40, 3, noise=1.0)
    noise = np.random.default_rng(7).normal(size=40)
    beside = np.column_stack([X, noise, noise])
    found = penalized(beside, y, l1=3.0).solution
    np.testing.assert_array_equal(found.theta[:3], penalized(X, y, l1=3.0).solution.theta)
    assert found.theta[3:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("scale", ["units", "standardize"])
def test_a_constant_column_or_target_has_no_effect(scale: str) -> None:
    X, y, _ = drawn(30, 2)
    with_constant = np.column_stack([X, np.full(30, 0.1)])
    found = penalized(with_constant, y, l1=0.5, scale=scale, collinear="drop").solution
    expected = penalized(X, y, l1=0.5, scale=scale).solution
    assert found.theta.tolist() == [*expected.theta.tolist(), 0.0]
    flat = penalized(X, np.full(30, 2.5), l1=0.5, scale=scale).solution
    assert (flat.theta.tolist(), flat.b, flat.rss) == ([0.0, 0.0], 2.5, None)
    nothing = penalized(X, y, None, False, l1=1e9, scale=scale).solution
    assert (nothing.theta.tolist(), nothing.b, nothing.rank) == ([0.0, 0.0], 0.0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_any_start_ends_at_the_same_bits(seed: int) -> None:
    """So that a solution that is read back needs no coordinate descent."""
    X, y, w = drawn(15, 20, seed)
    found = penalized(X, y, w, l1=0.3, l2=1e-3).solution
    random = np.random.default_rng(seed)
    for start in (np.zeros(20), random.normal(size=20), found.theta):
        again = penalized(X, y, w, l1=0.3, l2=1e-3, start=start).solution
        assert bits(again) == bits(found)


@pytest.mark.parametrize("intercept", [True, False])
def test_a_compact_design_has_the_solution_of_the_same_columns(intercept: bool) -> None:
    rows = drawn_compact(200, 1, 1, 6, 4, weighted=True)
    penalty = Penalty(0.2, 0.01)
    names = rows.names
    found = solve_penalized(level_moments(rows), names, intercept, penalty)
    expected = solve_penalized(moments_of(rows.array, rows.y, rows.w), names, intercept, penalty)
    assert 0 < np.count_nonzero(found.solution.theta) < len(names)
    np.testing.assert_allclose(found.solution.theta, expected.solution.theta, rtol=1e-14)
    of_compact = PenalizedLoss(level_moments(rows), found)
    of_dense = PenalizedLoss(moments_of(rows.array, rows.y, rows.w), expected)
    theta = found.solution.theta + 0.25
    for name, value in of_dense.convergence(theta, 0.5).items():
        assert of_compact.convergence(theta, 0.5)[name] == (
            value if value is None else pytest.approx(value, rel=1e-12)
        )


@pytest.mark.parametrize("step", [1e-9, 1e-3, 1.0])
def test_the_loss_around_the_minimum_is_that_of_the_rows(step: float) -> None:
    X, y, w = drawn(40, 6)
    l1, l2 = 2.0, 0.02
    found = penalized(X, y, w, l1=l1, l2=l2)
    around = PenalizedLoss(moments_of(X, y, w), found)
    random = np.random.default_rng(3)
    theta = found.solution.theta + step * random.normal(size=6) * [1, 0, 1, 0, 1, 1]
    b = found.solution.b + step
    at = [Fraction(b), *map(Fraction, theta.tolist())]
    least = loss(X, y, w, fractions_of(found), l1, l2)
    measures = around.convergence(theta, b)
    assert measures["gap"] == pytest.approx(float(loss(X, y, w, at, l1, l2) / least - 1), rel=1e-9)
    mse = float(loss(X, y, w, at, 0.0, 0.0))
    assert around.mean_squared_error(theta, b) == pytest.approx(mse, rel=1e-13)
    of_b, *of_theta = [float(slope) for slope in slopes(X, y, w, at, l2)]
    shortest = [
        slope - l1 * np.sign(t) if t else np.sign(slope) * max(abs(slope) - l1, 0)
        for slope, t in zip(of_theta, theta.tolist(), strict=True)
    ]
    norm = float(np.sqrt(np.square([of_b, *shortest]).sum()))
    assert measures["gradient_norm"] == pytest.approx(norm, rel=1e-6)
    assert measures["distance"] is None
    at_minimum = around.convergence(found.solution.theta, found.solution.b)
    assert (at_minimum["gap"] or 0.0) < 1e-29


PARAMS: dict[str, Any] = {"solver": "exact", "l1": 0.5, "penalty_scale": "standardize"}


def test_workers_and_chunks_change_no_bit_and_it_is_read_back(
    shards_of: Shards, together: Callable[..., list[Any]], tmp_path: Path
) -> None:
    X, y, w = drawn(157, 9)
    names = names_of(X)
    shards = shards_of(X, y, 3, w=w)
    found = ExactReference.compute(shards, names, True, Train(**PARAMS))

    def work(workers: Workers) -> ExactReference:
        return ExactReference.compute(shards, names, True, Train(**PARAMS), workers)

    for other in together(3, work):
        assert bits(other.solution) == bits(found.solution)
    chunks = ExactReference.compute(shards_of(X, y, 3, 7, w), names, True, Train(**PARAMS))
    assert bits(chunks.solution) == bits(found.solution)
    found.write(tmp_path, "error")
    again = ExactReference.read(tmp_path)
    assert bits(again.solution) == bits(found.solution)
    assert (again.solution.l1, again.solution.penalty_scale) == (0.5, "standardize")
    theta = found.solution.theta + 0.5
    assert again.loss.convergence(theta, 1.0) == found.loss.convergence(theta, 1.0)
    path, again_path = found.penalty_path(), again.penalty_path()
    assert path
    assert again_path
    assert path.as_data() == again_path.as_data()
