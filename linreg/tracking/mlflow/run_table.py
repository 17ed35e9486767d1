"""The page that lists an experiment's runs, with the metrics that matter as columns."""

import json

from mlflow import MlflowClient

from linreg.tracking.journal.chart_names import chart_name

_KEY = "linreg"
_TAG = f"mlflow.sharedViewState.{_KEY}"
"""The tag of an experiment in which MLflow keeps a view that its button `Share` has stored."""
_METRICS = ("test_rmse", "test_r2", "validation_rmse", "gap")


def runs_page(client: MlflowClient, experiment: str) -> str:
    """Return the path of the page; the view that it shows is stored with the experiment."""
    columns = [f"metrics.`{chart_name(metric)}`" for metric in _METRICS] + ["tags.`gates`"]
    view = json.dumps({"selectedColumns": columns})
    if client.get_experiment(experiment).tags.get(_TAG) != view:
        client.set_experiment_tag(experiment, _TAG, view)
    # MLflow's start page is for agents; this address is that of trained models.
    return f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={_KEY}"
