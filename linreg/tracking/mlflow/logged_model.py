"""The model as MLflow stores it: the plain artifact, a signature, and the name of its loader.

It holds neither code nor pickle.
"""

import importlib.metadata
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from linreg.data.formula.functions.calendar import date_text
from linreg.fit.model import LinearModel, ModelColumn, load
from linreg.tracking.journal.description import COLUMNS, DESCRIPTION
from linreg.tracking.mlflow.required_columns import required_columns, required_columns_markdown

EVENT_TAG = "linreg.model"
"""The tag of a logged model with the path of the copy that its event in the journal names."""
LOADER = "linreg.tracking.served_model"
"""The module that MLflow imports to load the model; a name that stored models hold for good."""
REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow", "safetensors")
"""The packages that the served model imports, apart from linreg: neither torch nor DVC.

linreg is not in it: pip would fetch whatever a package index has under that name.
"""


def log_model(
    client: MlflowClient,
    run_id: str,
    artifact: Path,
    event: Mapping[str, Any],
    params: Mapping[str, str],
) -> str:
    """Log the model of a journal's event, unless it is logged already; returns its id.

    artifact  the folder with the copy that the event names
    """
    run = client.get_run(run_id)
    model = _find_logged(client, run.info.experiment_id, event["path"])
    if model is None:
        columns = required_columns_markdown(load(artifact))
        model = client.create_logged_model(
            experiment_id=run.info.experiment_id,
            name=event["name"],
            source_run_id=run_id,
            tags={EVENT_TAG: event["path"], DESCRIPTION: columns, COLUMNS: columns},
            params=dict(params),
            model_type="linear regression",
        )
    model_id = str(model.model_id)
    with tempfile.TemporaryDirectory() as folder:
        mlflow_model = Path(folder) / "model"
        metadata = Model(model.artifact_location, run_id, model_uuid=model_id, model_id=model_id)
        save(artifact, mlflow_model, metadata)
        client.log_model_artifacts(model_id, str(mlflow_model))
    outputs = run.outputs.model_outputs if run.outputs else []
    if model_id not in {output.model_id for output in outputs}:
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
    client.finalize_logged_model(model_id, "READY")
    return model_id


def save(artifact: Path, target: Path, metadata: Model | None = None) -> None:
    """Write the MLflow model of a model artifact into the folder `target`, which must not exist."""
    model = load(artifact)
    mlflow.pyfunc.save_model(
        target,
        loader_module=LOADER,
        data_path=str(artifact),
        signature=signature(),
        metadata={"columns": required_columns(model)},
        input_example=example(model),
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
        mlflow_model=metadata,
    )


def signature() -> ModelSignature:
    """Return what the model returns, without its columns, which it checks itself.

    MLflow would convert declared columns before the model sees them: a missing truth value into
    False, an integer not into a float, text into whatever it can be; and it would read no CSV that
    has a column of any type.
    """
    return ModelSignature(outputs=Schema([ColSpec(DataType.double)]))


def example(model: LinearModel) -> pd.DataFrame:
    """Return a row to predict: the mean of each number, the first level of each category, and a day
    in the middle of the training rows.
    """
    return pd.DataFrame({column.name: [_typical(model, column)] for column in model.columns})


def _typical(model: LinearModel, column: ModelColumn) -> Any:
    statistics = model.design.statistics[column.name]
    if column.kind == "time" and statistics.mean is not None:
        return date_text(statistics.mean)
    return statistics.levels[0] if statistics.levels else statistics.mean


def _find_logged(client: MlflowClient, experiment: str, path: str) -> LoggedModel | None:
    found = client.search_logged_models(
        [experiment], filter_string=f"tags.`{EVENT_TAG}` = '{path}'", max_results=1
    )
    return found[0] if found else None
