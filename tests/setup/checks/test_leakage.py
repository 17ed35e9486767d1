import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.fit.coordinates.scaling import z_score_scaling
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.setup.checks.leakage import Leakage, find_leakage, target_correlations

RNG = np.random.default_rng(3)
COLUMNS = [
    RNG.normal(100, 20, 500).round(2),
    RNG.integers(0, 50, 500),
    RNG.normal(0, 1, 500),
    RNG.random(500),
]
X = np.column_stack(COLUMNS)
NAMES = ["net", "tax", "fee", "other"]


def compute_moments(X: Floats, y: Floats) -> Moments:
    moments = Moments.zero(X.shape[1])
    moments.add(X, y)
    return moments


def leakage(X: Floats, y: Floats, names: list[str] = NAMES) -> Leakage:
    moments = compute_moments(X, y)
    return find_leakage(moments, names, z_score_scaling(moments, intercept=True))


@given(
    st.lists(st.sampled_from([-2.5, -1.0, 0.0, 0.25, 1.0, 3.0]), min_size=3, max_size=3).filter(
        lambda theta: sum(each != 0 for each in theta) > 1
    ),
    st.sampled_from([0.0, -7.0, 1000.0]),
)
def test_a_target_that_is_a_combination_of_columns_is_named_exactly(
    theta: list[float], b: float
) -> None:
    y = X @ np.array([*theta, 0.0]) + b
    found = leakage(X, y)
    text = f"{b:g}" if b else ""
    for name, value in zip(NAMES, theta, strict=False):
        if value:
            sign = " − " if value < 0 else " + "
            term = name if abs(value) == 1 else f"{abs(value):g}·{name}"
            text += (sign if text else "−" if value < 0 else "") + term
    assert found.relation == text.replace("-7", "−7")
    assert not [name for name in found.correlations if theta[NAMES.index(name)] == 0]


@pytest.mark.parametrize("noise", [1e-4, 1e-2, 1.0])
def test_a_target_with_the_noise_of_a_measurement_is_not_exactly_determined(noise: float) -> None:
    y = X @ np.array([1.0, 1.0, 1.0, 0.0]) + RNG.normal(0, noise, 500)
    assert leakage(X, y).relation is None


def test_cells_of_two_decimals_still_add_up_exactly() -> None:
    y = (X[:, 0] + X[:, 1]).round(2)
    assert leakage(X, y).relation == "net + tax"


def test_a_single_column_is_found_by_its_correlation() -> None:
    y = (X[:, 0] * 0.92).round(2)
    correlations = leakage(X, y).correlations
    assert list(correlations) == ["net"]
    assert correlations["net"] == pytest.approx(np.corrcoef(X[:, 0], y)[0, 1], abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_correlations_are_those_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.normal(rng.normal(0, 10), 1, (50, 3)), rng.normal(size=50)
    expected = [np.corrcoef(X[:, j], y)[0, 1] for j in range(3)]
    assert target_correlations(compute_moments(X, y)) == pytest.approx(expected, abs=1e-10)


def test_a_collinear_column_is_named_with_its_relation() -> None:
    total = X[:, 0] + 2 * X[:, 1]
    found = leakage(np.column_stack([X, total]), RNG.normal(size=500), [*NAMES, "total"])
    assert found.collinear == {"total": "net + 2·tax"}


def test_as_many_rows_as_coefficients_do_not_count_as_leakage() -> None:
    assert leakage(X[:5], RNG.normal(size=5)).relation is None
