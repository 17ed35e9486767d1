"""The forecasts of `linreg use` against training itself."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.coordinates.learning_rate import check_learning_rate
from linreg.fit.coordinates.scaling import z_score_scaling
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd.autograd import gradient_descent
from linreg.params import Train
from linreg.setup.checks.convergence import forecast_gap, sufficient_epochs
from linreg.setup.checks.high_leverage import HighLeverage, find_high_leverage
from linreg.setup.survey.preview import Preview

Shards = Callable[..., list[Rows]]
RNG = np.random.default_rng(5)


def preview_of(shards: list[Rows], exact: ExactReference) -> Preview:
    def read() -> Iterator[tuple[Floats, Floats]]:
        for shard in shards:
            for chunk in shard:
                yield as_array(chunk.X), chunk.y

    z_scores = z_score_scaling(exact.moments, intercept=True)
    names = exact.solution.names
    return Preview(exact.moments, z_scores, {name: name for name in names}, None, read)


def reference(shards: list[Rows], num_features: int, train: Train) -> ExactReference:
    return ExactReference.compute(
        shards, [f"x{j}" for j in range(1, num_features + 1)], True, train
    )


def gap_after(shards: list[Rows], exact: ExactReference, train: Train) -> float:
    """Train, and return the gap at the end; infinite if it diverged."""
    check_learning_rate(exact, train)
    num_features = len(exact.solution.names)
    scaling = exact.scaling(train.standardize)
    try:
        *_, last = gradient_descent(shards, num_features, True, scaling, train)
    except UserError:
        return np.inf
    gap = exact.loss.convergence(last.theta, last.b)["gap"]
    return float("nan" if gap is None else gap)


@pytest.mark.parametrize("num_features", [2, 8])
def test_normal_columns_have_a_moment_ratio_of_about_their_number(
    shards_of: Shards, num_features: int
) -> None:
    """For z normal, E[‖z‖²(vᵀz)²] = M + 2 of z-scores, and 1 more for the intercept."""
    X = RNG.normal(3, 2, (20_000, num_features))
    shards = shards_of(X, X.sum(axis=1))
    exact = reference(shards, num_features, Train())
    preview = preview_of(shards, exact)
    found = find_high_leverage(preview, preview.z_scores)
    assert found is not None
    # Measured: 1.7 % for 8.
    assert found.moment_ratio == pytest.approx(num_features + 3, rel=0.1)


def test_a_rare_level_diverges_above_the_rate_that_its_moment_ratio_allows(
    shards_of: Shards,
) -> None:
    rare = np.zeros(6000)
    rare[:6] = 1
    X = np.column_stack([RNG.normal(size=6000), RNG.permutation(rare)])
    shards = shards_of(X, X[:, 0] + RNG.normal(size=6000))
    train = Train(standardize=True)
    exact = reference(shards, 2, train)
    preview = preview_of(shards, exact)
    found = find_high_leverage(preview, preview.z_scores)
    assert found is not None
    assert found.column == "x2"
    assert found.moment_ratio == pytest.approx(1000, rel=0.01)
    assert found.largest_rate(train) == pytest.approx(0.0032, rel=0.01)
    safe = found.safe_rate(train)
    assert gap_after(shards, exact, train.model_copy(update={"lr": 0.01})) > 100
    assert gap_after(shards, exact, train.model_copy(update={"lr": safe})) < 0.05


@pytest.mark.parametrize("moment_ratio", [7.0, 33.0, 245.6, 4092.7, 1e7])
def test_a_safe_rate_has_one_digit_and_is_a_quarter_to_half_of_the_largest(
    moment_ratio: float,
) -> None:
    found, train = HighLeverage(moment_ratio, "x"), Train()
    safe = found.safe_rate(train)
    assert found.largest_rate(train) / 4.01 <= safe <= found.largest_rate(train) / 2
    assert float(f"{safe:.0e}") == safe


@pytest.mark.slow
def test_the_forecast_gap_is_that_of_a_training_of_few_steps(shards_of: Shards) -> None:
    """Gradient descent is slow in the direction in which nearly equal columns differ."""
    common = RNG.normal(size=2000)
    X = np.column_stack([common + 0.1 * RNG.normal(size=2000), common])
    shards = shards_of(X, 3 * X[:, 0] - 3 * X[:, 1] + 0.01 * RNG.normal(size=2000))
    train = Train(standardize=True, batch_size=100, epochs=10, dtype="float64")
    exact = reference(shards, 2, train)
    scores = z_score_scaling(exact.moments, intercept=True)
    forecast = forecast_gap(exact.moments, exact.solution, scores, train, 2000)
    assert forecast is not None
    # Measured: 588 for 576.
    assert forecast == pytest.approx(gap_after(shards, exact, train), rel=0.1)
    assert forecast > 1
    epochs = sufficient_epochs(exact.moments, exact.solution, scores, train, 2000)
    assert epochs is not None
    assert gap_after(shards, exact, train.model_copy(update={"epochs": epochs})) < 0.05


def test_the_forecast_gap_is_right_for_fewer_steps_than_momentum_needs(shards_of: Shards) -> None:
    """One batch per epoch, so without noise; the mean over the random θ and b at the start."""
    X = RNG.normal(size=(30, 1))
    shards = shards_of(X, 3 * X[:, 0] + 0.01 * RNG.normal(size=30))
    train = Train(standardize=True, batch_size=30, epochs=15, dtype="float64")
    exact = reference(shards, 1, train)
    forecast = forecast_gap(
        exact.moments, exact.solution, z_score_scaling(exact.moments, intercept=True), train, 30
    )
    gaps = [gap_after(shards, exact, train.model_copy(update={"seed": seed})) for seed in range(40)]
    # Measured: 858 for 961 ± 94.
    assert forecast == pytest.approx(np.mean(gaps), rel=0.3)
