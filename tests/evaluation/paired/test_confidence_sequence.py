"""Challengers that are no better are promoted as rarely as one of them alone may be."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from linreg.evaluation.paired.confidence_sequence import confidence_of_interval
from linreg.evaluation.paired.paired_test import PairedTest, paired_test
from linreg.registry.challenge import interval_of_challenge

SEQUENCES, CHALLENGERS = 1000, 20
AT_MOST = 0.05
"""The part of sequences that may promote a challenger that is no better. Half of it is what the
confidence of 95 % says; nothing is left of the other half but luck.
"""


def test_all_intervals_together_err_as_rarely_as_one() -> None:
    alpha = Fraction(1, 20)
    spent = [1 - Fraction(confidence_of_interval(0.95, j)) for j in range(1, 2000)]
    # Σ 1/(j·(j + 1)) for j = 1, …, n is n/(n + 1).
    assert sum(spent) / alpha == pytest.approx(Fraction(1999, 2000), abs=1e-12)
    assert all(later < earlier for earlier, later in pairwise(spent))


def test_the_interval_at_another_confidence_is_that_of_a_test_at_this_confidence() -> None:
    before, after = np.random.default_rng(1).normal(size=(2, 40))
    for confidence in (0.5, 0.9, 0.999):
        expected = paired_test(before, after, confidence)
        assert paired_test(before, after, 0.95).at_confidence(confidence) == expected


@pytest.mark.slow
@pytest.mark.parametrize("on_new_rows", [False, True], ids=["same test rows", "new test rows"])
def test_of_1000_sequences_of_20_equal_challengers_few_ever_promote_one(on_new_rows: bool) -> None:
    """Models are equal whose coefficients are equally far from the truth, as columns of X are."""
    rng = np.random.default_rng(7)
    num_rows, num_features, distance = 100, 3, 0.15
    by_student = by_sequence = 0
    for _ in range(SEQUENCES):
        offsets = rng.normal(size=(CHALLENGERS + 1, num_features))
        offsets *= distance / np.sqrt(np.square(offsets).sum(axis=1, keepdims=True))
        tests = []
        X, noise = rng.normal(size=(num_rows, num_features)), rng.normal(size=num_rows)
        for challenger in offsets[1:]:
            if on_new_rows:
                X, noise = rng.normal(size=(num_rows, num_features)), rng.normal(size=num_rows)
            before, after = (noise - (X * each).sum(axis=1) for each in (offsets[0], challenger))
            tests.append(paired_test(before, after))
        by_student += any(test.is_improvement for test in tests)
        by_sequence += any(
            interval_of_challenge(test, number).is_improvement
            for number, test in enumerate(tests, 1)
        )
    assert 0 < by_sequence <= AT_MOST * SEQUENCES
    # The interval of one comparison is no guard.
    assert by_student > 2 * AT_MOST * SEQUENCES


def test_each_challenger_needs_a_larger_difference_than_the_one_before() -> None:
    test = PairedTest(1000, 1000, 2.0, 1.0, 1.0, 0.25, 0.5, 1.5, 0.95)
    intervals = [interval_of_challenge(test, number) for number in (1, 2, 10, 20)]
    # In units of the standard error: 2.24, 2.64, 3.52, 3.86, where one comparison needs 1.96.
    widths = [(1 - each.low) / 0.25 for each in intervals]
    expected = stats.t.isf([0.025 / (j * (j + 1)) for j in (1, 2, 10, 20)], 999)
    assert widths == pytest.approx(list(expected), rel=1e-9)
