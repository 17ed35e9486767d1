"""The runs in the MLflow store, whether or not this project has their journals."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from linreg.errors import UserError
from linreg.tracking.journal.chart_names import chart_name
from linreg.tracking.journal.store_location import is_missing, tracking_uri
from linreg.tracking.mlflow.experiment import all_experiment_ids
from linreg.tracking.mlflow.send import KEY_TAG
from linreg.tracking.mlflow.store import open_store
from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason, remedy
from linreg.tracking.runs import KnownRun, newest_first

_RUNS_PER_PAGE = 1000


def search_runs(tags: Mapping[str, str] | None = None) -> list[KnownRun]:
    """Return the runs, newest first; with `tags`, those that have at least one of these tags.

    Raises UserError when the store does not answer.
    """
    queries = (
        [""] if tags is None else [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
    )
    return newest_first(_search(queries))


def find_runs(prefix: str) -> list[KnownRun]:
    """Return the runs whose MLflow id or key begins with `prefix`; raises like `search_runs`."""
    run_id = prefix.replace("'", "")
    # A whole id is found at once, however many runs there are.
    exact = _search([f"attributes.run_id = '{run_id}'"])
    if exact:
        return exact
    return [
        run for run in search_runs() if run.run_id.startswith(prefix) or run.key.startswith(prefix)
    ]


def mlflow_curves(run_id: str, names: Iterable[str]) -> list[tuple[int, dict[str, float]]]:
    """Return the values of these metrics, in the order of the steps; raises like `search_runs`."""
    curves: dict[int, dict[str, float]] = {}
    try:
        client = open_store(create=False)
        for name in names:
            points = client.get_metric_history(run_id, chart_name(name))
            # The first runs of linreg 0.1 have the metrics under their own names.
            for point in points or client.get_metric_history(run_id, name):
                curves.setdefault(point.step, {})[name] = float(point.value)
    except TRACKING_ERRORS as error:
        raise _search_error(error) from None
    return sorted(curves.items())


def fetch_artifact(run: KnownRun, name: str, folder: Path) -> Path:
    """Download an artifact of a run into `folder`; raises like `search_runs`, or if it has none."""
    try:
        client = open_store(create=False)
        if name not in [each.path for each in client.list_artifacts(run.run_id)]:
            raise UserError(
                run.label, f"has no artifact {name}", found=f"a run that is {run.status}"
            )
        return Path(client.download_artifacts(run.run_id, name, str(folder)))
    except TRACKING_ERRORS as error:
        raise error if isinstance(error, UserError) else _search_error(error) from None


def _search(queries: Iterable[str]) -> list[KnownRun]:
    # Searching must not create a store.
    if is_missing(tracking_uri()):
        return []
    found: dict[str, KnownRun] = {}
    try:
        client = open_store(create=False)
        experiments = all_experiment_ids(client)
        for query in queries:
            for run in _all_pages(client, experiments, query):
                found[run.info.run_id] = _known_run(run)
    except TRACKING_ERRORS as error:
        raise _search_error(error) from None
    return list(found.values())


def _all_pages(client: MlflowClient, experiments: list[Any], query: str) -> Iterator[Run]:
    token: str | None = None
    while True:
        page = client.search_runs(
            experiments, query, ViewType.ACTIVE_ONLY, _RUNS_PER_PAGE, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _known_run(run: Run) -> KnownRun:
    info = run.info
    data = run.data
    key = data.tags.get(KEY_TAG, "")
    return KnownRun(
        key, info.run_id, info.run_name, info.start_time, info.status, data.tags, data.params
    )


def _search_error(error: BaseException) -> UserError:
    why = reason(error)
    return UserError("MLflow", "cannot be searched for runs", found=why, todo=remedy(why))
