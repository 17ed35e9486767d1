"""A model fitted to a small table and saved with its exact reference."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from linreg.data.formula.design import Design
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel

NUM_ROWS = 60
FORMULA = "y ~ x + log(z) + k + g + C(c) + flag + x:z"


def training_rows(num_rows: int = NUM_ROWS) -> pa.Table:
    """Return floats x in [-2, 2] and z in [1, 9], integers k in 0 … 9, and three categories."""
    random = np.random.default_rng(3)
    x = np.linspace(-2.0, 2.0, num_rows)
    z = random.permutation(np.linspace(1.0, 9.0, num_rows))
    k = np.arange(num_rows) % 10
    return pa.table(
        {"x": x, "z": z, "k": k, "g": [["a", "b", "c"][i % 3] for i in range(num_rows)]}
        | {
            "c": [[1, 20, 300][(i // 3) % 3] for i in range(num_rows)],
            "flag": [i % 7 < 3 for i in range(num_rows)],
        }
        | {"y": 1.0 + 2 * x + z + 0.1 * k + random.standard_normal(num_rows)}
    )


def save_model(
    folder: Path,
    learn: Callable[..., Design],
    formula: str = FORMULA,
    rows: pa.Table | None = None,
    fill_missing: bool = False,
    off: float = 0.0,
    l2: float = 0.0,
    collinear: Literal["error", "drop"] = "error",
) -> LinearModel:
    """Fit a model to rows and save it.

    `off` is added to its b, as if gradient descent had stopped there.
    """
    rows = training_rows() if rows is None else rows
    design = learn(formula, rows, fill_missing=fill_missing)
    X, y = design.matrix(rows), design.target(rows)
    moments = Moments.zero(len(design.names))
    moments.add(X, y)
    reference = ExactReference.from_moments(
        moments, design.names, design.schema.intercept, l2, collinear
    )
    solution = reference.solution
    folder.mkdir(parents=True, exist_ok=True)
    model = LinearModel(design, solution.theta, solution.b + off, {})
    model.save(folder)
    reference.write(folder, collinear)
    return model
