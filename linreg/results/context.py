"""The context of a run's results: how training went, on which rows, with which parameters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.files import read_document
from linreg.fit.coordinates.learning_rate import MOST_FEATURES
from linreg.fit.coordinates.scaling import z_score_scaling
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.penalized.path import PATH_FILE
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import read_columns
from linreg.fit.model import LinearModel
from linreg.fit.sgd.expected_path import expected_path
from linreg.params.train import Train

FORMAT = 1
MAX_EPOCHS = 500
"""A longer training is thinned to as many epochs, evenly spaced, with the first and the last."""
MAX_STEPS = 300
"""The same for the steps of the expected path."""
MAX_PATHS = 12
"""Coefficients whose path over the penalty is shown."""


def report_context(
    model: LinearModel,
    exact: ExactReference,
    train: Train,
    training: Path,
    profile: Path,
    schema: Path,
    split: Path,
    scored_part: str,
    parameters: Mapping[str, Any],
    hashes: Mapping[str, str],
) -> dict[str, Any]:
    """Return the content of report.json: plain data, in the units of the user's columns.

    training, split  the folders that train and split have written
    profile, schema  two documents of ingest
    parameters       all of params.yaml, by dotted name
    hashes           MD5 by path, as in dvc.lock, of the data and the model

    Its keys, besides those whose name says it:

    spread      by name, the standard deviation of each column of X (root mean square without
                intercept), without those of absorbed factors
    least_loss  the minimum of the mean squared error on the training rows, None beyond float64
    history     the columns of history.csv
    path        see `_descent_path`; None without SGD, or with fewer than two coefficients
    penalty_path  path.json, with the leading coefficients; None without a penalty
    judged      the scored part, of which predictions.csv is a sample
    truth       what generated data were drawn with, None for a user's table
    """
    minimum = exact.solution
    history = read_columns(training / "history.csv")
    column_sd = z_score_scaling(exact.moments, minimum.has_constant).x_scale
    reported_sd = column_sd[minimum.num_absorbed :].tolist()
    spread = dict(zip(minimum.reported_names, reported_sd, strict=True))
    path = None
    if train.solver == "sgd":
        path = _descent_path(exact, column_sd, training, train, int(history["step"][-1]))
    return {
        "format": FORMAT,
        "formula": model.design.schema.formula,
        "target": model.target,
        "intercept": minimum.intercept,
        "theta": model.coefficients,
        "b": model.b,
        "spread": {name: value if np.isfinite(value) else None for name, value in spread.items()},
        "least_loss": exact.loss.mean_squared_error(minimum.theta, minimum.b),
        "history": {name: _thinned(values, MAX_EPOCHS) for name, values in history.items()},
        "path": path,
        "penalty_path": _penalty_path(training, spread),
        "judged": scored_part,
        "profile": read_document(profile),
        "unseen_levels": read_document(split / "split.json")["unseen_levels"],
        "truth": read_document(schema)["truth"],
        "parameters": parameters,
        "hashes": hashes,
    }


def _descent_path(
    exact: ExactReference, column_sd: Floats, training: Path, train: Train, num_steps: int
) -> dict[str, Any] | None:
    """Return the path of two coefficients to the minimum; None where there are no two.

    names       the two with the largest effect on y; b and θ₁ where there is only one column
    exact       their values at the minimum
    epochs      by coefficient, their values after each epoch
    mean        by coefficient, the expected path: before the first step and after each step
    inverse     their entries (11, 12, 22) of A⁻¹: with all other coefficients at their optimum for
                these two, the loss is dᵀ(A⁻¹)⁻¹d / n above the minimum, d being (values − exact)
    num_rows    n
    """
    minimum = exact.solution
    pair = _leading_pair(minimum, column_sd)
    if pair is None or len(minimum.names) > MOST_FEATURES:
        return None
    inverse = minimum.unscaled_covariance(pair)
    if not np.isfinite(inverse).all() or min(inverse[0, 0], inverse[1, 1]) <= 0:
        return None
    at_minimum = [minimum.b, *minimum.theta.tolist()]
    names = [["b", *minimum.names][index] for index in pair]
    trained = read_columns(training / "theta.csv")
    epochs = []
    for name in names:
        rows = zip(trained["coefficient"], trained["value"], strict=True)
        epochs.append([value for coefficient, value in rows if coefficient == name])
    expected = expected_path(exact, train, num_steps)[:, pair]
    return {
        "names": names,
        "exact": [at_minimum[index] for index in pair],
        "epochs": [_thinned(values, MAX_EPOCHS) for values in epochs],
        "mean": [_thinned(values, MAX_STEPS) for values in expected.T.tolist()],
        "inverse": [float(inverse[0, 0]), float(inverse[0, 1]), float(inverse[1, 1])],
        "num_rows": minimum.num_rows,
    }


def _penalty_path(training: Path, column_sd: Mapping[str, float]) -> dict[str, Any] | None:
    """Return path.json with the coefficients that change y most by a standard deviation."""
    if not (training / PATH_FILE).exists():
        return None
    path = read_document(training / PATH_FILE)
    sizes = {
        name: max(map(abs, values)) * column_sd[name] for name, values in path["theta"].items()
    }
    leading = sorted(sizes, key=lambda name: -sizes[name])[:MAX_PATHS]
    shown = {name: values for name, values in path["theta"].items() if name in leading}
    return {**path, "theta": shown}


def _leading_pair(minimum: LeastSquares, column_sd: Floats) -> list[int] | None:
    """Return the indices in (b, θ) of the two columns with the largest effect on y, in their order.

    With one column only, those of b and of it; None where there are no two coefficients.
    """
    effects = np.abs(minimum.theta * column_sd)
    columns = np.flatnonzero(minimum.kept[1:]).tolist()
    leading = sorted(columns, key=lambda column: (-effects[column], column))[:2]
    if len(leading) == 2:
        return sorted(column + 1 for column in leading)
    return [0, leading[0] + 1] if leading and minimum.kept[0] else None


def _thinned(values: Sequence[Any], maximum: int) -> Sequence[Any]:
    """Return at most `maximum` of the values, evenly spaced, with the first and the last."""
    last = len(values) - 1
    if last < maximum:
        return values
    return [values[i * last // (maximum - 1)] for i in range(maximum)]
