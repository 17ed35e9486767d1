"""The summary of a prediction counts every row once, however the rows are divided into chunks."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.prediction.row_predictions import RowPredictions
from linreg.prediction.summary import PredictionSummary

OUTPUT = Path("out.csv")


def rows(kinds: list[str], predicted: Floats | None = None) -> RowPredictions:
    """Return rows of these kinds (ok, error, warning), with the bounds 0 and 4 if predicted."""
    is_error = np.array([kind == "error" for kind in kinds], bool)
    is_warning = np.array([kind == "warning" for kind in kinds], bool)
    nan_at_errors = np.where(is_error, np.nan, 0.0)
    return RowPredictions(
        nan_at_errors + (2.0 if predicted is None else predicted),
        nan_at_errors,
        nan_at_errors + 4.0,
        ~is_error,
        {"e": is_error} if is_error.any() else {},
        {"w": is_warning} if is_warning.any() else {},
    )


@given(st.lists(st.lists(st.sampled_from(["ok", "error", "warning"]), max_size=9), max_size=5))
def test_the_counts_are_those_of_all_rows(chunks: list[list[str]]) -> None:
    summary = PredictionSummary()
    for kinds in chunks:
        summary.add(rows(kinds))
    kinds = [kind for chunk in chunks for kind in chunk]
    assert summary.num_rows == len(kinds)
    assert summary.num_ok == kinds.count("ok")
    assert (summary.errors["e"], summary.warnings["w"]) == (
        kinds.count("error"),
        kinds.count("warning"),
    )
    assert summary.num_predicted == len(kinds) - kinds.count("error")
    assert summary.share_without == pytest.approx(kinds.count("error") / max(1, len(kinds)))


def test_the_distance_from_the_centre_is_the_largest_over_all_chunks() -> None:
    summary = PredictionSummary()
    for predicted in ([2.0, 2.5], [1.0, 9.0], [2.0, 2.0]):
        # The second row has no prediction in the second chunk.
        kinds = ["ok", "error" if predicted[1] == 9 else "ok"]
        summary.add(rows(kinds, np.array(predicted)))
    assert summary.off_centre == 0.5


def test_without_intervals_nothing_is_said_about_them() -> None:
    summary = PredictionSummary()
    no_bounds = np.full(2, np.nan)
    summary.add(rows(["ok", "ok"])._replace(low=no_bounds, high=no_bounds))
    assert summary.off_centre is None
    assert list(summary.lines(OUTPUT)) == [
        "predict: 2 rows, 2 predicted, 0 without a prediction → out.csv",
        "           2  predicted: ok",
    ]


def test_reasons_are_listed_by_how_many_rows_they_have() -> None:
    summary = PredictionSummary(num_rows=9, num_predicted=2, num_ok=2)
    summary.errors.update({"b": 2, "c": 3, "a": 2})
    reasons = [line.split(": ")[1] for line in summary.lines(OUTPUT)][2:]
    assert reasons == ["c", "a", "b"]
