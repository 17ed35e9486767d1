import numpy as np
import pytest

from linreg.experiments.repetition import STATISTICS, summarize


def test_mean_and_standard_deviation_are_numpys() -> None:
    rows = np.random.default_rng(1).normal(1e6, 1, size=(7, 2))
    summary = summarize([{"a": a, "b": b} for a, b in rows.tolist()])
    for column, values in zip("ab", rows.T, strict=True):
        expected = [np.mean(values), np.std(values, ddof=1), min(values), max(values)]
        assert [summary[column][each] for each in STATISTICS] == pytest.approx(expected, rel=1e-13)


def test_a_value_that_one_repetition_lacks_is_left_out() -> None:
    assert list(summarize([{"a": 1.0, "b": 2.0}, {"a": 1.0}])) == ["a"]
    assert list(summarize([{"a": 1.0}, {"a": 1.0, "b": 2.0}])) == ["a"]
