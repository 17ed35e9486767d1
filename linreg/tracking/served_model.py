"""The code that MLflow runs to serve the model; it is copied beside the artifact (models from code).

Rows come from requests as MLflow's scoring server reads them: as a frame from CSV, Parquet, `dataframe_split` and
`dataframe_records`, as arrays from `inputs` and `instances`. Their cells are checked here and nowhere else.
"""

import os
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray

from linreg.errors import UserError
from linreg.fit.model import load

WHERE = "the input"


class ServedModel(PythonModel):
    """Answers with a number per row; refuses (HTTP 400) what it cannot answer, naming column and row."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the artifact that lies beside this file."""
        self._model = load(context.artifacts["model"])

    def predict(  # MLflow looks at the names of the parameters
        self,
        context: PythonModelContext,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Return the predictions, shape (n,)."""
        try:
            return self._model.predict(_as_frame(model_input), text=True)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def _as_frame(rows: Any) -> pd.DataFrame:
    try:
        frame = rows if isinstance(rows, pd.DataFrame) else _from_arrays(rows)
    except (ValueError, TypeError):
        todo = "send dataframe_split, dataframe_records or CSV"
        raise UserError(WHERE, "must be rows of named columns", found=type(rows).__name__, todo=todo) from None
    if not len(frame):
        raise UserError(WHERE, "holds no row", todo="send at least one")
    if "_MLFLOW_IS_IN_SERVING_ENVIRONMENT" in os.environ and not frame.index.equals(pd.RangeIndex(len(frame))):
        # Of a CSV with a cell too many in its rows pandas takes the first one for a name, and shifts the others.
        what, todo = "must have rows without names", "leave the index out; in CSV, a cell for every name and no more"
        raise UserError(WHERE, what, found=", ".join(map(str, frame.index[:5])), todo=todo)
    return frame


def _from_arrays(rows: Any) -> pd.DataFrame:
    """Return what came as `inputs` or `instances`; there a single value may be an array without dimensions."""
    if isinstance(rows, dict) and all(np.ndim(value) == 0 for value in rows.values()):
        rows = [rows]
    frame = pd.DataFrame(rows)
    return frame.map(lambda cell: cell.item() if isinstance(cell, np.ndarray) and cell.ndim == 0 else cell)


set_model(ServedModel())
