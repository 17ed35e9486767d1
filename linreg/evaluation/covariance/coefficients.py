"""The coefficient table of the rows of a fit, with the standard errors that were asked for."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.evaluation.coefficient_covariance import CoefficientCovariance
from linreg.evaluation.covariance.choice import ErrorsChoice, choose_errors
from linreg.evaluation.covariance.clusters import Clusterings
from linreg.evaluation.covariance.level_robust import robust_standard_errors
from linreg.evaluation.covariance.robust import HCKind
from linreg.evaluation.covariance.wald_tests import wald_tests
from linreg.evaluation.formula_terms import FormulaTerms
from linreg.evaluation.goodness_of_fit.residual_quantiles import summarize_rows
from linreg.evaluation.inference import Inference, infer
from linreg.fit.exact.least_squares import LeastSquares
from linreg.params.evaluate import Evaluate
from linreg.params.standard_errors import Errors
from linreg.process.workers import ALONE, Workers


def infer_from_rows(
    solution: LeastSquares,
    shards: Sequence[Rows],
    params: Evaluate,
    by: str,
    workers: Workers = ALONE,
) -> Inference:
    """Read the rows of the fit again and return its coefficient table.

    `by` says as `split.by` how the rows were split.

    Raises UserError for clusters or lags that `evaluate.errors` asks for and the rows do not have.
    """
    choice, covariance = robust_covariance(solution, shards, params, by, workers)
    terms = FormulaTerms.of_design(shards[0].design, solution.reported)
    num_rows = solution.num_rows
    if shards[0].has_frequencies:
        num_rows = solution.df + solution.rank
    inference = infer(
        solution,
        params.confidence,
        covariance,
        choice.headline,
        choice.reason,
        num_rows,
        summarize_rows(solution, shards, workers),
    )
    return replace(inference, terms=tuple(wald_tests(solution, terms, covariance)))


def robust_covariance(
    solution: LeastSquares,
    shards: Sequence[Rows],
    params: Evaluate,
    by: str,
    workers: Workers = ALONE,
) -> tuple[ErrorsChoice, CoefficientCovariance]:
    """Read the rows of the fit and return the robust covariance, and why it is this one.

    Raises UserError like `infer_from_rows`.
    """
    choice = choose_errors(params, by, shards[0].weights_kind)
    if choice.robust.columns:
        clusterings = Clusterings(shards, choice.robust.columns)
        _require_clusters(choice, clusterings)
        if min(clusterings.sizes) > 1:
            from linreg.evaluation.covariance.clustered import clustered_covariance

            return choice, clustered_covariance(
                solution,
                shards,
                clusterings,
                choice.name,
                workers,
                lags=choice.robust.lags,
                small_sample=params.small_sample,
            )
        reason = f"{choice.reason}, but all training rows are of one"
        choice = replace(choice, robust=Errors("HC3"), headline="usual", reason=reason)
    kind = cast("HCKind", choice.robust.kind)
    frequencies = shards[0].has_frequencies
    found = robust_standard_errors(solution, shards, workers, kind, frequencies=frequencies)
    return choice, found.covariance()


def _require_clusters(choice: ErrorsChoice, clusterings: Clusterings) -> None:
    """Raise UserError if the training rows have too few clusters or times for what is asked."""
    where = f"params.yaml: evaluate.errors: {choice.name}"
    lags = choice.robust.lags
    if lags is not None and lags >= clusterings.sizes[0]:
        raise UserError(
            where,
            "must have fewer lags than the training rows have times",
            found=f"{clusterings.sizes[0]} different values of {clusterings.columns[0]}",
            todo="take fewer lags",
        )
    for column, size in zip(clusterings.columns, clusterings.sizes, strict=False):
        if size < 2 and choice.is_requested:
            raise UserError(
                where,
                "needs at least two clusters",
                found=f"one value of {column} in the training rows",
                todo="name another column, or set evaluate.errors to auto",
            )
