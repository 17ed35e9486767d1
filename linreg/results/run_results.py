"""All results of one run, read from the folder that the evaluate stage writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.evaluation.paired.paired_test import PairedTest
from linreg.files import read_folder
from linreg.params.metric_names import CV
from linreg.results.context import FORMAT
from linreg.results.documents import (
    REMEDY,
    read_documents,
    read_predictions,
    require_same_evaluation,
)

_REQUIRED_KEYS = {
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
DIAGNOSTICS = "diagnostics.json"
NO_ERRORS = {
    "ridge": "A ridge fit (train.l2) is biased by intent: it has no standard errors, t and p.",
    "lasso": "A lasso fit (train.l1) is biased by intent, and has chosen its columns: it has no "
    "standard errors, t and p.",
    "elastic net": "An elastic net fit (train.l1) is biased by intent, and has chosen its columns: "
    "it has no standard errors, t and p.",
    "no degrees of freedom": "There are as many coefficients as training rows, which leaves nothing"
    " to estimate standard errors from.",
    "rounding": "The residuals are no larger than the rounding of the cells, so that standard "
    "errors, t and p cannot be told.",
}


class CoefficientRow(NamedTuple):
    """A row of the coefficient table; None where a number is unknown or does not exist.

    trained            the value in the model
    exact, true        at the exact minimum; what generated data were drawn with
    column_sd          standard deviation of its column of X; None for b
    classical, robust  standard_error, t, p, low and high by name (see linreg.evaluation.inference)
    headline           those of the two that count
    """

    name: str
    trained: float
    exact: float | None
    true: float | None
    column_sd: float | None
    classical: Mapping[str, float | None]
    robust: Mapping[str, float | None]
    headline: Mapping[str, float | None]

    @property
    def distance(self) -> float | None:
        """(trained − exact) / classical standard error."""
        return self._distance_from_exact(self.trained)

    @property
    def distance_of_truth(self) -> float | None:
        """(true − exact) / standard error."""
        return None if self.true is None else self._distance_from_exact(self.true)

    def _distance_from_exact(self, value: float) -> float | None:
        error = self.classical.get("standard_error")
        return (value - self.exact) / error if error and self.exact is not None else None


@dataclass(frozen=True)
class RunResults:
    """All results of one run, as the evaluate stage has written them.

    metrics            metrics.json: by part (train, validation, test; cv over folds), and the gap
    passed, gates      gates.json: whether all gates passed; value, min, max and passed by name
    inference          inference.json: the coefficient table and what belongs to it
    context            report.json (see linreg.results.context)
    actual, predicted  (n,) a sample of the rows of the scored part
    names              those of θ in the order of the formula; empty for that of the alphabet
    diagnostics        diagnostics.json (see linreg.evaluation.diagnostics); empty without one
    """

    metrics: Mapping[str, Any]
    passed: bool
    gates: Mapping[str, Mapping[str, Any]]
    inference: Mapping[str, Any]
    context: Mapping[str, Any]
    actual: Floats
    predicted: Floats
    names: Sequence[str] = ()
    diagnostics: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        folder: Path,
        model: Mapping[str, str] = MappingProxyType({}),
        names: Sequence[str] = (),
    ) -> "RunResults":
        """Read a folder like models/evaluation, which must be that of a model (its MD5 by path).

        Raises UserError for a file that is absent, damaged, of another format, or belongs to
        another model or another evaluation than report.json.
        """
        return read_folder(folder, lambda path: cls._read(path, model, names))

    @classmethod
    def _read(cls, folder: Path, model: Mapping[str, str], names: Sequence[str]) -> "RunResults":
        required = read_documents(folder, *_REQUIRED_KEYS, model=model)
        for (name, keys), document in zip(_REQUIRED_KEYS.items(), required, strict=True):
            if not set(keys) <= set(document):
                raise UserError(folder / name, f"must hold {', '.join(keys)}", todo=REMEDY)
        metrics, gates, inference, context = required
        if context["format"] != FORMAT:
            raise UserError(
                folder / "report.json",
                f"must have format {FORMAT}",
                found=context["format"],
                todo=REMEDY,
            )
        predictions = folder / "predictions.csv"
        require_same_evaluation(predictions, context)
        actual, predicted = read_predictions(predictions)
        diagnostics: Mapping[str, Any] = {}
        # Evaluations from before there were diagnostics have none.
        if DIAGNOSTICS in context["files"]:
            (diagnostics,) = read_documents(folder, DIAGNOSTICS, model=model)
        verdict = (gates["passed"], gates["gates"])
        return cls(
            metrics, *verdict, inference, context, actual, predicted, names, diagnostics=diagnostics
        )

    @property
    def residuals(self) -> Floats:
        """Actual − predicted, (n,)."""
        # Infinite where the difference is beyond float64.
        with np.errstate(over="ignore"):
            residuals: Floats = self.actual - self.predicted
        return residuals

    @property
    def coefficients(self) -> list[CoefficientRow]:
        """The coefficient table: b first, where there is one, then θ as in `names`."""
        context, known = self.context, self.inference["coefficients"]
        truth = context["truth"]
        values = [("b", context["b"], truth and truth["b"], None)] if context["intercept"] else []
        values += [
            (name, value, truth and truth["theta"].get(name), context["spread"][name])
            for name, value in self._theta.items()
        ]
        rows = []
        for name, trained, true, column_sd in values:
            exact = known.get(name, {})
            classical, robust = exact.get("usual") or {}, exact.get("robust") or {}
            errors = (classical, robust, robust if self.has_robust_headline else classical)
            row = CoefficientRow(name, trained, exact.get("estimate"), true, column_sd, *errors)
            rows.append(row)
        return rows

    @property
    def _theta(self) -> Mapping[str, float]:
        # A document has its keys in the order of the alphabet.
        theta: Mapping[str, float] = self.context["theta"]
        return {name: theta[name] for name in self.names} if self.names else theta

    @property
    def is_exact(self) -> bool:
        """Whether the model is the exact minimum."""
        return bool(self.context["parameters"]["train.solver"] == "exact")

    @property
    def has_errors(self) -> bool:
        """Whether there are standard errors."""
        return self.inference.get("no_errors") is None

    @property
    def weights(self) -> tuple[str, str] | None:
        """The column of weights and their kind; None without weights."""
        parameters = self.context["parameters"]
        if column := parameters.get("model.weights"):
            return column, "analytic"
        if column := parameters.get("model.weights.column"):
            return column, parameters["model.weights.kind"]
        return None

    @property
    def joint_tests(self) -> list[tuple[str, int, Mapping[str, Any]]]:
        """The tests of the terms of more than one coefficient: term, their number, and f, df2 and p
        with the standard errors that count.

        Evaluations of older versions have none.
        """
        kind = "robust" if self.has_robust_headline else "usual"
        return [
            (each["term"], each["df"], each[kind])
            for each in self.inference.get("terms") or ()
            if each["df"] > 1 and each[kind] and each[kind]["f"] is not None
        ]

    @property
    def has_robust_headline(self) -> bool:
        """Whether it is the robust standard errors that count."""
        return bool(self.inference.get("headline") == "robust")

    @property
    def failed_gates(self) -> list[str]:
        """The names of the gates that failed."""
        return [name for name, gate in self.gates.items() if not gate["passed"]]

    @property
    def problems(self) -> list[Mapping[str, str]]:
        """The findings of the diagnostics that are warnings: diagnostic, title and text of each."""
        return [each for each in self.diagnostics.get("findings", []) if each["title"]]

    @property
    def missing_errors(self) -> str | None:
        """Why there are no standard errors, or not all, as a sentence; None if there are."""
        problem = self.inference.get("robust_problem")
        if problem and self.has_robust_headline:
            kind = self.inference["robust_kind"]
            return f"Some standard errors ({kind}) do not exist: {problem}."
        return NO_ERRORS.get(str(self.inference.get("no_errors")))

    @property
    def improvement(self) -> str | None:
        """How the model compares with the file that is its baseline, as text; None without one."""
        baseline = self.metrics.get("baseline_file")
        if baseline is None:
            return None
        test = PairedTest(**baseline["improvement"])
        return f"{baseline['file']} → model on {test.num_rows} test rows: {test.in_words()}"

    @property
    def cross_validation(self) -> Mapping[str, Any] | None:
        """The metrics over folds, and of each fold; None without folds."""
        return self.metrics.get(CV)

    @property
    def confidence(self) -> str:
        """The confidence of the intervals as text, such as `95 %`."""
        return f"{100 * self.inference['confidence']:.12g} %"

    @property
    def parts(self) -> list[str]:
        """The names of the parts that have rows."""
        return [name for name in ("train", "validation", "test") if name in self.metrics]


class NamedResults(NamedTuple):
    """The results of a run under the name that a legend gives it; empty for the only run."""

    name: str
    results: RunResults
