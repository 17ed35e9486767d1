"""Which standard errors are computed besides the classical ones, and which of the two count."""

from dataclasses import dataclass

from linreg.evaluation.inference import Headline
from linreg.params.evaluate import Evaluate
from linreg.params.model import WeightsKind
from linreg.params.split import split_column
from linreg.params.standard_errors import Errors, parse_errors


@dataclass(frozen=True)
class ErrorsChoice:
    """The choice of standard errors.

    robust        HC0 to HC3, cluster or HAC, with its columns and lags
    headline      which ones count
    reason        why, as a phrase
    is_requested  whether `evaluate.errors` names them, so that it is an error if there are none
    """

    robust: Errors
    headline: Headline
    reason: str
    is_requested: bool

    @property
    def name(self) -> str:
        """The robust ones as `evaluate.errors` has them."""
        kind, columns, lags = self.robust
        if lags is not None:
            return f"{kind}:{lags}"
        return f"{kind}:{','.join(columns)}" if columns else kind


def choose_errors(evaluate: Evaluate, by: str, weights_kind: WeightsKind) -> ErrorsChoice:
    """Return what `evaluate.errors` asks for; auto follows from `split.by` and the weights.

    Rows of a group share what the formula leaves out, which classical and HC errors take for new
    evidence in every row. Sampling weights are no inverse variances, as classical errors take them.
    """
    asked = parse_errors(evaluate.errors)
    if asked.kind == "HAC":
        # The times are clusters in their order.
        robust = Errors("HAC", (split_column(by) or "",), asked.lags)
        return ErrorsChoice(robust, "robust", f"evaluate.errors: HAC:{asked.lags}", True)
    if asked.kind not in ("auto", "classical"):
        return ErrorsChoice(asked, "robust", f"evaluate.errors: {evaluate.errors}", True)
    if asked.kind == "auto" and by.startswith("group:"):
        column = split_column(by) or ""
        reason = f"rows of one {column} depend on each other (split.by: {by})"
        return ErrorsChoice(Errors("cluster", (column,)), "robust", reason, False)
    if asked.kind == "auto" and weights_kind == "sampling":
        reason = "sampling weights are no inverse variances (model.weights)"
        return ErrorsChoice(Errors("HC1"), "robust", reason, False)
    reason = "no groups and no sampling weights" if asked.kind == "auto" else ""
    return ErrorsChoice(Errors("HC3"), "usual", reason or "evaluate.errors: classical", False)
