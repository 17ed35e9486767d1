"""All diagnostics of the exact solution: what evaluate calls, and what it writes.

Collinearity follows from the moments; everything else from two passes over the training rows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from linreg.data.rows import Rows
from linreg.data.source_rows import SourceRows
from linreg.data.split.training_rows import TrainingRows
from linreg.data.tables.parquet import TableFile
from linreg.evaluation.diagnostics.collinearity import collinearity
from linreg.evaluation.diagnostics.document import Diagnostics
from linreg.evaluation.diagnostics.error_tests import breusch_pagan, jarque_bera, white
from linreg.evaluation.diagnostics.findings import findings
from linreg.evaluation.diagnostics.formula_tests import rainbow, reset
from linreg.evaluation.diagnostics.named_rows import influential_rows
from linreg.evaluation.diagnostics.passes.distance_counts import interval_of_median
from linreg.evaluation.diagnostics.passes.first_pass import NUM_POWERS, FirstPass, read_first
from linreg.evaluation.diagnostics.passes.sample import SampleOfRows, sampled_columns
from linreg.evaluation.diagnostics.passes.second_pass import read_second
from linreg.evaluation.diagnostics.passes.standardized_rows import (
    MAX_COEFFICIENTS,
    RowStandardization,
)
from linreg.evaluation.diagnostics.passes.summed_columns import FitColumns, VarianceColumns
from linreg.evaluation.diagnostics.passes.time_order import MAX_ORDERED, TimeOrder
from linreg.evaluation.diagnostics.serial_correlation import breusch_godfrey, durbin_watson
from linreg.fit.exact.reference import ExactReference
from linreg.params.ingest import Ingest
from linreg.params.model import WeightsKind
from linreg.params.split import Split, split_column
from linreg.process.workers import ALONE, Workers

NOT_ORDERED = "the rows have no order (split.by: time:COLUMN gives them one)"
TOO_MANY_ROWS = f"there are more than {MAX_ORDERED:,} rows to put into an order"


def diagnose(
    exact: ExactReference,
    shards: Sequence[Rows],
    ingested: Path,
    ingest: Ingest,
    split: Split,
    workers: Workers = ALONE,
) -> Diagnostics:
    """Read the rows of the fit twice, each process its own shards; all return the same.

    ingested       the folder of the ingest stage, whose table was split
    ingest, split  the sections of params.yaml, by which training rows are traced back to the user's
                   file
    """
    design = shards[0].design
    solution = exact.solution
    if reason := _reason_for_none(exact, shards[0].weights_kind):
        results: dict[str, Any] = {"reason": reason}
        if not (solution.is_penalized or solution.absorbed):
            results["collinearity"] = collinearity(exact, design).as_data()
        return Diagnostics(results, findings(results))
    num_rows = sum(each.num_rows for each in shards)
    rows = RowStandardization(exact, design.layout, num_rows)
    scale = float(exact.moments.totals().entry(0, 0)) / max(1, solution.df + solution.rank)
    by_time = split_column(split.by) if split.by.startswith("time:") else None
    is_ordered = by_time is not None and num_rows <= MAX_ORDERED
    sample = SampleOfRows(sampled_columns(exact, design), by_time, shards[0])
    first = read_first(rows, shards, sample, scale, ordered=is_ordered, workers=workers)
    table = TableFile(ingested / "table.parquet")
    training_rows = TrainingRows(table, split)
    order = None
    if is_ordered and by_time:
        order = TimeOrder.by_time(table, by_time, training_rows, first.residuals)

    source = SourceRows(Path(ingest.source), ingested)
    results = {
        "collinearity": collinearity(exact, design).as_data(),
        "durbin_watson": _durbin_watson(order, by_time),
        **_tests_of_errors(rows, first),
        **_tests_with_coordinates(rows, first, shards, scale, order, workers),
        "influence": influential_rows(first, solution, training_rows, source),
    }
    return Diagnostics(results, findings(results), first.sample, solution.rank)


def _reason_for_none(exact: ExactReference, weights: WeightsKind) -> str | None:
    solution = exact.solution
    if weights != "analytic":
        return f"{weights} weights are no inverse variances, for which these diagnostics take them"
    if solution.absorbed:
        return (
            "the formula absorbs factors; write them as terms to have diagnostics, as in + C(firm)"
        )
    rounding = "the residuals are no larger than the rounding of the cells"
    match solution.no_errors:
        case "ridge":
            return "a ridge fit (train.l2) is biased by intent, and so are its residuals"
        case "lasso":
            return "a lasso fit (train.l1) is biased by intent, and so are its residuals"
        case "elastic net":
            return "an elastic net fit (train.l1) is biased by intent, and so are its residuals"
        case "no degrees of freedom":
            return "there are as many coefficients as training rows, and no residuals"
        case "rounding":
            return rounding
        case None:
            return None if solution.sigma else rounding


def _tests_of_errors(rows: RowStandardization, first: FirstPass) -> dict[str, Any]:
    """Return the tests of equal variance and of normality."""
    columns = VarianceColumns(rows)
    against = "columns" if columns.has_coordinates else "fitted values"
    normality = jarque_bera(first.variance, columns)
    no_columns = "the fitted values are all the same"
    tests: dict[str, Any] = {}
    for name, is_studentized in (("breusch_pagan", True), ("breusch_pagan_original", False)):
        test = breusch_pagan(first.variance, columns, studentized=is_studentized)
        tests[name] = {"against": against, **test.as_data()} if test else {"reason": no_columns}
    test = white(first.variance, columns)
    squares_of = "columns" if columns.is_crossed else "fitted values"
    tests["white"] = {"against": squares_of, **test.as_data()} if test else {"reason": no_columns}
    if normality and normality.test:
        shape = {"skewness": normality.skewness, "kurtosis": normality.kurtosis}
        tests["jarque_bera"] = {**shape, **normality.test.as_data()}
    else:
        tests["jarque_bera"] = {"reason": "the residuals are all the same"}
    return tests


def _tests_with_coordinates(
    rows: RowStandardization,
    first: FirstPass,
    shards: Sequence[Rows],
    scale: float,
    order: TimeOrder | None,
    workers: Workers,
) -> dict[str, Any]:
    """Return the tests that regress on all columns: RESET, Rainbow, Breusch–Godfrey."""
    names = ("reset", "rainbow", "breusch_godfrey")
    if not first.specification:
        reason = f"there are more than {MAX_COEFFICIENTS} coefficients"
        return {key: {"reason": reason} for key in names}
    df, rank = rows.solution.df, rows.solution.rank
    of_reset = reset(first.specification, FitColumns(rows, NUM_POWERS), df)
    median = interval_of_median(first.counts)
    second = read_second(rows, shards, scale, median, order, workers)
    of_rainbow = rainbow(second.central, FitColumns(rows, 0), df, rank)
    tests: dict[str, Any] = {
        "reset": of_reset.as_data()
        if of_reset
        else {"reason": "powers of the fitted values are combinations of the columns"},
        "rainbow": {"central": "in time" if order else "by leverage", **of_rainbow.as_data()}
        if of_rainbow
        else {"reason": "the central rows do not determine the coefficients"},
        "breusch_godfrey": {"reason": NOT_ORDERED},
    }
    if order and second.with_lags:
        of_orders = breusch_godfrey(second.with_lags, FitColumns(rows, order.num_lags))
        tests["breusch_godfrey"] = {
            str(lags): test.as_data() for lags, test in of_orders.items() if test
        }
    return tests


def _durbin_watson(order: TimeOrder | None, by_time: str | None) -> dict[str, Any]:
    if order is None:
        return {"reason": TOO_MANY_ROWS if by_time else NOT_ORDERED}
    statistic = durbin_watson(order.residuals)
    if statistic is None:
        return {"reason": NOT_ORDERED}
    return {"statistic": statistic}
