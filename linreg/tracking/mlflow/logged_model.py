"""The model as MLflow serves it: the plain artifact, a signature, the name of the code that reads
it; no pickle.
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

from linreg.fit.model import LinearModel, load
from linreg.tracking.journal.description import COLUMNS, DESCRIPTION
from linreg.tracking.mlflow import served_model
from linreg.tracking.mlflow.required_columns import columns_in_words, in_markdown

EVENT_TAG = "linreg.model"
"""What a page shows as its description."""
REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow", "safetensors")
"""What the served model imports besides linreg itself, and no more: neither torch nor DVC.

linreg is not in it: pip would fetch whatever a package index has under that name.
"""


def log_model(
    client: MlflowClient,
    run_id: str,
    artifact: Path,
    event: Mapping[str, Any],
    params: Mapping[str, str],
) -> str:
    """Log the model that a journal's event names, whose copy is `artifact`, once, however often;
    returns its id.
    """
    run, columns = client.get_run(run_id), in_markdown(load(artifact))
    model = _logged_before(
        client, run.info.experiment_id, event["path"]
    ) or client.create_logged_model(
        experiment_id=run.info.experiment_id,
        name=event["name"],
        source_run_id=run_id,
        tags={EVENT_TAG: event["path"], DESCRIPTION: columns, COLUMNS: columns},
        params=dict(params),
        model_type="linear regression",
    )
    model_id = str(model.model_id)
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "model"
        save(
            artifact,
            packed,
            Model(model.artifact_location, run_id, model_uuid=model_id, model_id=model_id),
        )
        client.log_model_artifacts(model_id, str(packed))
    outputs = run.outputs.model_outputs if run.outputs else []
    if model_id not in {output.model_id for output in outputs}:
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
    client.finalize_logged_model(model_id, "READY")
    return model_id


def save(artifact: Path, target: Path, mlflow_model: Model | None = None) -> None:
    """Write the MLflow model for a model artifact into the folder `target`, which must not exist.

    It holds no code: what serves it is imported from the library that is installed where it is
    served.
    """
    model = load(artifact)
    mlflow.pyfunc.save_model(
        target,
        loader_module=served_model.__name__,
        data_path=str(artifact),
        signature=signature(),
        metadata={"columns": columns_in_words(model)},
        input_example=example(model),
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
        mlflow_model=mlflow_model,
    )


def signature() -> ModelSignature:
    """Return what the model returns, and nothing about its columns: those it checks itself.

    Declared to MLflow they would be converted before the model sees them: a missing truth value
    into False, a whole number not into a float, text into whatever it can be, and no CSV with a
    column of any type is read at all.
    """
    return ModelSignature(outputs=Schema([ColSpec(DataType.double)]))


def example(model: LinearModel) -> pd.DataFrame:
    """Return a row that the model has an answer to: each number's mean, each category's first
    level.
    """
    learned = {column.name: model.design.statistics[column.name] for column in model.columns}
    return pd.DataFrame(
        {name: [each.levels[0] if each.levels else each.mean] for name, each in learned.items()}
    )


def _logged_before(client: MlflowClient, experiment: str, path: str) -> LoggedModel | None:
    found = client.search_logged_models(
        [experiment], filter_string=f"tags.`{EVENT_TAG}` = '{path}'", max_results=1
    )
    return found[0] if found else None
