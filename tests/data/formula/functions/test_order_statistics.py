from fractions import Fraction

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.formula.functions.order_statistics import OrderStatistics

RANDOM = np.random.default_rng(2)
VALUES = {
    "normal": RANDOM.normal(size=1001),
    "ties": RANDOM.integers(-3, 4, 500).astype(float),
    "wide": RANDOM.normal(size=400) * 10.0 ** RANDOM.integers(-300, 300, 400),
    "next to each other": 1 + np.arange(100)[::-1] * 2.0**-52,
    "one": np.array([4.5]),
    "zeros": np.array([0.0, -0.0, 5e-324, -5e-324]),
}
QUANTILES = [Fraction(k, 12) for k in range(13)]


def type_7(values: Floats, p: Fraction) -> float:
    ordered = [Fraction(each) for each in sorted(values.tolist())]
    position = (len(ordered) - 1) * p
    low = position.numerator // position.denominator
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (position - low) * (ordered[high] - ordered[low]))


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_quantiles_are_those_of_sorting_to_the_last_bit_whatever_the_chunks(values: Floats) -> None:
    expected = [type_7(values, p) for p in QUANTILES]
    for chunks in ([values], np.array_split(values, 3), [values[:0], values[::-1]]):
        learners = [OrderStatistics(QUANTILES) for _ in chunks]
        while True:
            for learner, chunk in zip(learners, chunks, strict=True):
                learner.update(np.ascontiguousarray(chunk))
            found = [learner.as_data() for learner in learners]
            has_more = {learner.merge(found) for learner in learners}
            if has_more == {False}:
                break
        assert [learner.values for learner in learners] == [expected] * len(learners)
    np.testing.assert_allclose(
        expected, np.quantile(values, [float(p) for p in QUANTILES]), 1e-12, 1e-300
    )
