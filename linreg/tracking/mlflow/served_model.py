"""What MLflow calls to serve a model: this module, named in the logged model and imported from the
installed library.

The logged model itself holds data only, so that nothing which comes out of a store is executed.

Rows come from requests as MLflow's scoring server reads them: as a frame from CSV, Parquet,
`dataframe_split` and `dataframe_records`, as arrays from `inputs` and `instances`. Their cells are
checked here and nowhere else.
"""

import os
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray

from linreg.errors import UserError
from linreg.fit.model import LinearModel, load

WHERE = "the input"


class ServedModel:
    """Answers with a number per row; refuses (HTTP 400) what it cannot answer, naming column and
    row.
    """

    def __init__(self, model: LinearModel) -> None:
        self._model = model

    def predict(
        self,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002 - MLflow looks at the names of the parameters
    ) -> NDArray[np.float64]:
        """Return the predictions, shape (n,)."""
        try:
            return self._model.predict(_as_frame(model_input), text=True)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def _load_pyfunc(path: str) -> ServedModel:
    """Load the artifact; MLflow asks a module for a function of this name."""
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
    if "_MLFLOW_IS_IN_SERVING_ENVIRONMENT" in os.environ and not frame.index.equals(
        pd.RangeIndex(len(frame))
    ):
        # Of a CSV with a cell too many in its rows pandas takes the first one for a name, and
        # shifts the others.
        what, todo = (
            "must have rows without names",
            "leave the index out; in CSV, a cell for every name and no more",
        )
        raise UserError(WHERE, what, found=", ".join(map(str, frame.index[:5])), todo=todo)
    return frame


def _from_arrays(rows: Any) -> pd.DataFrame:
    """Return what came as `inputs` or `instances`; there a single value may be an array without
    dimensions.
    """
    if isinstance(rows, dict) and all(np.ndim(value) == 0 for value in rows.values()):
        rows = [rows]
    frame = pd.DataFrame(rows)
    return frame.map(
        lambda cell: cell.item() if isinstance(cell, np.ndarray) and cell.ndim == 0 else cell
    )
