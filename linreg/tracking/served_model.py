"""The code that MLflow runs to serve the model; it is copied beside the artifact (models from code)."""

from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray

from linreg.errors import UserError
from linreg.fit.model import load


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
            return self._model.predict(model_input)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


set_model(ServedModel())
