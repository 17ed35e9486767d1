"""What is said about a training before it begins: too few rows, a rate too large, few epochs."""

from collections.abc import Iterator

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.fit.coordinates.learning_rate import largest_stable_rate
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.params import Params
from linreg.setup.checks.high_leverage import find_high_leverage
from linreg.setup.checks.leakage import find_leakage
from linreg.setup.checks.training_checks import TrainingForecast, forecast_training
from linreg.setup.survey.preview import Preview

RNG = np.random.default_rng(17)
PARAMS = Params()


def preview_of(X: Floats, y: Floats) -> Preview:
    def read() -> Iterator[tuple[Floats, Floats]]:
        yield X, y

    moments = Moments.zero(X.shape[1])
    moments.add(X, y)
    columns = {f"x{j}": f"x{j}" for j in range(1, X.shape[1] + 1)}
    return Preview(moments, z_score_scaling(moments, intercept=True), columns, None, read)


def forecast(
    X: Floats, num_rows: int, standardize: bool = True, **train: object
) -> TrainingForecast:
    y = X.sum(axis=1) + RNG.normal(size=len(X))
    preview = preview_of(X, y)
    solution = find_leakage(preview.moments, preview.names, preview.z_scores).solution
    params = PARAMS.model_copy(update={"train": PARAMS.train.model_copy(update=train)})
    return forecast_training(preview, solution, standardize, params, num_rows)


X = RNG.normal(size=(500, 3))


def test_nothing_is_said_about_a_training_that_will_work() -> None:
    assert forecast(X, 500, epochs=100) == TrainingForecast(None, [])


def test_fewer_training_rows_than_coefficients_stop_the_training() -> None:
    found = forecast(X, 5)
    assert found.lr is None
    assert [each.message for each in found.findings] == [
        "3 training rows are too few for 4 coefficients."
    ]
    assert forecast(X, 6, solver="exact") == TrainingForecast(None, [])


def test_a_table_that_cannot_be_split_stops_at_the_split() -> None:
    [finding] = forecast(X, 1).findings
    assert finding.action == "The split will stop with this error."


@pytest.mark.parametrize("standardize", [True, False])
def test_a_rate_that_must_diverge_is_replaced_by_a_stable_one_of_one_digit(
    standardize: bool,
) -> None:
    wide = X * [1.0, 30.0, 5.0]
    preview = preview_of(wide, X.sum(axis=1))
    scaling = preview.z_scores if standardize else Scaling.identity(3)
    limit = largest_stable_rate(preview.moments, True, scaling, PARAMS.train)
    found = forecast(wide, 500, standardize, lr=2 * limit, batch_size=500)
    assert found.lr is not None
    assert limit / 8 < found.lr <= limit / 4
    assert float(f"{found.lr:.0e}") == found.lr
    assert "is too large for these columns" in found.findings[0].message


def test_a_schedule_that_lowers_the_rate_may_begin_with_a_large_one() -> None:
    assert forecast(X, 500, lr=5.0, batch_size=500_000, schedule="linear").lr is None


def test_few_epochs_are_a_hint_with_a_number_that_is_enough() -> None:
    common = RNG.normal(size=500)
    nearly_equal = np.column_stack([common + 0.1 * RNG.normal(size=500), common])
    [finding] = forecast(nearly_equal, 500, epochs=1, batch_size=100).findings
    assert finding.is_hint
    assert finding.message.startswith("train.epochs 1 is too small for these columns: the loss")
    assert "train.epochs=" in finding.action


def test_the_moment_ratio_is_the_largest_over_all_directions() -> None:
    """Of correlated columns, against a generalized eigenvalue and random directions."""
    rows = RNG.normal(size=(2000, 3)) @ np.array([[2.0, 1.0, 0.0], [0.0, 0.5, 0.3], [0, 0, 1.5]])
    rows[:4] *= 20
    preview = preview_of(rows, rows.sum(axis=1))
    found = find_high_leverage(preview, Scaling.identity(3))
    assert found is not None
    Z = np.column_stack([np.ones(len(rows)), rows])
    squares = np.square(Z).sum(axis=1)
    second = Z.T @ Z
    fourth = (Z * squares[:, None]).T @ Z
    largest = np.linalg.eigvals(np.linalg.solve(second, fourth)).real.max()
    assert found.moment_ratio == pytest.approx(largest, rel=1e-9)
    for v in RNG.normal(size=(200, 4)):
        along = np.square(Z @ v)
        assert (squares * along).sum() / along.sum() <= found.moment_ratio * (1 + 1e-9)
