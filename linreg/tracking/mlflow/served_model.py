"""The model that MLflow serves, read from the plain artifact by the installed library.

The logged model holds data only, so that nothing that comes out of a store is executed.

Rows come from requests as MLflow's scoring server reads them: as a frame from CSV, Parquet,
`dataframe_split` and `dataframe_records`, as arrays from `inputs` and `instances`. Their cells are
checked here and nowhere else.
"""

import os
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.model import LinearModel, load

WHERE = "the input"


class ServedModel:
    """Predicts a number per row; refuses (HTTP 400) invalid rows, naming column and row."""

    def __init__(self, model: LinearModel) -> None:
        self._model = model

    def predict(
        self,
        model_input: pd.DataFrame,
        # MLflow inspects the names of the parameters.
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> Floats:
        """Return the predictions, shape (n,)."""
        try:
            return self._model.predict(_as_frame(model_input), text=True)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def _load_pyfunc(path: str) -> ServedModel:
    """Load the artifact; MLflow calls the function of this name in the loader module."""
    return ServedModel(load(path))


def _as_frame(rows: Any) -> pd.DataFrame:
    try:
        frame = rows if isinstance(rows, pd.DataFrame) else _from_arrays(rows)
    except (ValueError, TypeError):
        todo = "send dataframe_split, dataframe_records or CSV"
        raise UserError(
            WHERE, "must be rows of named columns", found=type(rows).__name__, todo=todo
        ) from None
    if not len(frame):
        raise UserError(WHERE, "holds no row", todo="send at least one")
    is_serving = "_MLFLOW_IS_IN_SERVING_ENVIRONMENT" in os.environ
    if is_serving and not frame.index.equals(pd.RangeIndex(len(frame))):
        # In a CSV whose rows have a cell too many, pandas takes the first cell for the row's name
        # and shifts the others.
        raise UserError(
            WHERE,
            "must have rows without names",
            found=", ".join(map(str, frame.index[:5])),
            todo="leave the index out; in CSV, a cell for every name and no more",
        )
    return frame


def _from_arrays(rows: Any) -> pd.DataFrame:
    """Return the rows of `inputs` or `instances`, where a single value may be a 0-d array."""
    if isinstance(rows, dict) and all(np.ndim(value) == 0 for value in rows.values()):
        rows = [rows]
    frame = pd.DataFrame(rows)
    return frame.map(
        lambda cell: cell.item() if isinstance(cell, np.ndarray) and cell.ndim == 0 else cell
    )
