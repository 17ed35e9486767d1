"""The change of the RMSE in percent, compared with scipy's paired t-test and with coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from linreg.comparison.rmse_change import rmse_change


@pytest.mark.slow
@given(st.integers(0, 10**6), st.integers(5, 200), st.floats(0.2, 5), st.sampled_from([0.8, 0.95]))
def test_a_ratio_at_an_end_of_the_interval_is_just_not_significant(
    seed: int, num_rows: int, scale: float, confidence: float
) -> None:
    random = np.random.default_rng(seed)
    before = random.standard_normal(num_rows)
    after = scale * (before + random.standard_normal(num_rows))
    change = rmse_change(before, after, confidence)
    assert change.low <= change.after / change.before - 1 <= change.high
    if np.isfinite(change.high):
        for end in (change.low, change.high):
            if end > -1:
                scaled = (1 + end) ** 2 * before**2
                found = stats.ttest_rel(scaled, after**2).pvalue
                assert found == pytest.approx(1 - confidence, rel=1e-6)
        test = stats.ttest_rel(before**2, after**2)
        assert (test.pvalue < 1 - confidence) == (not change.low <= 0 <= change.high)


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        common, own, other = random.standard_normal((3, 200))
        change = rmse_change(common + own, common + 0.5 * other, 0.95)
        held += change.low <= np.sqrt(1.25 / 2) - 1 <= change.high
    assert held / 2000 == pytest.approx(0.95, abs=0.02)


def test_without_a_bound_there_is_no_interval_in_words() -> None:
    change = rmse_change(np.array([0.0, 0.0, 9.0]), np.array([1.0, 1.0, 1.0]), 0.95)
    assert change.in_words() == "RMSE 5.19615 → 1, -80.8 %"
    perfect = rmse_change(np.zeros(3), np.ones(3), 0.95)
    assert perfect.in_words() == "RMSE 0 → 1"
