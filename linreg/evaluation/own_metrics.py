"""Metrics of the user's own: functions of actual and predicted values in a file of the project."""

import importlib.util
import inspect
import math
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.errors import UserError
from linreg.fit.model import LinearModel, linear
from linreg.params.metric_names import BASELINE_PREFIX, RESERVED, own_metric_names
from linreg.process.workers import Workers


class PartArrays(NamedTuple):
    """Target, prediction and weight of all rows of a part, each (n,) float64 and read-only."""

    actual: Floats
    predicted: Floats
    weights: Floats

    @classmethod
    def collect(cls, part: Sequence[Rows], model: LinearModel, workers: Workers) -> "PartArrays":
        """Read the rows of some files, each process its own; all return those of all."""
        own = [
            np.stack([chunk.target, _predicted(chunk, model), _weights(chunk)])
            for rows in part
            for chunk in rows
        ]
        columns = np.concatenate(own, axis=1) if own else np.empty((3, 0))
        arrays = [np.concatenate(workers.gather_array(column)) for column in columns]
        for array in arrays:
            # What one metric changed would be wrong in the next.
            array.setflags(write=False)
        return cls(*arrays)


class OwnMetrics:
    """The public functions of a file, by name.

    Raises UserError for a file that cannot be imported, and for a name that is one of ours.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._functions = _functions(path)
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything
            raise self._error("", "cannot be imported", error) from None
        for name in self._functions:
            if name in RESERVED or name.startswith(BASELINE_PREFIX):
                taken = ", ".join([*sorted(RESERVED), f"{BASELINE_PREFIX}…"])
                what = f"is a name of linreg's own ({taken})"
                raise UserError(f"{path}: {name}", what, todo="give the function another name")

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._functions)

    def of_rows(self, rows: PartArrays, which: str) -> dict[str, float]:
        """Return each metric of some rows, which `which` names in errors.

        Raises UserError for a function that raises or returns anything but a finite number.
        """
        return {name: self._value(name, rows, which) for name in self._functions}

    def _value(self, name: str, rows: PartArrays, which: str) -> float:
        function = self._functions[name]
        try:
            has_weights = "weights" in inspect.signature(function).parameters
            weights = {"weights": rows.weights} if has_weights else {}
            value = function(rows.actual, rows.predicted, **weights)
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything
            raise self._error(f": {name}", f"fails on the {which}", error) from None
        if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, int | float):
            found, todo = f"{type(value).__name__} {value!r}", "return a float"
            what = f"must return a number for the {which}"
            raise UserError(f"{self._path}: {name}", what, found=found, todo=todo)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            what = f"must return a finite number for the {which}"
            raise UserError(f"{self._path}: {name}", what, found=number)
        return number

    def _error(self, name: str, what: str, error: Exception) -> UserError:
        """Return the error for what the user's code raised, with the line of the file."""
        lines = [
            each.lineno
            for each in traceback.extract_tb(error.__traceback__)
            if each.filename == str(self._path.absolute())
        ]
        if isinstance(error, SyntaxError) and error.filename == str(self._path.absolute()):
            lines = [error.lineno]
        line = f": line {lines[-1]}" if lines and lines[-1] else ""
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        found = f"{type(error).__name__}: {message}"
        return UserError(f"{self._path}{name}{line}", what, found=found)


def _functions(path: Path) -> dict[str, Callable[..., Any]]:
    names = own_metric_names(path)
    if not names:
        return {}
    # By its path, whatever else is called `stages` where this runs.
    spec = importlib.util.spec_from_file_location("stages.metrics", path.absolute())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickle look a module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return {name: getattr(module, name) for name in names}


def _predicted(chunk: Chunk, model: LinearModel) -> Floats:
    return chunk.as_target(linear(chunk.X, model.theta, model.b))


def _weights(chunk: Any) -> Floats:
    return np.ones(len(chunk.y)) if chunk.w is None else chunk.w
