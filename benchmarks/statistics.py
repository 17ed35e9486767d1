"""What is asked of a linear model, compared with those who answer it too: one thread.

Ours read a table on disk, with 4 features, a category of 12 months and one of 5000 firms; theirs
get it as a frame or an array in memory. Each work begins with the fit, as it does where it is used.

HC3, cluster   standard errors: statsmodels, pyfixest
fit            log-likelihood, AIC, BIC and the quartiles of the residuals: statsmodels, numpy
terms          tests of all terms, type II: statsmodels
folds          10 folds: scikit-learn's cross_validate
path           100 sizes of a lasso penalty: scikit-learn's lasso_path
poly           the columns of poly(x1, 3), learned and made: formulaic
absorbed       y ~ x1 + … | firm + month: pyfixest
"""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from linreg.data.formula.design import Design
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.schema import Column, Schema
from linreg.data.rows import Rows
from linreg.data.split.folds import FoldsByRow
from linreg.data.tables.parquet import TableFile, write_table
from linreg.evaluation.covariance.coefficients import infer_from_rows
from linreg.evaluation.formula_terms import FormulaTerms
from linreg.evaluation.goodness_of_fit.residual_quantiles import summarize_rows
from linreg.evaluation.selection.submodels import Submodels
from linreg.evaluation.selection.term_tests import term_tests
from linreg.fit.cross_validation.fold_moments import fold_moments
from linreg.fit.cross_validation.least_squares import cross_validate_least_squares
from linreg.fit.exact.reference import ExactReference
from linreg.params.evaluate import Evaluate
from linreg.params.train import Train

NUMBERS = ("x1", "x2", "x3", "x4")
PLAIN = f"y ~ {' + '.join(NUMBERS)}"
ROWS_PER_GROUP = 131_072
NUM_FIRMS, NUM_MONTHS = 5000, 12
MOST_ROWS_OF_TERMS = 2_000_000
"""For statsmodels, which holds a design matrix for each term that it leaves out."""


class Work(NamedTuple):
    """A formula, ours from its rows, and theirs by name."""

    formula: str
    ours: Callable[[list[Rows]], object]
    theirs: dict[str, Callable[[], object]]


def compare(num_rows: int, turns: int) -> Iterator[Ratio]:
    """Compare with those peers that are installed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        frame = _write(path, num_rows)
        for name, work in _works(frame).items():
            for peer, theirs in work.theirs.items():
                with threadpool_limits(1):
                    times = in_turns(
                        lambda: seconds(lambda: work.ours(_open(path, work.formula))),  # noqa: B023
                        lambda: seconds(theirs),  # noqa: B023
                        turns,
                    )
                yield ratio_of(name, len(NUMBERS), peer, times, num_rows)


def _works(frame: pd.DataFrame) -> dict[str, Work]:
    import statsmodels.formula.api as smf
    from sklearn.linear_model import LinearRegression, lasso_path
    from sklearn.model_selection import KFold, cross_validate
    from statsmodels.stats.anova import anova_lm

    X, y = frame[list(NUMBERS)].to_numpy(), frame["y"].to_numpy()
    has_pyfixest = importlib.util.find_spec("pyfixest") is not None
    pyfixest: Any = importlib.import_module("pyfixest") if has_pyfixest else None

    def fit_and_quartiles() -> None:
        fit = smf.ols(PLAIN, frame).fit()
        fit.llf, fit.aic, fit.bic, np.quantile(fit.resid, [0, 0.25, 0.5, 0.75, 1])

    of_fixest: dict[str, Callable[[], object]] = {}
    absorbed = f"{PLAIN} | firm + month"
    works = {
        "HC3": Work(
            PLAIN,
            lambda rows: _infer(rows, "HC3"),
            {"statsmodels": lambda: smf.ols(PLAIN, frame).fit(cov_type="HC3").bse},
        ),
        "cluster": Work(PLAIN, lambda rows: _infer(rows, "cluster:firm"), of_fixest),
        "fit": Work(PLAIN, _fit_and_quartiles, {"statsmodels": fit_and_quartiles}),
        "folds": Work(
            PLAIN,
            _folds,
            {
                "sklearn": lambda: cross_validate(
                    LinearRegression(), X, y, cv=KFold(10), scoring=("neg_mean_squared_error", "r2")
                )
            },
        ),
        "path": Work(PLAIN, _path, {"sklearn": lambda: lasso_path(X - X.mean(axis=0), y)}),
        "poly": Work("y ~ poly(x1, 3)", _columns, {"formulaic": lambda: _formulaic(frame)}),
    }
    if len(frame) <= MOST_ROWS_OF_TERMS:
        formula = f"{PLAIN} + C(month)"
        works["terms"] = Work(
            formula, _terms, {"statsmodels": lambda: anova_lm(smf.ols(formula, frame).fit(), typ=2)}
        )
    if pyfixest:
        works["HC3"].theirs["pyfixest"] = lambda: pyfixest.feols(PLAIN, frame, vcov="HC3").se()
        of_fixest["pyfixest"] = lambda: pyfixest.feols(PLAIN, frame, vcov={"CRV1": "firm"}).se()
        works["absorbed"] = Work(
            absorbed, _reference, {"pyfixest": lambda: pyfixest.feols(absorbed, frame).se()}
        )
    return works


def _reference(shards: list[Rows], **options: Any) -> ExactReference:
    design, train = shards[0].design, Train(solver="exact", **options)
    return ExactReference.compute(
        shards, design.names, design.schema.intercept, train, roundoffs=design.roundoffs
    )


def _infer(shards: list[Rows], errors: str) -> object:
    return infer_from_rows(_reference(shards).solution, shards, Evaluate(errors=errors), "row")


def _fit_and_quartiles(shards: list[Rows]) -> object:
    return summarize_rows(_reference(shards).solution, shards)


def _folds(shards: list[Rows]) -> object:
    design = shards[0].design
    folds = FoldsByRow(10, "row", [rows.num_rows for rows in shards])
    by_fold = fold_moments(shards, folds, roundoffs=design.roundoffs)
    whole = ExactReference.from_moments(by_fold.total, design.names, design.schema.intercept)
    return cross_validate_least_squares(by_fold, whole.solution)


def _path(shards: list[Rows]) -> object:
    return _reference(shards, l1=0.01).penalty_path()


def _terms(shards: list[Rows]) -> object:
    reference = _reference(shards)
    terms = FormulaTerms.of_design(shards[0].design, reference.solution.kept)
    return term_tests(Submodels(reference.solution, reference.moments, terms), 2)


def _columns(shards: list[Rows]) -> object:
    return [chunk.X for rows in shards for chunk in rows]


def _formulaic(frame: pd.DataFrame) -> object:
    import formulaic

    return formulaic.model_matrix("poly(x1, 3)", frame)


def _write(path: Path, num_rows: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    columns = dict(zip(NUMBERS, random.standard_normal((len(NUMBERS), num_rows)), strict=True))
    firm, month = (random.integers(0, size, num_rows) for size in (NUM_FIRMS, NUM_MONTHS))
    y = random.standard_normal(num_rows) + random.standard_normal(NUM_FIRMS)[firm] + month / 10
    for j, values in enumerate(columns.values()):
        y += (j + 1) * values
    table = pa.table({**columns, "firm": firm, "month": month, "y": y})
    write_table(path, table.schema, (each for each in _groups(table)))
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _groups(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, ROWS_PER_GROUP):
        yield table.slice(start, ROWS_PER_GROUP)


def _open(path: Path, formula: str) -> list[Rows]:
    table = TableFile(path)
    types = {"firm": "int64", "month": "int64"}
    columns = {name: Column(types.get(name, "double"), "number") for name in table.schema.names}
    parsed = parse_formula(formula, table.schema.names)
    needed = {name: columns[name] for name in parsed.columns}
    schema = Schema(**design_spec(parsed), formula=formula, columns=needed, fill_missing=False)
    rows = Rows(path, Design.fit(schema, list(table.row_groups())))
    rows.limit_cache(0)
    return [rows]
