"""All that a report shows of one run, read from the folder that evaluate writes."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.errors import UserError
from linreg.files import file_hash, read_document
from linreg.report.context import FORMAT

Floats = NDArray[np.float64]


_KEYS = {
    "metrics.json": ("train", "gap"),
    "gates.json": ("passed", "gates"),
    "inference.json": ("coefficients", "confidence", "df"),
    "report.json": (
        "format",
        "theta",
        "b",
        "history",
        "path",
        "parameters",
        "hashes",
        "profile",
        "files",
    ),
}
_AGAIN = "run `dvc repro` to make it again"


class Coefficient(NamedTuple):
    """One coefficient in all its versions; None where the rows or the data do not tell.

    found         by training; exact, true: at the minimum, and where the data were drawn from
    spread        standard deviation of its column of X; None for b
    usual, robust standard error, t, p, low and high by name (see linreg.evaluation.inference)
    """

    name: str
    found: float
    exact: float | None
    true: float | None
    spread: float | None
    usual: Mapping[str, float | None]
    robust: Mapping[str, float | None]

    @property
    def distance(self) -> float | None:
        """How far training ended from the exact minimum, in standard errors."""
        return self._from_exact(self.found)

    @property
    def distance_of_truth(self) -> float | None:
        """How far the true value is from the exact minimum, in standard errors."""
        return None if self.true is None else self._from_exact(self.true)

    def _from_exact(self, value: float) -> float | None:
        error = self.usual.get("standard_error")
        return (value - self.exact) / error if error and self.exact is not None else None


@dataclass(frozen=True)
class RunResults:
    """One run: metrics, verdict (gates), certainty (inference) as evaluate wrote them, and the
    background.

    actual, predicted  (n,) a sample of the rows of the part `judged`
    """

    metrics: Mapping[str, Any]
    verdict: Mapping[str, Any]
    certainty: Mapping[str, Any]
    background: Mapping[str, Any]
    actual: Floats
    predicted: Floats

    @classmethod
    def read(cls, folder: Path) -> "RunResults":
        """Read a folder like models/evaluation; raises UserError for a file that is absent or
        damaged.
        """
        metrics, verdict, certainty, background = documents(folder, *_KEYS)
        for (name, keys), document in zip(
            _KEYS.items(), (metrics, verdict, certainty, background), strict=True
        ):
            if not set(keys) <= set(document):
                raise UserError(folder / name, f"must hold {', '.join(keys)}", todo=_AGAIN)
        if background["format"] != FORMAT:
            raise UserError(
                folder / "report.json",
                f"must have format {FORMAT}",
                found=background["format"],
                todo=_AGAIN,
            )
        path = folder / "predictions.csv"
        _require_own(path, background)
        try:
            with path.open(encoding="utf-8", newline="") as file:
                lines = csv.DictReader(file)
                points = [(float(row["actual"]), float(row["predicted"])) for row in lines]
                if not {"actual", "predicted"} <= set(lines.fieldnames or ()):
                    raise UserError(path, "must have the columns actual and predicted", todo=_AGAIN)
        except FileNotFoundError:
            raise UserError(path, "there is no such file", todo=_AGAIN) from None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(path, "is damaged", found=repr(error), todo=_AGAIN) from None
        actual, predicted = np.array(points).reshape(-1, 2).T
        return cls(metrics, verdict, certainty, background, actual, predicted)

    @property
    def residuals(self) -> Floats:
        """What was observed less what was predicted, (n,)."""
        with np.errstate(over="ignore"):
            found: Floats = self.actual - self.predicted
        return found

    @property
    def coefficients(self) -> list[Coefficient]:
        """All coefficients, b first where there is one."""
        about, known = self.background, self.certainty["coefficients"]
        truth = about["truth"]
        b = [("b", about["b"], truth and truth["b"], None)] if about["intercept"] else []
        theta = [
            (name, value, truth and truth["theta"].get(name), about["spread"][name])
            for name, value in about["theta"].items()
        ]
        return [
            Coefficient(
                name,
                found,
                known.get(name, {}).get("estimate"),
                true,
                spread,
                known.get(name, {}).get("usual") or {},
                known.get(name, {}).get("robust") or {},
            )
            for name, found, true, spread in [*b, *theta]
        ]

    @property
    def parts(self) -> list[str]:
        """The parts that have rows, in the order in which they are told."""
        return [name for name in ("train", "validation", "test") if name in self.metrics]


def documents(
    folder: Path, *names: str, model: Mapping[str, str] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Read JSON files of a folder like models/evaluation; `model` is the MD5, by path, of the model
    they must be of.

    Raises UserError for a file that is absent or damaged, or that is not the one that report.json
    was written with.
    """
    background = read_document(folder / "report.json")
    for path, expected in model.items():
        if (found_hash := background["hashes"].get(path)) != expected:
            raise UserError(
                folder / "report.json",
                f"is of another model than {path}",
                found=f"MD5 {found_hash} in place of {expected}",
                todo="run `dvc repro`",
            )
    found = [read_document(folder / name) for name in names]
    for name in names:
        if name != "report.json":
            _require_own(folder / name, background)
    return found


def _require_own(path: Path, background: Mapping[str, Any]) -> None:
    if not path.exists():
        raise UserError(path, "there is no such file", todo=_AGAIN)
    if file_hash(path) != background["files"].get(path.name):
        raise UserError(path, "is damaged, or of another evaluation than report.json", todo=_AGAIN)
