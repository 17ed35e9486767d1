"""Whether a run that was made again has found the same θ and b, to the last bit."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.files import content_hash, read_json
from linreg.tracking.journal.training_run import read_curves
from linreg.tracking.runs import DATA, MODEL, KnownRun, journal_curves
from linreg.verify.difference import first_difference
from linreg.verify.ulps import NOTHING, between

Curves = Iterable[tuple[int, dict[str, float]]]


@dataclass(frozen=True)
class Verdict:
    """same: every byte of the model is; data: the inputs of training that differ; lines: everything
    in words.
    """

    same: bool
    data: tuple[str, ...]
    lines: list[str]


def compare_model(run: KnownRun, folder: Path) -> Verdict:
    """Compare a run's model with the one in a project's folder, and its data, whose MD5s it
    carries.

    The model is compared with the copy that is kept of it; where there is none, by its MD5.
    """
    lines, other_data = [], []
    for path in (path for path in DATA if path in run.tags):
        found = content_hash(folder / path)
        if found != run.tags[path]:
            other_data.append(path)
        lines.append(
            f"{path}: {'same' if found == run.tags[path] else f'DIFFERENT: {run.tags[path]} became {found}'}"
        )
    wanted, made = run.tags[MODEL], folder / MODEL
    kept = run.model if run.model is not None and content_hash(run.model) == wanted else None
    found = content_hash(made)
    by = "with the copy kept of it" if kept else "by its MD5, as no copy of it is here"
    same = found == wanted if kept is None else first_difference(kept, made) is None
    lines.append(
        f"{MODEL}: {'same' if same else f'DIFFERENT: {wanted} became {found}'} (compared {by})"
    )
    if not same:
        lines.append(
            f"first difference: {_in_artifact(kept, made) if kept else _in_curves(run, folder)}"
        )
    return Verdict(same, tuple(other_data), lines)


def _in_artifact(kept: Path, made: Path) -> str:
    before, now = (_coefficients(path) for path in (kept, made))
    difference = next((d for name in {**before, **now} if (d := _of_values(name, before, now))), "")
    return difference or f"θ and b are the same, but {first_difference(kept, made)}"


def _coefficients(model: Path) -> dict[str, Any]:
    document = read_json(model / "model.json")
    return {
        "b": document["b"],
        **{f"theta.{name}": value for name, value in document["theta"].items()},
    }


def _in_curves(run: KnownRun, folder: Path) -> str:
    """Find the first epoch whose θ or b are others than those that the run logged."""
    now = dict(read_curves(folder / "models" / "training"))
    before = dict(
        _logged(
            run,
            sorted({name for values in now.values() for name in values if _is_coefficient(name)}),
        )
    )
    for epoch in sorted(now.keys() | before.keys()):
        a, b = (
            {name: value for name, value in curves.get(epoch, {}).items() if _is_coefficient(name)}
            for curves in (before, now)
        )
        for name in sorted(a.keys() | b.keys()):
            if difference := _of_values(name, a, b, f"epoch {epoch}: "):
                return difference
    return "not in the curves of θ and b, which are the same; the run's model itself is not here"


def _logged(run: KnownRun, names: list[str]) -> Curves:
    if not run.run_id or run.model is not None:
        return journal_curves(run.key)
    # imports MLflow, which takes seconds
    from linreg.tracking.mlflow.search import mlflow_curves

    return mlflow_curves(run.run_id, names)


def _is_coefficient(name: str) -> bool:
    return name == "b" or name.startswith("theta.")


def _of_values(name: str, before: dict[str, Any], now: dict[str, Any], where: str = "") -> str:
    a, b = (values.get(name, NOTHING) for values in (before, now))
    return "" if repr(a) == repr(b) else str(between("", f"{where}{name}", a, b))
