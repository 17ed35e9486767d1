"""p-values in float64 against those that are correct to the last bit."""

import numpy as np
import pytest

from linreg.evaluation.distributions import t_p_value
from linreg.evaluation.many_t_tests import MANY, t_p_values

SIZES = np.concatenate(
    [[0.0, 1e-300, 1e-8, np.inf], np.geomspace(1e-3, 1e5, 60), np.linspace(0.1, 37, 60)]
)


@pytest.mark.parametrize("df", [1, 2, 7, 34, 1000, 10**5, 10**9])
def test_many_p_values_have_12_digits(df: int) -> None:
    """Measured: 2e-13."""
    t = np.resize(np.concatenate([SIZES, -SIZES]), MANY)
    found = t_p_values(t, df)
    for value, p in zip(t[: len(SIZES)].tolist(), found.tolist(), strict=False):
        expected = t_p_value(value, df) if np.isfinite(value) else 0.0
        assert p == pytest.approx(expected, rel=1e-12, abs=1e-300)
    np.testing.assert_array_equal(found[: len(SIZES)], found[len(SIZES) : 2 * len(SIZES)])


def test_few_p_values_are_those_of_the_distribution() -> None:
    t = SIZES[:-1][np.isfinite(SIZES[:-1])]
    assert t_p_values(t, 34).tolist() == [t_p_value(value, 34) for value in t.tolist()]
