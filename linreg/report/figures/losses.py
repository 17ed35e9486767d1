"""Figures of the loss during training, of one run or of two in the same figure."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from linreg.plotting.axis import Axis
from linreg.plotting.plot import RUN_CLASSES, Plot
from linreg.results.run_results import NamedResults, RunResults


def loss_figure(runs: Sequence[NamedResults]) -> Markup | None:
    """Draw the training and the validation loss after each epoch, and the minimum."""
    histories = [run.results.context["history"] for run in runs]
    minima = [run.results.context["least_loss"] for run in runs]
    losses = []
    for history in histories:
        losses += [*history["train_mse"], *history["validation_mse"]]
    if not any(value is not None for value in losses):
        return None
    positive = [value for value in [*losses, *minima] if value is not None and value > 0]
    is_wide = bool(positive) and max(positive) > 10 * min(positive)
    plot = Plot(
        _epoch_axis(histories),
        Axis.around("mean squared error", [*losses, *minima], logarithmic=is_wide),
    )
    for k, (run, history) in enumerate(zip(runs, histories, strict=True)):
        _draw_losses(plot, history, minima[k], RUN_CLASSES[k], run.name, is_first=k == 0)
    return plot.svg("Loss after each epoch")


def _draw_losses(
    plot: Plot,
    history: Mapping[str, Any],
    minimum: float | None,
    css_class: str,
    name: str,
    *,
    is_first: bool,
) -> None:
    epochs, training, validation = (
        history[column] for column in ("epoch", "train_mse", "validation_mse")
    )
    prefix = f"{name} " if name else ""
    if not _has_steps(history):
        plot.horizontal_line(training[0], css_class, f"{prefix}training")
        return
    plot.line(epochs, training, css_class, f"{prefix}training")
    if any(value is not None for value in validation):
        plot.line(epochs, validation, f"{css_class} dashed", f"{prefix}validation")
        plot.dots(epochs, validation, css_class)
    if minimum is not None:
        plot.horizontal_line(minimum, "exact", "minimum" if is_first else "")
    plot.dots(epochs, training, css_class)


def gap_figure(runs: Sequence[NamedResults]) -> Markup | None:
    """Draw the relative excess of the training loss over the minimum after each epoch."""
    histories = {
        k: run.results.context["history"]
        for k, run in enumerate(runs)
        if _has_steps(run.results.context["history"])
    }
    gaps = [value for history in histories.values() for value in history["gap"]]
    if not any(gaps):
        return None
    label = "relative excess loss"
    plot = Plot(_epoch_axis(list(histories.values())), Axis.around(label, gaps, logarithmic=True))
    for k, history in histories.items():
        plot.line(history["epoch"], history["gap"], RUN_CLASSES[k])
        plot.dots(history["epoch"], history["gap"], RUN_CLASSES[k], runs[k].name)
    return plot.svg("Relative excess of the training loss over the minimum after each epoch")


def l1_choice_figure(results: RunResults) -> Markup | None:
    """Draw the error over folds for each l1 that was tried, and the one that was chosen."""
    choice = (results.context.get("penalty_path") or {}).get("cross_validation")
    if choice is None:
        return None
    mse = choice["mse"]
    pairs = list(zip(mse, choice["standard_error"], strict=True))
    low, high = [m - error for m, error in pairs], [m + error for m, error in pairs]
    plot = Plot(
        Axis.around("train.l1", choice["l1"], logarithmic=True),
        Axis.around("mean squared error", [*low, *high]),
    )
    for values in (low, high):
        plot.line(choice["l1"], values, "a thin")
    plot.line(choice["l1"], mse, "a", "over folds, ± one standard error")
    plot.vertical_line(choice["chosen"], "exact")
    plot.dots([choice["least"]], [min(mse)], "b", "least")
    return plot.svg("Error over folds by the size of the penalty")


def _has_steps(history: Mapping[str, Any]) -> bool:
    """Whether there were epochs: the exact solver takes no steps."""
    return bool(history["epoch"] != [0])


def _epoch_axis(histories: Sequence[Mapping[str, Any]]) -> Axis:
    last = max((epoch for history in histories for epoch in history["epoch"]), default=0)
    return Axis("epoch", 0, 1.04 * last) if last > 0 else Axis("epoch", -1, 1)
