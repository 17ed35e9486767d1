"""What is foreseen before training is what training then does."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.exact.learning_rate import check_learning_rate
from linreg.fit.exact.reference import ExactReference
from linreg.fit.exact.standardize import z_score_scaling
from linreg.fit.sgd.autograd import gradient_descent
from linreg.params import Train
from linreg.setup.convergence import enough_epochs, expected_gap
from linreg.setup.high_leverage import Outliers, outliers
from linreg.setup.preview import Look

Floats = NDArray[np.float64]
Shards = Callable[..., list[Rows]]
RNG = np.random.default_rng(5)


def look_at(shards: list[Rows], exact: ExactReference) -> Look:
    def read() -> Iterator[tuple[Floats, Floats]]:
        for shard in shards:
            for chunk in shard:
                yield chunk.X, chunk.y

    scores = z_score_scaling(exact.moments, intercept=True)
    names = exact.solution.names
    return Look(exact.moments, scores, {name: name for name in names}, None, read)


def answer(shards: list[Rows], num_features: int, train: Train) -> ExactReference:
    return ExactReference.compute(
        shards, [f"x{j}" for j in range(1, num_features + 1)], True, train
    )


def gap_after(shards: list[Rows], exact: ExactReference, train: Train) -> float:
    """Train, and return how far above the least loss it ended; infinite if it diverged."""
    check_learning_rate(exact, train)
    about = (shards, len(exact.solution.names), True, exact.scaling(train.standardize), train)
    try:
        *_, last = gradient_descent(*about)
    except UserError:
        return np.inf
    gap = exact.loss.convergence(last.theta, last.b)["gap"]
    return float("nan" if gap is None else gap)


@pytest.mark.parametrize("num_features", [2, 8])
def test_normal_columns_have_a_spread_of_about_their_number(
    shards_of: Shards, num_features: int
) -> None:
    """For z normal, E[‖z‖²(vᵀz)²] = M + 2 of z-scores, and 1 more for the intercept."""
    X = RNG.normal(3, 2, (20_000, num_features))
    shards = shards_of(X, X.sum(axis=1))
    exact = answer(shards, num_features, Train())
    found = outliers(look := look_at(shards, exact), look.scores)
    assert found is not None
    assert found.spread == pytest.approx(num_features + 3, rel=0.1)  # 1.7 % measured for 8


def test_a_rare_level_has_a_spread_of_one_over_its_share_and_diverges_above_the_rate_foreseen(
    shards_of: Shards,
) -> None:
    rare = np.zeros(6000)
    rare[:6] = 1
    X = np.column_stack([RNG.normal(size=6000), RNG.permutation(rare)])
    shards = shards_of(X, X[:, 0] + RNG.normal(size=6000))
    train = Train(standardize=True)
    exact = answer(shards, 2, train)
    found = outliers(look := look_at(shards, exact), look.scores)
    assert found is not None
    assert found.column == "x2"
    assert found.spread == pytest.approx(1000, rel=0.01)
    assert found.largest_rate(train) == pytest.approx(0.0032, rel=0.01)
    safe = found.safe_rate(train)
    assert gap_after(shards, exact, train.model_copy(update={"lr": 0.01})) > 100
    assert gap_after(shards, exact, train.model_copy(update={"lr": safe})) < 0.05


@pytest.mark.parametrize("spread", [7.0, 33.0, 245.6, 4092.7, 1e7])
def test_a_safe_rate_is_one_digit_between_a_quarter_and_half_of_the_largest(spread: float) -> None:
    found, train = Outliers(spread, "x"), Train()
    safe = found.safe_rate(train)
    assert found.largest_rate(train) / 4.01 <= safe <= found.largest_rate(train) / 2
    assert float(f"{safe:.0e}") == safe


def test_the_gap_that_few_steps_leave_is_foreseen(shards_of: Shards) -> None:
    """Two columns that hardly differ: the direction in which they do is learned slowly."""
    common = RNG.normal(size=2000)
    X = np.column_stack([common + 0.1 * RNG.normal(size=2000), common])
    shards = shards_of(X, 3 * X[:, 0] - 3 * X[:, 1] + 0.01 * RNG.normal(size=2000))
    train = Train(standardize=True, batch_size=100, epochs=10, dtype="float64")
    exact = answer(shards, 2, train)
    scores = z_score_scaling(exact.moments, intercept=True)
    foreseen = expected_gap(exact.moments, exact.solution, scores, train, 2000)
    assert foreseen is not None
    assert foreseen == pytest.approx(
        gap_after(shards, exact, train), rel=0.1
    )  # 588 for 576 measured
    assert foreseen > 1
    epochs = enough_epochs(exact.moments, exact.solution, scores, train, 2000)
    assert epochs is not None
    assert gap_after(shards, exact, train.model_copy(update={"epochs": epochs})) < 0.05


def test_the_gap_after_less_steps_than_momentum_needs_is_foreseen(shards_of: Shards) -> None:
    """One batch per epoch, so that there is no noise; the mean over the random θ and b that
    training begins with.
    """
    X = RNG.normal(size=(30, 1))
    shards = shards_of(X, 3 * X[:, 0] + 0.01 * RNG.normal(size=30))
    train = Train(standardize=True, batch_size=30, epochs=15, dtype="float64")
    exact = answer(shards, 1, train)
    foreseen = expected_gap(
        exact.moments, exact.solution, z_score_scaling(exact.moments, intercept=True), train, 30
    )
    gaps = [gap_after(shards, exact, train.model_copy(update={"seed": seed})) for seed in range(40)]
    assert foreseen == pytest.approx(np.mean(gaps), rel=0.3)  # 858 for 961 ± 94 measured
