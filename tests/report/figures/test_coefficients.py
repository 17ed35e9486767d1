"""Coefficients are drawn at their effects, and at their distances from the exact minimum."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from linreg.report.figures.coefficients import (
    MAX_ROWS,
    distance_figure,
    effect_figure,
    penalty_path_figure,
)
from linreg.results.run_results import CoefficientRow, NamedResults, RunResults
from tests.plotting.drawing import Drawing

Evaluated = Callable[..., RunResults]
NUM_ROWS = 60


def rows(num_features: int = 2, seed: int = 3) -> pa.Table:
    random = np.random.default_rng(seed)
    X = random.standard_normal((NUM_ROWS, num_features)) * np.arange(1, num_features + 1)
    y = 1.5 + X @ np.linspace(2.0, -1.0, num_features) + 3 * random.standard_normal(NUM_ROWS)
    return pa.table({"y": y} | {f"x{j + 1}": X[:, j] for j in range(num_features)})


def of_theta(run: RunResults) -> list[CoefficientRow]:
    return [c for c in run.coefficients if c.name != "b"]


def sd(table: pa.Table, name: str) -> float:
    return float(np.std(table[name].to_numpy()))


def test_effects_and_intervals_are_in_standard_deviations_of_the_columns(
    evaluated: Evaluated,
) -> None:
    table = rows()
    run = evaluated("y ~ x1 + x2", table, lr=0.001)
    drawing = Drawing(effect_figure([NamedResults("", run)]))
    table_rows = of_theta(run)
    scales = np.array([sd(table, c.name) for c in table_rows])
    exact, trained = drawing.dots("a small"), drawing.dots("trained")
    assert exact[:, 0] == pytest.approx(scales * [c.exact for c in table_rows], abs=0.02)
    assert trained[:, 0] == pytest.approx(scales * [c.trained for c in table_rows], abs=0.02)
    assert exact[:, 1].tolist() == trained[:, 1].tolist() == [0, 1]
    for c, scale, line in zip(table_rows, scales, drawing.lines("whisker a"), strict=True):
        ends = [scale * (c.classical[key] or 0) for key in ("low", "high")]
        assert line[:, 0] == pytest.approx(ends, abs=0.02)
    assert drawing.vertical_line("zero") == pytest.approx(0, abs=0.02)
    assert {"change in y per standard deviation", "trained", "exact, with interval"} <= set(
        drawing.texts()
    )


def test_effects_of_a_penalized_fit_are_said_to_have_no_interval(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x1 + x2", rows(), solver="exact", l1=0.1)
    texts = Drawing(effect_figure([NamedResults("", run)])).texts()
    assert "exact" in texts
    assert "exact, with interval" not in texts


def test_two_runs_are_drawn_next_to_each_other_under_their_names(evaluated: Evaluated) -> None:
    first = NamedResults("first", evaluated("y ~ x1 + x2", rows(), name="a"))
    second = NamedResults("second", evaluated("y ~ x2", rows(), name="b"))
    drawing = Drawing(effect_figure([first, second]))
    assert drawing.dots("a small")[:, 1] == pytest.approx([-0.15, 0.85], abs=0.01)
    # x2 is the second row in both.
    assert drawing.dots("b small")[:, 1] == pytest.approx([1.15], abs=0.01)
    assert len(drawing.dots("trained")) == 0
    assert {"first: exact, with interval", "second: exact, with interval"} <= set(drawing.texts())
    distances = Drawing(distance_figure([first, second]))
    assert distances.dots("a")[:, 1] == pytest.approx([-0.15, 0.85, 1.85], abs=0.01)
    assert distances.dots("b")[:, 1] == pytest.approx([0.15, 2.15], abs=0.01)


def test_of_many_coefficients_those_with_the_largest_effects_are_drawn_in_order(
    evaluated: Evaluated,
) -> None:
    table = rows(num_features=40)
    run = evaluated(f"y ~ {' + '.join(f'x{j + 1}' for j in range(40))}", table, solver="exact")
    texts = Drawing(effect_figure([NamedResults("", run)])).texts()
    shown = [text for text in texts if text.startswith("x")]
    effects = {c.name: abs((c.exact or 0) * sd(table, c.name)) for c in of_theta(run)}
    largest = sorted(effects, key=lambda name: -effects[name])[:MAX_ROWS]
    assert shown == [c.name for c in of_theta(run) if c.name in largest]


def test_distances_are_in_standard_errors_and_the_band_is_the_interval(
    evaluated: Evaluated,
) -> None:
    truth = {"b": 1.5, "theta": {"x1": 2.0, "x2": -1.0}}
    run = evaluated("y ~ x1 + x2", rows(), lr=0.001, truth=truth)
    drawing = Drawing(distance_figure([NamedResults("", run)]))
    errors = np.array([c.classical["standard_error"] for c in run.coefficients], np.float64)
    exact = np.array([c.exact for c in run.coefficients], np.float64)
    trained = np.array([c.trained for c in run.coefficients])
    assert drawing.dots("a")[:, 0] == pytest.approx((trained - exact) / errors, abs=0.05)
    true = ([1.5, 2.0, -1.0] - exact) / errors
    assert drawing.dots("true")[:, 0] == pytest.approx(true, abs=0.05)
    critical = float(stats.t.ppf(0.975, NUM_ROWS - 3))
    assert drawing.band() == pytest.approx((-critical, critical), abs=0.05)
    assert "95 % interval" in drawing.texts()


@pytest.mark.parametrize(
    ("formula", "table", "options"),
    [("y ~ x1 + x2", rows().slice(0, 3), {}), ("y ~ x1", rows(), {"l2": 0.1})],
    ids=["no degrees of freedom", "ridge"],
)
def test_without_standard_errors_there_are_no_distances(
    formula: str, table: pa.Table, options: dict[str, float], evaluated: Evaluated
) -> None:
    run = NamedResults("", evaluated(formula, table, **options))
    assert distance_figure([run]) is None
    assert effect_figure([run]) is not None


@pytest.mark.slow
def test_the_path_of_a_lasso_ends_at_0_and_marks_the_model(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x1 + x2", rows(), solver="exact", l1=0.5)
    figure = penalty_path_figure(run)
    assert figure
    drawing = Drawing(figure)
    path = run.context["penalty_path"]
    assert [path["theta"][name][0] for name in ("x1", "x2")] == [0.0, 0.0]
    assert {"x1", "x2", "train.l1"} <= set(drawing.texts())
    assert path["l1"][0] > 0.5 > path["l1"][-1]
    assert penalty_path_figure(evaluated("y ~ x1", rows(), name="none")) is None
    ridge = penalty_path_figure(evaluated("y ~ x1", rows(), l2=0.1, name="ridge"))
    assert ridge
    assert "train.l2" in Drawing(ridge).texts()


def test_without_columns_there_are_no_effects(evaluated: Evaluated) -> None:
    assert effect_figure([NamedResults("", evaluated("y ~ 1", rows()))]) is None
