"""From a dvc.lock to the runs that produced its outputs, whether DVC executed them or restored
them.
"""

from collections.abc import Mapping
from dataclasses import replace

from linreg.errors import UserError
from linreg.tracking.runs import KnownRun, journal_runs, newest_first


def runs_of(hashes: Mapping[str, str], *, ask_mlflow: bool = False) -> list[KnownRun]:
    """Return the runs that made the outputs with these MD5s, the newest first.

    With `ask_mlflow` also those that only MLflow knows; then raises UserError when it does not
    answer.
    """
    runs = journal_runs(hashes.values())
    if ask_mlflow:
        # imports MLflow, which takes seconds
        from linreg.tracking.mlflow.search import search_runs

        runs = joined(runs, search_runs(hashes))
    return [run for run in runs if run.produced(hashes)]


def all_runs(*, ask_mlflow: bool = False) -> list[KnownRun]:
    """Return every run, the newest first; raises UserError like `runs_of`."""
    if not ask_mlflow:
        return journal_runs()
    # imports MLflow, which takes seconds
    from linreg.tracking.mlflow.search import search_runs

    return joined(journal_runs(), search_runs())


def run_named(name: str, what: str = "run") -> KnownRun:
    """Return the run whose id in MLflow, or whose own key, is `name` or alone begins with it.

    MLflow is asked only when no journal tells of such a run. Raises UserError when there is none,
    or more than one, and says of `what`.
    """
    journals = journal_runs()
    found = _called(name, journals)
    if not found:
        # imports MLflow, which takes seconds
        from linreg.tracking.mlflow.search import find_runs

        found = _called(name, joined(journals, find_runs(name)))
    if not found:
        raise UserError(
            f"{what} {name}",
            "is known neither here nor in MLflow",
            todo="`linreg runs --all --mlflow` lists them",
        )
    if len(found) > 1:
        raise UserError(
            f"{what} {name}",
            "is the beginning of more than one",
            todo="name more of it",
            found=", ".join(run.run_id or run.key for run in found),
        )
    return found[0]


def _called(name: str, runs: list[KnownRun]) -> list[KnownRun]:
    exact = [run for run in runs if name and name in (run.key, run.run_id)]
    return exact or [run for run in runs if run.key.startswith(name) or run.run_id.startswith(name)]


def joined(journals: list[KnownRun], mlflow: list[KnownRun]) -> list[KnownRun]:
    """Return every run once: as its journal tells it, or as MLflow does where there is no
    journal.
    """
    ids = {run.key: run.run_id for run in mlflow if run.key}
    known = {run.key for run in journals}
    return newest_first(
        [replace(run, run_id=run.run_id or ids.get(run.key, "")) for run in journals]
        + [run for run in mlflow if run.key not in known]
    )
