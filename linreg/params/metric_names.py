"""The names of metrics: ours, and those of the user's own functions in stages/metrics.py."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

METRICS_FILE = Path("stages/metrics.py")
"""Where a project has metrics of its own."""
METRICS = ("mse", "rmse", "mae", "r2", "max_error")
BASELINE = "baseline"
"""What metrics.json calls the metrics of predicting the mean, beside those of the model."""
RESERVED = frozenset({"n", *METRICS, BASELINE})
CV = "cv"
"""What metrics.json calls the metrics over the folds of a cross-validation, beside the parts."""
BASELINE_PREFIX = "baseline_"
"""What the names of the metrics of a baseline begin with, as in test_baseline_rmse."""


def own_metric_names(path: Path) -> list[str]:
    """Return the public functions that a file defines, without running it; none if it is absent.

    Raises SyntaxError, ValueError or UnicodeDecodeError for a file that is not Python.
    """
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        return []
    body = ast.parse(source, filename=str(path.absolute())).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    return [each.name for each in functions if not each.name.startswith("_")]


def own_metrics_in(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the user's own metrics among those of some parts, in alphabetical order.

    What is nested, such as the metrics of a baseline, is none.
    """
    return sorted(
        {
            name
            for metrics in parts
            for name, value in metrics.items()
            if name not in RESERVED and not isinstance(value, Mapping)
        }
    )
