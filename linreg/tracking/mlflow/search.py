"""The runs that MLflow knows: of this repository whose journals are gone, and of others that write
to its store.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from linreg.errors import UserError
from linreg.tracking.journal.chart_names import name_in_charts
from linreg.tracking.journal.location import is_own_store, own_database
from linreg.tracking.mlflow.send import KEY_TAG
from linreg.tracking.mlflow.store import open_store
from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason, remedy
from linreg.tracking.runs import KnownRun, newest_first

_PAGE = 1000


def search_runs(tags: Mapping[str, str] | None = None) -> list[KnownRun]:
    """Return MLflow's runs, the newest first; with `tags` those that have at least one of them with
    that value.

    Raises UserError when the store does not answer.
    """
    queries = (
        [""] if tags is None else [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
    )
    return newest_first(_asked(queries))


def find_runs(prefix: str) -> list[KnownRun]:
    """Return MLflow's runs whose id, or whose own key, begins with `prefix`; raises UserError like
    `search_runs`.
    """
    wanted = prefix.replace("'", "")
    # at once, however many runs there are
    exact = _asked([f"attributes.run_id = '{wanted}'"])
    if exact:
        return exact
    return [
        run for run in search_runs() if run.run_id.startswith(prefix) or run.key.startswith(prefix)
    ]


def mlflow_curves(run_id: str, names: Iterable[str]) -> list[tuple[int, dict[str, float]]]:
    """Return the values of these metrics by step, in the order of the steps; raises UserError like
    `search_runs`.
    """
    curves: dict[int, dict[str, float]] = {}
    try:
        client = open_store()
        for name in names:
            points = client.get_metric_history(run_id, name_in_charts(name))
            # Before there were sections, MLflow was given the name itself.
            for point in points or client.get_metric_history(run_id, name):
                curves.setdefault(point.step, {})[name] = float(point.value)
    except TRACKING_ERRORS as error:
        raise _no_answer(error) from None
    return sorted(curves.items())


def fetch_artifact(run: KnownRun, name: str, folder: Path) -> Path:
    """Download an artifact of a run into `folder`; raises UserError when the run has none of that
    name, too.
    """
    try:
        client = open_store()
        if name not in [each.path for each in client.list_artifacts(run.run_id)]:
            raise UserError(
                run.label, f"has no artifact {name}", found=f"a run that is {run.status}"
            )
        return Path(client.download_artifacts(run.run_id, name, str(folder)))
    except TRACKING_ERRORS as error:
        raise error if isinstance(error, UserError) else _no_answer(error) from None


def _asked(queries: Iterable[str]) -> list[KnownRun]:
    if is_own_store() and not own_database().exists():
        # a question must not create a store
        return []
    found: dict[str, KnownRun] = {}
    try:
        client = open_store()
        experiments = [each.experiment_id for each in client.search_experiments()]
        for query in queries:
            found |= {
                run.info.run_id: _known(run) for run in _all_pages(client, experiments, query)
            }
    except TRACKING_ERRORS as error:
        raise _no_answer(error) from None
    return list(found.values())


def _all_pages(client: MlflowClient, experiments: list[Any], query: str) -> Iterable[Run]:
    token: str | None = None
    while True:
        page = client.search_runs(experiments, query, ViewType.ACTIVE_ONLY, _PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _known(run: Run) -> KnownRun:
    info, data = run.info, run.data
    key = data.tags.get(KEY_TAG, "")
    return KnownRun(
        key, info.run_id, info.run_name, info.start_time, info.status, data.tags, data.params
    )


def _no_answer(error: BaseException) -> UserError:
    why = reason(error)
    return UserError("MLflow", "does not tell its runs", found=why, todo=remedy(why))
