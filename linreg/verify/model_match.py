"""Whether a run that was repeated has found the same θ and b, to the last bit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.files import content_hash, read_json
from linreg.tracking.journal.training_run import read_curves
from linreg.tracking.runs import DATA, MODEL, KnownRun, journal_curves
from linreg.verify.differences.difference import ABSENT, Difference
from linreg.verify.differences.paths import first_difference

Curves = Iterable[tuple[int, dict[str, float]]]


@dataclass(frozen=True)
class ModelMatch:
    """How a repeated run compares with the original.

    same            every byte of the model is the same
    different_data  the inputs of the training that differ
    lines           everything in words
    """

    same: bool
    different_data: tuple[str, ...]
    lines: list[str]


def compare_model(run: KnownRun, folder: Path) -> ModelMatch:
    """Compare a run's data and model with those in a project's folder.

    Data are compared by their MD5s. The model is compared with the run's own copy of it, or by its
    MD5 where there is no copy.
    """
    lines = []
    different_data = []
    for path in (path for path in DATA if path in run.tags):
        found = content_hash(folder / path)
        lines.append(f"{path}: {_same_or_different(run.tags[path], found)}")
        if found != run.tags[path]:
            different_data.append(path)
    expected = run.tags[MODEL]
    found = content_hash(folder / MODEL)
    copy = run.model if run.model is not None and content_hash(run.model) == expected else None
    method = "by its MD5, as there is no copy of it" if copy is None else "with the run's copy"
    same = found == expected if copy is None else first_difference(copy, folder / MODEL) is None
    lines.append(f"{MODEL}: {_same_or_different(expected, found)} (compared {method})")
    if not same:
        place = _in_curves(run, folder) if copy is None else _in_model(copy, folder / MODEL)
        lines.append(f"first difference: {place}")
    return ModelMatch(same, tuple(different_data), lines)


def _same_or_different(expected: str, found: str) -> str:
    return "same" if found == expected else f"DIFFERENT: {expected} became {found}"


def _in_model(copy: Path, model: Path) -> str:
    """Return the first coefficient that differs, else the first difference of the files."""
    before, now = _coefficients(copy), _coefficients(model)
    for name in {**before, **now}:
        if difference := _value_difference(name, before, now):
            return difference
    return f"θ and b are the same, but {first_difference(copy, model)}"


def _coefficients(model: Path) -> dict[str, Any]:
    document = read_json(model / "model.json")
    theta = {f"theta.{name}": value for name, value in document["theta"].items()}
    return {"b": document["b"], **theta}


def _in_curves(run: KnownRun, folder: Path) -> str:
    """Return the first epoch in which θ or b differ from those that the run logged."""
    now = dict(read_curves(folder / "models" / "training"))
    logged = set().union(*now.values())
    names = set(filter(_is_coefficient, logged))
    before = dict(_logged_curves(run, sorted(names)))
    for epoch in sorted(now.keys() | before.keys()):
        a, b = before.get(epoch, {}), now.get(epoch, {})
        for name in sorted(filter(_is_coefficient, a.keys() | b.keys())):
            if difference := _value_difference(name, a, b, f"epoch {epoch}: "):
                return difference
    return "not in the curves of θ and b, which are the same; there is no copy of the run's model"


def _logged_curves(run: KnownRun, names: list[str]) -> Curves:
    if not run.run_id or run.model is not None:
        return journal_curves(run.key)
    # Imports MLflow, which takes seconds.
    from linreg.tracking.mlflow.search import mlflow_curves

    return mlflow_curves(run.run_id, names)


def _is_coefficient(name: str) -> bool:
    return name == "b" or name.startswith("theta.")


def _value_difference(
    name: str, before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = ""
) -> str:
    """Return in words how a value differs; empty if it does not."""
    a, b = before.get(name, ABSENT), now.get(name, ABSENT)
    return "" if repr(a) == repr(b) else str(Difference.between("", f"{prefix}{name}", a, b))
