"""Tables of the analysis of variance in a terminal, and as plain data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linreg.evaluation.selection.nested_models import NestedModel
from linreg.evaluation.selection.stepwise import NO_CHANGE, Change, Criterion, Step
from linreg.evaluation.selection.term_tests import TermTest, rows_of
from linreg.fit.exact.least_squares import LeastSquares
from linreg.number_format import aligned, decimals_of, p_value
from linreg.text import table

DIGITS = 5
"""Significant digits of sums of squares and of F."""
DECIMALS_OF_CRITERION = 3
NUMERALS = {1: "I", 2: "II", 3: "III"}


def term_lines(tests: Sequence[TermTest], solution: LeastSquares) -> list[str]:
    """Return the table of tests, with the residuals below it."""
    rows = list(rows_of(tests, solution))
    columns = [
        ("", [row.term for row in rows]),
        ("df", [str(row.df) for row in rows]),
        ("sum of squares", _numbers([row.sum_of_squares for row in rows])),
        ("mean square", _numbers([_mean_square(row) for row in rows])),
        *_tests([row.f for row in rows], [row.p for row in rows]),
    ]
    return _lines(columns)


def wald_lines(terms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of the robust tests of terms in inference.json."""
    tests = [each["robust"] or {"f": None, "p": None} for each in terms]
    columns = [
        ("", [each["term"] for each in terms]),
        ("df", [str(each["df"]) for each in terms]),
        *_tests([test["f"] for test in tests], [test["p"] for test in tests]),
    ]
    return _lines(columns)


def change_lines(changes: Sequence[Change], criterion: Criterion) -> list[str]:
    """Return the table of models one term away, as R's drop1 and step print it."""
    columns = [
        ("", [f"{each.sign} {each.text}".strip() for each in changes]),
        ("df", ["" if each.df is None else str(each.df) for each in changes]),
        ("sum of squares", _numbers([each.sum_of_squares for each in changes])),
        ("RSS", _numbers([each.rss for each in changes])),
        (criterion.upper(), aligned([each.criterion for each in changes], DECIMALS_OF_CRITERION)),
        *_tests([each.f for each in changes], [each.p for each in changes]),
    ]
    return _lines(columns)


def nested_lines(models: Sequence[NestedModel]) -> list[str]:
    """Return the table of nested models, as R's anova prints it, and the formula of each."""
    columns = [
        ("", [model.name for model in models]),
        ("df", [str(model.df) for model in models]),
        ("RSS", _numbers([model.rss for model in models])),
        ("added", ["" if model.added is None else str(model.added) for model in models]),
        ("sum of squares", _numbers([model.sum_of_squares for model in models])),
        *_tests([model.f for model in models], [model.p for model in models]),
    ]
    return [*(f"{model.name}: {model.formula}" for model in models), "", *_lines(columns)]


def step_lines(step: Step, formula: str, criterion: Criterion) -> Iterator[str]:
    """Yield a model on the path of stepwise selection, and the models one term away from it."""
    value = "none" if step.criterion is None else f"{step.criterion:.{DECIMALS_OF_CRITERION}f}"
    yield f"{formula}: {criterion.upper()} {value}"
    yield from change_lines(step.changes, criterion)
    yield ""


def as_data(rows: Sequence[TermTest | Change | NestedModel]) -> list[dict[str, Any]]:
    """Return plain data for JSON, with every digit."""
    return [_change(row) if isinstance(row, Change) else row._asdict() for row in rows]


def _change(change: Change) -> dict[str, Any]:
    kinds = {NO_CHANGE: "none", "−": "drop", "+": "add"}
    values = change._asdict()
    del values["sign"], values["term"]
    return {"change": kinds[change.sign], "term": values.pop("text"), **values}


def _mean_square(row: TermTest) -> float | None:
    return row.sum_of_squares / row.df if row.df and row.sum_of_squares is not None else None


def _numbers(values: Sequence[float | None]) -> list[str]:
    return _blank(aligned(values, [decimals_of(value, DIGITS) for value in values]), values)


def _tests(f: Sequence[float | None], p: Sequence[float | None]) -> list[tuple[str, list[str]]]:
    return [("F", _numbers(f)), ("p", _blank([p_value(value) for value in p], p))]


def _blank(cells: list[str], values: Sequence[float | None]) -> list[str]:
    """Return cells of a column, empty where there is no value."""
    return ["" if value is None else cell for cell, value in zip(cells, values, strict=True)]


def _lines(columns: Sequence[tuple[str, list[str]]]) -> list[str]:
    titles, cells = zip(*columns, strict=True)
    return table([list(titles), *map(list, zip(*cells, strict=True))], "<>")
