from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.coercion import CoercedTable, InvalidCells
from linreg.data.formula.factors import FactorValues
from linreg.data.formula.row_errors import CollectingHandler, RaisingHandler
from linreg.errors import UserError

NAN, INF = float("nan"), float("inf")


def number(text: str, *columns: str) -> dict[str, Any]:
    return {"factor": text, "kind": "number", "columns": list(columns or [text])}


def category(name: str) -> dict[str, Any]:
    return {"factor": name, "kind": "category", "columns": [name]}


def table(invalid: Mapping[str, InvalidCells] | None = None, **columns: Any) -> CoercedTable:
    return CoercedTable(pa.table(columns), invalid or {})


def collecting(features: CoercedTable, **means: float) -> tuple[FactorValues, CollectingHandler]:
    handler = CollectingHandler(features.table.num_rows)
    return FactorValues(features, means, handler), handler


def raising(features: CoercedTable, **means: float) -> FactorValues:
    return FactorValues(features, means, RaisingHandler(features.table.num_rows, "t.csv", 1))


def rows_of(handler: CollectingHandler) -> dict[str, list[int]]:
    return {reason: np.flatnonzero(rows).tolist() for reason, rows in handler.reasons.items()}


def test_an_expression_is_computed_from_its_columns() -> None:
    values, handler = collecting(table(x=[1.0, 2.0], n=[3, 4]))
    assert values.number(number("I(x * n)", "x", "n")).tolist() == [3.0, 8.0]
    assert values.number(number("n")).tolist() == [3.0, 4.0]
    assert handler.reasons == {}


def test_a_factor_is_computed_once() -> None:
    values, _ = collecting(table(x=[1.0, 2.0], g=["a", "b"]))
    assert values.number(number("exp(x)", "x")) is values.number(number("exp(x)", "x"))
    codes = values.level_codes(category("g"), ["a", "b"])
    assert values.level_codes(category("g"), ["a", "b"]) is codes


def test_a_column_may_have_any_name() -> None:
    values, _ = collecting(CoercedTable(pa.table({"log(x) ~": [1.0, 2.0]}), {}))
    assert values.number(number("log(x) ~")).tolist() == [1.0, 2.0]


def test_levels_are_counted_from_zero() -> None:
    values, handler = collecting(table(g=["b", "a", "c", "b"], k=[7, 7, 9, 8]))
    assert values.level_codes(category("g"), ["a", "b", "c"]).tolist() == [1, 0, 2, 1]
    assert values.level_codes(category("k"), [7, 8, 9]).tolist() == [0, 0, 2, 1]
    assert handler.reasons == {}


def test_unseen_and_missing_levels_are_errors_of_their_own_without_a_code() -> None:
    values, handler = collecting(table(g=["a", None, "z", "b"], h=["a", "z", "a", "a"]))
    assert values.level_codes(category("g"), ["a", "b"]).tolist() == [0, -1, -1, 1]
    assert values.level_codes(category("h"), ["a"]).tolist() == [0, -1, 0, 0]
    assert rows_of(handler) == {
        "missing value: g": [1],
        "unseen level: g": [2],
        "unseen level: h": [1],
    }


@pytest.mark.parametrize(("num_levels", "more"), [(20, ""), (21, ", …")])
def test_twenty_of_the_known_levels_are_listed(num_levels: int, more: str) -> None:
    levels = [f"l{i:02}" for i in range(num_levels)]
    with pytest.raises(UserError) as caught:
        raising(table(g=["l00", "z"])).level_codes(category("g"), levels)
    assert str(caught.value) == (
        "t.csv: row 2: column g: holds a level that the training rows do not have; found 'z';"
        f" known levels: {', '.join(levels[:20])}{more}"
    )


def test_a_missing_number_is_replaced_by_a_mean_or_an_error() -> None:
    values, handler = collecting(table(x=[1.0, None], z=[None, 2.0]), x=5.5)
    assert values.number(number("x")).tolist() == [1.0, 5.5]
    assert np.isnan(values.number(number("z"))).tolist() == [True, False]
    assert rows_of(handler) == {"missing value: z": [0]}


def test_large_integers_are_rounded_also_next_to_a_missing_one() -> None:
    values, _ = collecting(table(n=[2**53 + 1, None]), n=0.5)
    assert values.number(number("n")).tolist() == [2.0**53, 0.5]


def test_a_missing_cell_is_named() -> None:
    with pytest.raises(UserError) as caught:
        raising(table(x=[1.0, None])).number(number("x"))
    expected = "t.csv: row 2: column x: is missing; fill the cell or leave the row out"
    assert str(caught.value) == expected


def an_invalid(name: str, cells: Sequence[str], valid: Sequence[float | None]) -> CoercedTable:
    original = pa.array(cells)
    rows = np.array([value is None for value in valid])
    return table({name: InvalidCells(rows, original)}, **{name: pa.array(valid)})


def test_a_cell_that_is_no_number_is_an_error_with_or_without_a_mean() -> None:
    features = an_invalid("x", ["1", "one"], [1.0, None])
    for means in ({}, {"x": 3.0}):
        with pytest.raises(UserError) as caught:
            raising(features, **means).number(number("x"))
        assert str(caught.value) == (
            "t.csv: row 2: column x: must hold a number; found 'one'; correct the cell"
        )
    values, handler = collecting(features)
    values.number(number("x"))
    assert rows_of(handler) == {"not a number: x": [1]}


def test_an_unseen_level_is_named_as_it_was_before_it_was_coerced() -> None:
    features = an_invalid("k", ["1", "1.5"], [1, None])
    with pytest.raises(UserError, match=r"row 2: column k: holds a level .* found '1\.5'; "):
        raising(features).level_codes(category("k"), [1])


def test_a_number_that_is_not_finite_is_an_error_of_its_column_and_else_of_the_expression() -> None:
    values, handler = collecting(table(x=[INF, 0.0, 1.0, None, NAN], z=[1.0, 1.0, 1.0, 1.0, 1.0]))
    values.number(number("I(z / x)", "z", "x"))
    # Its rows have an error already.
    values.number(number("log(x)", "x"))
    assert rows_of(handler) == {
        "missing value: x": [3],
        "not finite: x": [0, 4],
        "not finite: I(z / x)": [1],
    }


def test_what_is_not_finite_is_shown_with_the_columns_it_was_computed_from() -> None:
    values = raising(table(x=[1.0, 0.1], z=[1.0, 0.0]))
    with pytest.raises(UserError) as caught:
        values.number(number("I(x / z)", "x", "z"))
    assert str(caught.value) == (
        "t.csv: row 2: I(x / z): is not finite; found x = 0.10000000000000001, z = 0"
    )


def test_a_mean_that_makes_an_expression_infinite_is_told_from_a_cell() -> None:
    values = raising(table(x=[1.0, None], z=[0.0, 2.0]), x=2.0, z=1.0)
    with pytest.raises(UserError) as caught:
        values.number(number("log(x - z)", "x", "z"))
    assert str(caught.value) == (
        "t.csv: row 2: log(x - z): is not finite; "
        "found x = 2 (the mean: the cell is missing), z = 2"
    )


def test_values_without_columns_are_checked_too() -> None:
    values, handler = collecting(table(x=[1.0, 2.0, 3.0]))
    values.check_finite(np.array([1.0, NAN, -INF]), "the product")
    assert rows_of(handler) == {"not finite: the product": [1, 2]}
    values.check_finite(np.array([1.0, 2.0, INF]), "another")
    # Rows with an error already have no further one.
    assert rows_of(handler) == {"not finite: the product": [1, 2]}
