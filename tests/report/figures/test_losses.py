"""Losses and gaps are drawn where history.csv has them."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.report.figures.losses import gap_figure, l1_choice_figure, loss_figure
from linreg.results.run_results import NamedResults, RunResults
from tests.plotting.drawing import Drawing

Evaluated = Callable[..., RunResults]


def rows(noise: float = 1.0) -> pa.Table:
    random = np.random.default_rng(3)
    x = random.standard_normal(60)
    return pa.table({"y": 1.5 + 0.1 * x + noise * random.standard_normal(60), "x": x})


def test_losses_and_the_minimum_are_drawn_by_epoch(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(), lr=0.02)
    history, least = run.context["history"], run.context["least_loss"]
    drawing = Drawing(loss_figure([NamedResults("", run)]))
    (training,), (validation,) = drawing.lines("a"), drawing.lines("a dashed")
    tolerance = 0.001 * max(history["train_mse"])
    for line, column in ((training, "train_mse"), (validation, "validation_mse")):
        assert line[:, 0] == pytest.approx(history["epoch"], abs=0.01)
        assert line[:, 1] == pytest.approx(history[column], abs=tolerance)
    # Dots of both curves.
    assert len(drawing.dots("a")) == 2 * len(history["epoch"])
    (minimum,) = drawing.lines("exact")
    assert minimum[:, 1] == pytest.approx([least, least], abs=tolerance)
    assert {"training", "validation", "minimum", "mean squared error", "epoch"} <= set(
        drawing.texts()
    )


def test_losses_of_different_sizes_have_a_logarithmic_axis(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(noise=0.01), lr=0.02, epochs=8)
    losses = run.context["history"]["train_mse"]
    assert max(losses) > 10 * run.context["least_loss"]
    drawing = Drawing(loss_figure([NamedResults("", run)]), log_y=True)
    (training,) = drawing.lines("a")
    assert training[:, 1] == pytest.approx(losses, rel=0.05)


def test_a_run_of_the_exact_solver_is_a_horizontal_line(evaluated: Evaluated) -> None:
    steps = NamedResults("steps", evaluated("y ~ x", rows(), lr=0.02, name="a"))
    exact = NamedResults("exact", evaluated("y ~ x", rows(), solver="exact", name="b"))
    drawing = Drawing(loss_figure([steps, exact]))
    (level,) = drawing.lines("b")
    least = exact.results.context["least_loss"]
    assert level[:, 1] == pytest.approx([least, least], abs=0.01)
    assert {"steps training", "steps validation", "exact training"} <= set(drawing.texts())
    assert gap_figure([exact]) is None
    assert len(Drawing(gap_figure([steps, exact]), log_y=True).lines("b")) == 0


def test_gaps_are_drawn_by_epoch_on_a_logarithmic_axis(evaluated: Evaluated) -> None:
    runs = [
        NamedResults(name, evaluated("y ~ x", rows(), lr=lr, epochs=epochs, name=name))
        for name, lr, epochs in (("slow", 0.001, 4), ("fast", 0.02, 7))
    ]
    drawing = Drawing(gap_figure(runs), log_y=True)
    for run, css_class in zip(runs, ("a", "b"), strict=True):
        history = run.results.context["history"]
        (line,) = drawing.lines(css_class)
        assert line[:, 0] == pytest.approx(history["epoch"], abs=0.02)
        assert line[:, 1] == pytest.approx(history["gap"], rel=0.05)
        assert drawing.dots(css_class) == pytest.approx(line)
        assert run.name in drawing.texts()


def test_the_minimum_is_named_once_in_the_legend(evaluated: Evaluated) -> None:
    runs = [NamedResults(name, evaluated("y ~ x", rows(), name=name)) for name in ("one", "two")]
    assert Drawing(loss_figure(runs)).texts().count("minimum") == 1


def test_the_page_says_by_which_rule_l1_was_chosen(evaluated: Evaluated, tmp_path: Path) -> None:
    for l1, words in (("auto", "within one standard error"), ("auto:min", "the least (auto:min)")):
        name = l1.replace(":", "-")
        run = evaluated("y ~ x", rows(0.1), solver="exact", folds=5, l1=l1, name=name)
        choice = run.context["penalty_path"]["cross_validation"]
        assert (choice["chosen"] == choice["least"]) == (l1 == "auto:min")
        text = (tmp_path / name / "report.html").read_text(encoding="utf-8")
        (caption,) = re.findall("The choice of train.l1.*?<", text)
        assert words in caption


@pytest.mark.slow
def test_the_errors_of_a_choice_of_l1_are_drawn_with_the_chosen_one(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(), solver="exact", l1=0.01)
    assert l1_choice_figure(run) is None
    run.context["penalty_path"]["cross_validation"] = {
        "l1": [1.0, 0.1, 0.01],
        "mse": [4.0, 2.0, 1.0],
        "standard_error": [0.5, 0.5, 1.0],
        "least": 0.01,
        "rule": "1se",
        "chosen": 0.1,
    }
    drawing = Drawing(l1_choice_figure(run))
    (mean,) = drawing.lines("a")
    assert mean[:, 1] == pytest.approx([4.0, 2.0, 1.0], abs=0.01)
    low, high = drawing.lines("a thin")
    assert low[:, 1] == pytest.approx([3.5, 1.5, 0.0], abs=0.01)
    assert high[:, 1] == pytest.approx([4.5, 2.5, 2.0], abs=0.01)
    assert {"train.l1", "least"} <= set(drawing.texts())
