"""Draw the pictures of docs/tutorial.md from the outputs of the pipeline.

    dvc repro                     first: makes the data, the model and its history
    python -m docs.pictures       from the repository's root; python docs/pictures.py does the same

Writes docs/pictures/*.svg, the same bytes whenever the pipeline's outputs are the same; only the
plane in data.svg has other last digits on processors without AVX2.
"""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from docs.lesson import Lesson
from linreg.arrays import Floats
from linreg.errors import one_line_errors

mpl.use("svg")
from matplotlib import pyplot as plt

PICTURES = Path("docs/pictures")
PREDICTIONS = Path("models/evaluation/predictions.csv")
# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, RED, SKY, PURPLE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#56B4E9",
    "#CC79A7",
)
GREY, BLACK = "#999999", "#000000"
B, THETA = "b", ("θ₁", "θ₂")
LABEL_ANGLE = np.radians(60)
"""The direction from the minimum in which contours have their labels."""
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "linreg",
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
}


def _minus(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def data(lesson: Lesson) -> Figure:
    """Draw some rows in space with the plane they lie on, and the same rows from one side."""
    rows = np.column_stack(
        [lesson.generated.column(name).to_numpy()[:400] for name in ("x1", "x2", "y")]
    )
    figure = plt.figure(figsize=(7.2, 3.5))
    space = figure.add_subplot(1, 2, 1, projection="3d", computed_zorder=False)
    ends = np.array([-3.0, 3.0])
    x1, x2 = np.meshgrid(ends, ends)
    plane = lesson.true[0] + lesson.true[1] * x1 + lesson.true[2] * x2
    space.plot_surface(x1, x2, plane, color=ORANGE, alpha=0.4, edgecolor=ORANGE, shade=False)
    space.scatter(*rows.T, s=5, color=BLUE, depthshade=False)
    space.set(xlabel="x₁", ylabel="x₂", title="400 of the rows, and the plane")
    space.set(xticks=(-2, 0, 2), yticks=(-2, 0, 2), zticks=(-10, 0, 10, 20))
    space.text2D(0.9, 0.8, "y", transform=space.transAxes)
    space.view_init(elev=14, azim=-35)
    space.set_box_aspect((1, 1, 1), zoom=0.95)

    flat = figure.add_subplot(1, 2, 2)
    points = flat.scatter(
        rows[:, 0], rows[:, 2], s=9, c=rows[:, 1], cmap="cividis", vmin=-2.5, vmax=2.5
    )
    for value in (-2, 0, 2):
        heights = lesson.true[0] + lesson.true[1] * ends + lesson.true[2] * value
        flat.plot(ends, heights, color=BLACK, linewidth=0.9)
        flat.annotate(
            f"x₂ = {_minus(value)}", (3.0, heights[1]), (3.08, heights[1]), va="center", fontsize=8
        )
    flat.set(xlabel="x₁", ylabel="y", title="The same rows, colour is x₂", xlim=(-3.3, 4.3))
    figure.colorbar(points, ax=flat, label="x₂", pad=0.02)
    return figure


def descent(lesson: Lesson) -> Figure:
    """Draw contours of the loss over θ₁ and θ₂, and the path of the training."""
    figure, (whole, near) = plt.subplots(1, 2, figsize=(7.2, 3.9))
    _path_of_first_epoch(whole, lesson)
    _path_of_last_epoch(near, lesson)
    for axes in (whole, near):
        axes.legend(loc="lower left", fontsize=8, frameon=True, framealpha=0.9, edgecolor="none")
        axes.set(xlabel=THETA[0], ylabel=THETA[1])
    return figure


def _path_of_first_epoch(whole: Axes, lesson: Lesson) -> None:
    per_epoch = lesson.steps_per_epoch
    first = lesson.steps.points[: per_epoch + 1]
    without_momentum = lesson.params.train.model_copy(update={"momentum": 0.0})
    plain = lesson.descend(without_momentum, 1).points
    _contours(whole, lesson, (-2.0, 4.0), (-5.4, 0.6), np.array([0.3, 1, 2, 4, 7, 11, 16, 22]))
    whole.plot(*plain.T[1:], color=ORANGE, linewidth=1.2, label="without momentum")
    whole.plot(
        *first.T[1:],
        color=BLUE,
        linewidth=1.2,
        marker=".",
        markersize=3.5,
        label=f"momentum {lesson.params.train.momentum:g}",
    )
    for step in (0, 5, 10, 20):
        _, x, y = first[step]
        whole.annotate(
            f"step {step}", (x, y), (7, 1), textcoords="offset points", va="center", fontsize=8
        )
    whole.plot(*lesson.exact[1:], "x", color=RED, markersize=8, markeredgewidth=2)
    whole.set(title=f"The first epoch: {per_epoch} steps")


def _path_of_last_epoch(near: Axes, lesson: Lesson) -> None:
    last = lesson.steps.points[-lesson.steps_per_epoch :]
    half = 0.03
    (x, y), lows = lesson.exact[1:], lesson.loss(lesson.exact)
    _contours(
        near,
        lesson,
        (x - half, x + half),
        (y - half, y + half),
        lows + np.array([1, 3, 6, 10, 15, 21]) * 1e-4,
    )
    near.plot(*last.T[1:], color=BLUE, linewidth=0.7, marker=".", markersize=2.5)
    near.plot(
        *lesson.exact[1:],
        "x",
        color=RED,
        markersize=9,
        markeredgewidth=2.2,
        label="minimum of the loss",
    )
    near.plot(*lesson.true[1:], "+", color=BLACK, markersize=11, markeredgewidth=2, label="true θ")
    near.plot(*last[-1, 1:], "o", color=GREEN, markersize=6, label="the model: the last step")
    near.set(title="The last epoch, 100 times closer")


def _contours(
    axes: Axes, lesson: Lesson, x: tuple[float, float], y: tuple[float, float], levels: Floats
) -> None:
    """Draw lines of equal loss over θ₁ and θ₂, with the b that minimizes it."""
    grid = np.stack(np.meshgrid(np.linspace(*x, 81), np.linspace(*y, 81)), axis=-1)
    best_b = (
        lesson.moments[0, 3]
        - grid[..., 0] * lesson.moments[0, 1]
        - grid[..., 1] * lesson.moments[0, 2]
    )
    heights = lesson.loss(np.concatenate([best_b[..., None], grid], axis=-1))
    axes.contour(grid[..., 0], grid[..., 1], heights, levels=levels, colors=GREY, linewidths=0.8)
    up, lowest = np.array([np.cos(LABEL_ANGLE), np.sin(LABEL_ANGLE)]), lesson.loss(lesson.exact)
    for level in levels:
        radius = np.sqrt((level - lowest) / lesson.moments[1, 1])
        spot = lesson.exact[1:] + up * radius
        if radius > 0.2 * (x[1] - x[0]) and spot[0] < x[1] and spot[1] < y[1]:
            white = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
            style: dict[str, Any] = {
                "fontsize": 7.5,
                "color": "#555555",
                "ha": "center",
                "va": "center",
            }
            axes.text(float(spot[0]), float(spot[1]), f"{level:.4g}", bbox=white, **style)
    axes.set(xlim=x, ylim=y, aspect="equal")


def gradients(lesson: Lesson) -> Figure:
    """Draw the descent directions of single batches, far from the minimum and near it."""
    figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.7))
    size = lesson.params.train.batch_size
    places = [
        ("Far away: at the start", lesson.steps.points[0]),
        ("Near the minimum: at the end", lesson.steps.points[-1]),
    ]
    for axes, (title, point) in zip(panels, places, strict=True):
        arrows = lesson.descent_directions_of_batches(point, 12)[:, 1:]
        whole = lesson.descent_direction(point)[1:]
        for arrow in arrows:
            _arrow(axes, arrow, SKY, 1.3)
        _arrow(axes, whole, RED, 2.4)
        tips = np.vstack([arrows, whole, [0, 0]])
        middle, half = (tips.max(axis=0) + tips.min(axis=0)) / 2, 0.56 * np.ptp(tips, axis=0).max()
        axes.set(
            xlim=(middle[0] - half, middle[0] + half),
            ylim=(middle[1] - half, middle[1] + half),
            aspect="equal",
        )
        axes.plot(0, 0, "o", color=BLACK, markersize=4)
        axes.set(title=title, xlabel="−∂L/∂θ₁", ylabel="−∂L/∂θ₂")
        axes.grid(color="#e5e5e5", linewidth=0.6)
        axes.set_axisbelow(True)
    panels[0].plot([], [], color=SKY, label=f"12 batches of {size} rows")
    panels[0].plot([], [], color=RED, linewidth=2.4, label="all training rows")
    panels[0].legend(fontsize=8, loc="upper right")
    _annotate_small_gradient(panels[1])
    return figure


def _annotate_small_gradient(axes: Axes) -> None:
    style = {"arrowstyle": "-", "color": RED, "linewidth": 0.8, "shrinkB": 4}
    axes.annotate(
        "all training rows:\nalmost nothing",
        (0, 0),
        (-28, -52),
        textcoords="offset points",
        color=RED,
        ha="center",
        va="top",
        fontsize=8,
        arrowprops=style,
    )


def _arrow(axes: Axes, to: Floats, color: str, width: float) -> None:
    style = {
        "arrowstyle": "-|>",
        "color": color,
        "linewidth": width,
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 9,
    }
    axes.annotate("", tuple(to), (0, 0), arrowprops=style)


def loss(lesson: Lesson) -> Figure:
    """Draw the loss within the first epoch, and its fluctuation above the noise afterwards."""
    figure, (first, all_epochs) = plt.subplots(1, 2, figsize=(7.2, 3.4), width_ratios=(1, 1.15))
    _loss_of_first_epoch(first, lesson)
    _loss_of_all_epochs(all_epochs, lesson)
    return figure


def _loss_of_first_epoch(first: Axes, lesson: Lesson) -> None:
    per_epoch = lesson.steps_per_epoch
    floor = lesson.noise**2
    first.semilogy(
        range(1, per_epoch + 1),
        lesson.steps.losses[:per_epoch],
        color=SKY,
        linewidth=0.9,
        label="of the step's batch",
    )
    first.semilogy(
        lesson.loss(lesson.steps.points[: per_epoch + 1]),
        color=BLUE,
        linewidth=1.6,
        label="of all training rows",
    )
    first.axhline(floor, color=BLACK, linestyle="--", linewidth=1)
    first.text(0, floor * 0.8, f"noise² = {floor:g}", va="top", fontsize=8)
    first.set(
        xlabel="step",
        ylabel="mean squared error (log scale)",
        title="Epoch 1, step by step",
        ylim=(floor / 3.2, None),
    )
    first.legend(fontsize=8)


def _loss_of_all_epochs(all_epochs: Axes, lesson: Lesson) -> None:
    floor = lesson.noise**2
    epochs = lesson.history["epoch"]
    all_epochs.plot(
        epochs, lesson.history["train_mse"], color=BLUE, marker="o", markersize=3.5, label="train"
    )
    all_epochs.plot(
        epochs,
        lesson.history["validation_mse"],
        color=ORANGE,
        marker="s",
        markersize=3.5,
        label="validation",
    )
    best = float(lesson.loss(lesson.exact))
    all_epochs.axhline(
        best, color=BLUE, linestyle=":", linewidth=1.2, label="least possible on train"
    )
    all_epochs.axhline(floor, color=BLACK, linestyle="--", linewidth=1, label=f"noise² = {floor:g}")
    all_epochs.set(xlabel="epoch", ylabel="mean squared error", title="All epochs, much magnified")
    low, high = all_epochs.get_ylim()
    all_epochs.set_ylim(low, high + 0.42 * (high - low))
    all_epochs.legend(fontsize=8, loc="upper right", ncols=2)


def coefficients(lesson: Lesson) -> Figure:
    """Draw θ and b in the first epoch, and their distance from the true values in all epochs."""
    figure, (first, all_epochs) = plt.subplots(1, 2, figsize=(7.2, 3.4))
    per_epoch = lesson.steps_per_epoch
    columns = [(B, BLUE, "o"), (THETA[0], GREEN, "s"), (THETA[1], RED, "^")]
    for j, (name, color, marker) in enumerate(columns):
        first.axhline(lesson.true[j], color=color, linestyle="--", linewidth=0.9)
        first.plot(lesson.steps.points[: per_epoch + 1, j], color=color)
        first.text(
            per_epoch,
            lesson.true[j] - 0.25,
            f"{name} → {_minus(lesson.true[j])}",
            ha="right",
            va="top",
            fontsize=9,
            color=color,
        )
        values = lesson.coefficients.iloc[:, j] - lesson.true[j]
        all_epochs.plot(
            values.index, values, color=color, marker=marker, markersize=3.5, label=name
        )
    first.set(xlabel="step", ylabel="value", title="Epoch 1, step by step")
    all_epochs.axhline(0, color=BLACK, linestyle="--", linewidth=0.9)
    all_epochs.set(xlabel="epoch", ylabel="found − true", title="All epochs: what is left")
    low, high = all_epochs.get_ylim()
    all_epochs.set_ylim(low, high + 0.2 * (high - low))
    all_epochs.legend(fontsize=9, ncols=3, loc="upper center")
    return figure


def learning_rates(lesson: Lesson) -> Figure:
    """Draw the loss step by step for learning rates from too small to too large."""
    figure, axes = plt.subplots(figsize=(7.2, 3.4))
    per_epoch = lesson.steps_per_epoch
    rates = [(1.0, RED), (0.1, GREEN), (0.01, BLUE), (0.001, ORANGE), (0.0001, GREY)]
    for rate, color in rates:
        walk = lesson.descend(lesson.params.train.model_copy(update={"lr": rate}), 1)
        axes.semilogy(lesson.loss(walk.points), color=color, label=f"{rate:g}")
    axes.axhline(lesson.noise**2, color=BLACK, linestyle="--", linewidth=1, label="noise²")
    axes.set(xlabel="step", ylabel="mean squared error (log scale)", xlim=(0, per_epoch))
    axes.set_title("One epoch with different learning rates")
    axes.legend(title="learning rate", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def predictions(lesson: Lesson) -> Figure:
    """Draw predictions of the test rows against their targets, and the residuals."""
    rows = pd.read_csv(PREDICTIONS)
    figure, (scatter, histogram) = plt.subplots(1, 2, figsize=(7.2, 3.4))
    some = rows.iloc[:500]
    ends = [rows["actual"].min(), rows["actual"].max()]
    scatter.plot(ends, ends, color=BLACK, linewidth=0.9, zorder=1)
    scatter.scatter(some["actual"], some["predicted"], s=8, color=BLUE, linewidths=0, zorder=2)
    scatter.set(xlabel="actual y", ylabel="predicted ỹ", title="500 test rows", aspect="equal")

    edges = np.arange(-0.45, 0.451, 0.03)
    histogram.hist(
        rows["residual"], bins=edges, color=SKY, edgecolor="white", linewidth=0.5, label="residuals"
    )
    e = np.linspace(edges[0], edges[-1], 200)
    bell = np.exp(-0.5 * (e / lesson.noise) ** 2) / (lesson.noise * np.sqrt(2 * np.pi))
    histogram.plot(
        e, bell * len(rows) * 0.03, color=RED, label=f"the noise: normal, sd {lesson.noise:g}"
    )
    histogram.set(xlabel="residual", ylabel="test rows", title=f"All {len(rows)} test rows")
    low, high = histogram.get_ylim()
    histogram.set_ylim(low, high * 1.25)
    histogram.legend(fontsize=8, loc="upper center", ncols=2)
    return figure


@one_line_errors
def main() -> None:
    """Draw every picture of the tutorial."""
    with mpl.rc_context(STYLE):
        lesson = Lesson()
        PICTURES.mkdir(exist_ok=True)
        nothing_that_varies: dict[str, Any] = {"Date": None, "Creator": None}
        for draw in (data, descent, gradients, loss, coefficients, learning_rates, predictions):
            figure = draw(lesson)
            figure.savefig(PICTURES / f"{draw.__name__}.svg", metadata=nothing_that_varies)
            plt.close(figure)
            print(f"pictures: {PICTURES / draw.__name__}.svg")


if __name__ == "__main__":
    main()
