"""A run in a few lines of Markdown: the description on the run's and the model's page in MLflow."""

from collections.abc import Iterator, Mapping
from typing import Any

from linreg.markdown import code
from linreg.text import count_of
from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.run import Run
from linreg.tracking.journal.run_folder import RunFolder

DESCRIPTION = "mlflow.note.content"
"""The tag that MLflow shows as a description."""
COLUMNS = "linreg.columns"
"""The tag of a model with the columns that it needs, which its later description repeats."""
KEY_LENGTH = 8
COMMIT_LENGTH = 10


def describe(run: Run, metrics: Mapping[str, Any], gates: Mapping[str, Any]) -> None:
    """Set the run's description, from its journal, and from the metrics and gates of its model.

    A run that is not recorded, or whose first line is damaged, gets none.
    """
    if not run.is_recording:
        return
    parameters: dict[str, Any] = {}
    tags: dict[str, str] = {}
    num_epochs = 0
    for event in read_events(RunFolder(run.key).journal):
        parameters |= event.values.get("parameters", {})
        tags |= event.values.get("tags", {})
        if event.kind == "metrics" and "b" in event.values["values"]:
            num_epochs = max(num_epochs, event.values["step"])
    if "model.formula" not in parameters:
        return
    rows = count_of(metrics["train"]["n"], "training row")
    lines = [
        f"{code(parameters['model.formula'])} on {rows}, "
        f"{_training(parameters, num_epochs)}: {'; '.join(_results(metrics, gates))}.",
        f"{', '.join(_origin(tags))}. Again: `linreg rerun {run.key[:KEY_LENGTH]}`",
    ]
    run.set_tags({DESCRIPTION: "\n\n".join(lines)})


def _training(parameters: Mapping[str, Any], num_epochs: int) -> str:
    if parameters["train.solver"] == "exact":
        return "solved exactly"
    return f"SGD, {count_of(num_epochs, 'epoch')} at lr {parameters['train.lr']:.6g}"


def _results(metrics: Mapping[str, Any], gates: Mapping[str, Any]) -> Iterator[str]:
    part = next(name for name in ("test", "validation", "train") if name in metrics)
    r2 = metrics[part]["r2"]
    gap = metrics["gap"]
    yield f"**{part} R² {'undefined' if r2 is None else f'{r2:.6g}'}**"
    if gap is not None:
        yield f"training loss {100 * gap:.3g} % above the minimum"
    failed = [name for name, gate in gates["gates"].items() if not gate["passed"]]
    if failed:
        yield f"**gates failed: {', '.join(failed)}**"
    else:
        yield f"gates passed: {', '.join(gates['gates'])}" if gates["gates"] else "no gates set"


def _origin(tags: Mapping[str, str]) -> Iterator[str]:
    if commit := tags.get("git.commit"):
        shown = code(commit[:COMMIT_LENGTH])
        remote = tags.get("git.remote")
        changed = " with changes" if tags.get("git.dirty") == "true" else ""
        yield f"Commit {f'[{shown}]({remote}/commit/{commit})' if remote else shown}{changed}"
    else:
        yield "No commit"
    if experiment := tags.get("dvc.experiment"):
        yield f"experiment {code(experiment)}"
