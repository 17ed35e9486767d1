"""What the report shows beside the verdicts: how training went, on what rows, from which
parameters.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from linreg.fit.exact.reference import ExactReference
from linreg.fit.exact.standardize import z_score_scaling
from linreg.fit.history import read_columns
from linreg.fit.model import LinearModel
from linreg.fit.sgd.expected_path import mean_path
from linreg.params import Train

FORMAT = 1
MOST_EPOCHS = 500
"""Of a longer training, as many of its epochs, evenly spaced, the last among them."""
MOST_STEPS = 300


def background(
    model: LinearModel,
    exact: ExactReference,
    training: Path,
    train: Train,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of report.json: plain data, in the units of the user's columns.

    theta, b    what training found
    spread      by name, the standard deviation of each column of X (root mean square without
                intercept)
    least_loss  the least possible mean squared error on the training rows, None beyond float64
    history     the columns of history.csv
    path        the way of two coefficients to the minimum, or None where there is none to show
    about       what the caller knows: parameters, hashes, profile, truth, and which part
                predictions.csv is from
    """
    least, history = exact.solution, read_columns(training / "history.csv")
    spread = z_score_scaling(exact.moments, least.intercept).x_scale
    return {
        **about,
        "format": FORMAT,
        "formula": model.design.schema.formula,
        "target": model.target,
        "intercept": least.intercept,
        "theta": model.coefficients,
        "b": model.b,
        "spread": _finite(dict(zip(least.names, spread.tolist(), strict=True))),
        "least_loss": exact.loss.mean_squared_error(least.theta, least.b),
        "history": _thinned(history),
        "path": None
        if train.solver == "exact"
        else _path(exact, spread, training, train, int(history["step"][-1])),
    }


def _path(
    exact: ExactReference,
    spread: np.ndarray[Any, Any],
    training: Path,
    train: Train,
    num_steps: int,
) -> dict[str, Any] | None:
    """Return the way of the two coefficients that move y the most; of b and θ₁ where there is only
    one.

    names       of the two
    exact       where the loss is least
    epochs      after each epoch, a list by coefficient
    mean        before the first and after each of the first steps, as full gradients would take
                them
    inverse     the entries (11, 12, 22) of A⁻¹ of the two; with all others at their best for these,
                the loss is
                dᵀ(A⁻¹)⁻¹d / n above the least, d being how far the two are from the minimum
    num_rows    n
    """
    least = exact.solution
    effects = np.abs(least.theta * spread)
    order = sorted(np.flatnonzero(least.kept[1:]).tolist(), key=lambda j: (-effects[j], j))[:2]
    places = sorted(j + 1 for j in order) if len(order) == 2 else [0, *(j + 1 for j in order)]
    if len(places) < 2 or not least.kept[places].all():
        return None
    names = ["b", *least.names]
    chosen = [names[place] for place in places]
    rows = read_columns(training / "theta.csv")
    epochs = [
        [v for n, v in zip(rows["coefficient"], rows["value"], strict=True) if n == name]
        for name in chosen
    ]
    inverse = least.inverse[np.ix_(places, places)]
    way = mean_path(exact, train, num_steps)[:, places]
    found = {
        "names": chosen,
        "exact": [float(np.concatenate([[least.b], least.theta])[place]) for place in places],
        "epochs": [_some(each, MOST_EPOCHS) for each in epochs],
        "mean": [_some(each, MOST_STEPS) for each in way.T.tolist()],
        "inverse": [float(inverse[0, 0]), float(inverse[0, 1]), float(inverse[1, 1])],
        "num_rows": least.num_rows,
    }
    return found if np.isfinite(inverse).all() and min(inverse[0, 0], inverse[1, 1]) > 0 else None


def _thinned(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: _some(values, MOST_EPOCHS) for name, values in columns.items()}


def _some(values: list[Any], most: int) -> list[Any]:
    """Return at most so many of the values, evenly spaced, the first and the last among them."""
    last = len(values) - 1
    return values if last < most else [values[i * last // (most - 1)] for i in range(most)]


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
