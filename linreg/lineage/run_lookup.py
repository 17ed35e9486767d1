"""Look up runs: by the hashes of the outputs that they produced, or by name.

A run that produced an output is found whether DVC executed its stages or restored them from its
cache.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from linreg.errors import UserError
from linreg.tracking.runs import KnownRun, journal_runs, newest_first


def find_runs_by_hash(hashes: Mapping[str, str], *, ask_mlflow: bool = False) -> list[KnownRun]:
    """Return the runs that produced outputs with these MD5s (by path), the newest first.

    With `ask_mlflow`, also runs that only MLflow has; raises UserError if it does not answer.
    """
    runs = journal_runs(hashes.values())
    if ask_mlflow:
        # Imports MLflow, which takes seconds.
        from linreg.tracking.mlflow.search import search_runs

        runs = merge_runs(runs, search_runs(hashes))
    return [run for run in runs if run.produced(hashes)]


def find_all_runs(*, ask_mlflow: bool = False) -> list[KnownRun]:
    """Return every run, the newest first; `ask_mlflow` as in `find_runs_by_hash`."""
    if not ask_mlflow:
        return journal_runs()
    # Imports MLflow, which takes seconds.
    from linreg.tracking.mlflow.search import search_runs

    return merge_runs(journal_runs(), search_runs())


def find_run_by_id(text: str, what: str = "run") -> KnownRun:
    """Return the run whose MLflow id or key is `text`, or the only one whose id or key begins so.

    MLflow is asked only if no journal has such a run. Raises UserError if there is none or more
    than one; `what` is how its message calls the thing that was looked for.
    """
    journals = journal_runs()
    found = runs_with_id(text, journals)
    if not found:
        # Imports MLflow, which takes seconds.
        from linreg.tracking.mlflow.search import find_runs

        found = runs_with_id(text, merge_runs(journals, find_runs(text)))
    if not found:
        raise UserError(
            f"{what} {text}",
            "is unknown here and in MLflow",
            todo="`linreg runs --all --mlflow` lists all runs",
        )
    return only_run(found, f"{what} {text}")


def runs_with_id(text: str, runs: Sequence[KnownRun]) -> list[KnownRun]:
    """Return the runs whose id or key is `text`; if there are none, those that begin so."""
    exact = [run for run in runs if text and text in (run.key, run.run_id)]
    return exact or [run for run in runs if run.key.startswith(text) or run.run_id.startswith(text)]


def only_run(runs: Sequence[KnownRun], where: str) -> KnownRun:
    """Return the only one of the runs; raises UserError at `where` for more than one."""
    if len(runs) > 1:
        raise UserError(
            where,
            "is ambiguous",
            found=", ".join(run.run_id or run.key for run in runs),
            todo="give more characters",
        )
    return runs[0]


def merge_runs(journals: Sequence[KnownRun], mlflow: Sequence[KnownRun]) -> list[KnownRun]:
    """Return every run once: as its journal has it, or as MLflow does where there is no journal."""
    ids = {run.key: run.run_id for run in mlflow if run.key}
    known = {run.key for run in journals}
    return newest_first(
        [replace(run, run_id=run.run_id or ids.get(run.key, "")) for run in journals]
        + [run for run in mlflow if run.key not in known]
    )
