"""The model as MLflow serves it: the plain artifact, the code that reads it, and a signature; no pickle."""

import importlib.metadata
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

import linreg
from linreg.fit.model import LinearModel, load

EVENT_TAG = "linreg.model"
REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow", "safetensors")
"""What the served model imports, and no more: neither torch nor DVC."""


def log_model(
    client: MlflowClient, run_id: str, run_folder: Path, event: Mapping[str, Any], params: Mapping[str, str]
) -> str:
    """Log the model that a journal's event names, once, however often this is tried; returns its id."""
    artifact = run_folder / event["path"]
    run = client.get_run(run_id)
    model = _logged_before(client, run.info.experiment_id, event["path"]) or client.create_logged_model(
        experiment_id=run.info.experiment_id,
        name=event["name"],
        source_run_id=run_id,
        tags={EVENT_TAG: event["path"]},
        params=dict(params),
        model_type="linear regression",
    )
    model_id = str(model.model_id)
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "model"
        save(artifact, packed, Model(model.artifact_location, run_id, model_uuid=model_id, model_id=model_id))
        client.log_model_artifacts(model_id, str(packed))
    outputs = run.outputs.model_outputs if run.outputs else []
    if model_id not in {output.model_id for output in outputs}:
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
    client.finalize_logged_model(model_id, "READY")
    return model_id


def save(artifact: Path, target: Path, mlflow_model: Model | None = None) -> None:
    """Write the MLflow model for a model artifact into the folder `target`, which must not exist."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "linreg"
        package = Path(linreg.__file__).parent
        shutil.copytree(package, code, ignore=shutil.ignore_patterns("__pycache__"))
        mlflow.pyfunc.save_model(
            target,
            python_model=str(package / "tracking" / "served_model.py"),
            artifacts={"model": str(artifact)},
            code_paths=[str(code)],
            signature=signature(load(artifact)),
            pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
            mlflow_model=mlflow_model,
        )
    for cache in list(target.rglob("__pycache__")):
        shutil.rmtree(cache)


def signature(model: LinearModel) -> ModelSignature:
    """Return the columns that the model needs, by name, and what it returns.

    Numbers are doubles, also where the training data had integers: 3.5 rooms is a fair question.
    """
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_type(column.kind, column.type), column.name) for column in model.columns
    ]
    return ModelSignature(Schema(columns), Schema([ColSpec(DataType.double)]))


def _type(kind: str, arrow_type: str) -> DataType:
    if kind == "number":
        return DataType.double
    if arrow_type == "bool":
        return DataType.boolean
    if arrow_type.startswith(("int", "uint")):
        return DataType.long
    if arrow_type in ("double", "float", "halffloat"):
        return DataType.double
    return DataType.datetime if arrow_type.startswith(("date", "timestamp")) else DataType.string


def _logged_before(client: MlflowClient, experiment: str, path: str) -> LoggedModel | None:
    found = client.search_logged_models(
        [experiment], filter_string=f"tags.`{EVENT_TAG}` = '{path}'", max_results=1
    )
    return found[0] if found else None
