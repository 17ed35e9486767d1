"""Predictions, residuals and their quantiles are drawn where the numbers are."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from linreg.report.figures.residuals import (
    MAX_QUANTILES,
    prediction_figure,
    quantile_figure,
    residual_figure,
)
from linreg.results.run_results import NamedResults, RunResults
from tests.plotting.drawing import Drawing

RANDOM = np.random.default_rng(3)


def results(n: int, **changes: Any) -> RunResults:
    predicted = RANDOM.normal(size=n)
    actual = predicted + 0.3 * RANDOM.normal(size=n)
    run = RunResults({}, True, {}, {}, {"target": "y"}, actual, predicted)
    return replace(run, **changes)


def test_predictions_are_drawn_against_actual_values_with_the_diagonal() -> None:
    run = results(40)
    drawing = Drawing(prediction_figure(run))
    expected = np.column_stack([run.actual, run.predicted])
    assert drawing.dots("a small") == pytest.approx(expected, abs=0.02)
    (diagonal,) = drawing.lines("zero")
    assert diagonal[:, 0] == pytest.approx(diagonal[:, 1], abs=0.02)
    assert diagonal[0, 0] < expected.min() < expected.max() < diagonal[1, 0]
    assert {"actual y", "predicted y"} <= set(drawing.texts())


@pytest.mark.parametrize(("n", "css_class"), [(300, "b small"), (301, "b many")])
def test_more_than_300_dots_are_smaller(n: int, css_class: str) -> None:
    run = results(n)
    for figure in (prediction_figure, residual_figure):
        assert len(Drawing(figure(run, "b")).dots(css_class)) == n


@pytest.mark.parametrize(("n", "num_means"), [(29, 0), (30, 3), (75, 7), (400, 15)])
def test_residuals_are_drawn_with_the_means_of_neighbours(n: int, num_means: int) -> None:
    run = results(n)
    drawing = Drawing(residual_figure(run))
    css_class = "a many" if n > 300 else "a small"
    residuals = run.actual - run.predicted
    expected = np.column_stack([run.predicted, residuals])
    assert drawing.dots(css_class) == pytest.approx(expected, abs=0.02)
    (zero,) = drawing.lines("zero")
    assert zero[:, 1] == pytest.approx([0, 0], abs=0.01)
    lines = drawing.lines("trend")
    if not num_means:
        assert not lines
        return
    groups = np.array_split(np.argsort(run.predicted), num_means)
    means = [[run.predicted[group].mean(), residuals[group].mean()] for group in groups]
    assert lines[0] == pytest.approx(np.array(means), abs=0.02)
    assert "local mean" in drawing.texts()


def test_quantiles_are_those_of_the_standardized_residuals_and_of_scipys_normal() -> None:
    runs = [NamedResults("short", results(25)), NamedResults("long", results(2000))]
    drawing = Drawing(quantile_figure(runs))
    for run, css_class in zip(runs, ("a small", "b small"), strict=True):
        residuals = np.sort(run.results.residuals)
        n = len(residuals)
        ranks = np.unique(np.linspace(0, n - 1, MAX_QUANTILES).round().astype(int))
        normal = stats.norm.ppf((ranks + 0.5) / n)
        expected = np.column_stack([normal, stats.zscore(residuals)[ranks]])
        assert drawing.dots(css_class) == pytest.approx(expected, abs=0.02)
        assert run.name in drawing.texts()
    (diagonal,) = drawing.lines("zero")
    assert diagonal[:, 0] == pytest.approx(diagonal[:, 1], abs=0.1)


@pytest.mark.parametrize("residuals", [[0.1, -0.1], [0.5] * 5, [1e300, -1e308, 1e308]])
def test_residuals_without_a_finite_standard_deviation_have_no_quantiles(
    residuals: list[float],
) -> None:
    run = results(len(residuals), actual=np.array(residuals), predicted=np.zeros(len(residuals)))
    with np.errstate(all="ignore"):
        assert quantile_figure([NamedResults("", run)]) is None


def test_without_rows_nothing_is_drawn() -> None:
    run = results(0)
    assert prediction_figure(run) is residual_figure(run) is None
