"""What a run was, in a few lines of Markdown: the description that MLflow shows on the run's and
the model's page.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from linreg.markdown import code
from linreg.tracking.journal.events import read
from linreg.tracking.journal.journal import Run
from linreg.tracking.journal.run_folder import RunFolder

DESCRIPTION = "mlflow.note.content"
"""The tag that MLflow shows as a description."""
COLUMNS = "linreg.columns"
"""The tag of a model that says what it needs, kept for the description that follows when it has
been judged.
"""
LENGTH_OF_KEY, LENGTH_OF_COMMIT = 8, 10


def describe(run: Run, metrics: Mapping[str, Any], verdict: Mapping[str, Any]) -> None:
    """Set the run's description, from what it has said so far, and from the metrics and the gates
    of its model.

    A run that nobody hears of, or whose first line is damaged, gets none.
    """
    if not run.is_heard:
        return
    settings: dict[str, Any] = {}
    tags: dict[str, str] = {}
    num_epochs = 0
    for event in read(RunFolder(run.key).journal):
        settings |= event.values.get("parameters", {})
        tags |= event.values.get("tags", {})
        if event.kind == "metrics" and "b" in event.values["values"]:
            num_epochs = max(num_epochs, event.values["step"])
    if "model.formula" not in settings:
        return
    lines = [
        f"{code(settings['model.formula'])} on {_count(metrics['train']['n'], 'training row')}, "
        f"{_training(settings, num_epochs)}: {'; '.join(_results(metrics, verdict))}.",
        f"{', '.join(_origin(tags))}. Again: `linreg rerun {run.key[:LENGTH_OF_KEY]}`",
    ]
    run.set_tags({DESCRIPTION: "\n\n".join(lines)})


def _training(settings: Mapping[str, Any], num_epochs: int) -> str:
    if settings["train.solver"] == "exact":
        return "solved exactly"
    return f"SGD, {_count(num_epochs, 'epoch')} at lr {settings['train.lr']:.6g}"


def _results(metrics: Mapping[str, Any], verdict: Mapping[str, Any]) -> Iterator[str]:
    judged = next(part for part in ("test", "validation", "train") if part in metrics)
    r2, gap = metrics[judged]["r2"], metrics["gap"]
    yield f"**{judged} R² {'undefined' if r2 is None else f'{r2:.6g}'}**"
    if gap is not None:
        yield f"{100 * gap:.3g} % above the least training loss"
    failed = [name for name, each in verdict["gates"].items() if not each["passed"]]
    if failed:
        yield f"**gates failed: {', '.join(failed)}**"
    else:
        yield f"gates passed: {', '.join(verdict['gates'])}" if verdict["gates"] else "no gates set"


def _origin(tags: Mapping[str, str]) -> Iterator[str]:
    if commit := tags.get("git.commit"):
        shown, remote = code(commit[:LENGTH_OF_COMMIT]), tags.get("git.remote")
        changed = " with changes" if tags.get("git.dirty") == "true" else ""
        yield f"Commit {f'[{shown}]({remote}/commit/{commit})' if remote else shown}{changed}"
    else:
        yield "No commit"
    if experiment := tags.get("dvc.experiment"):
        yield f"experiment {code(experiment)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
