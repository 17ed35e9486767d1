from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from linreg.data.formula.coercion import CoercedTable, coerce
from linreg.data.formula.design import Design
from linreg.data.formula.schema import Schema
from linreg.errors import UserError

TRAIN = pa.table(
    {
        "y": [1.0, 2.0, 3.0],
        "x": [1.0, 2.0, 4.0],
        "k": [1, 2, 3],
        "g": ["a", "b", "a"],
        "flag": [True, False, True],
    }
)


@pytest.fixture
def schema(learn: Callable[..., Design]) -> Schema:
    return learn("y ~ x + C(k) + g + flag", TRAIN).schema


def of(schema: Schema, column: str, cells: Any, text: bool = False) -> CoercedTable:
    """Rows whose column has these cells; the others are good."""
    good = {"x": 1.0, "k": 1, "g": "a", "flag": True}
    frame = pd.DataFrame({name: [value] * len(cells) for name, value in good.items()})
    return coerce(frame.assign(**{column: cells}), schema, "the input", text=text)


def error_of(schema: Schema, column: str, cells: Any, text: bool = False) -> str:
    with pytest.raises(UserError) as caught:
        of(schema, column, cells, text)
    return str(caught.value)


def objects(*cells: object) -> "pd.Series[Any]":
    return pd.Series(cells, dtype=object)


@pytest.mark.parametrize("text", [False, True])
def test_a_sentinel_is_a_missing_cell_and_not_an_invalid_one(
    learn: Callable[..., Design], text: bool
) -> None:
    sentinels = {"x": [-999], "k": [99], "g": ["unknown"]}
    schema = learn("y ~ x + C(k) + g + flag", TRAIN, sentinels=sentinels).schema
    for column, cells in (("x", [1.5, -999]), ("k", [1, 99]), ("g", ["a", "unknown"])):
        found = of(schema, column, objects(*cells) if text else cells, text)
        assert found.invalid == {}
        missing = found.missing(column)
        assert missing is not None
        assert missing.tolist() == [False, True]


def test_columns_have_the_types_of_training_but_every_number_is_float64(schema: Schema) -> None:
    table = of(schema, "x", [1, 2]).table
    assert {field.name: str(field.type) for field in table.schema} == {
        "x": "double",
        "k": "int64",
        "g": "string",
        "flag": "bool",
    }


@pytest.mark.parametrize(
    ("column", "cells", "values", "invalid"),
    [
        ("x", objects(1.5, "2.5", 3, None), [1.5, 2.5, 3.0, None], [False] * 4),
        (
            "x",
            objects(1.5, "two", True, [1], {}),
            [1.5, None, None, None, None],
            [False, True, True, True, True],
        ),
        ("x", objects(2**70, np.float64(0.1)), [float(2**70), 0.1], [False, False]),
        (
            "k",
            objects("1", "2.0", 3, 1.5, "x"),
            [1, 2, 3, None, None],
            [False, False, False, True, True],
        ),
        (
            "flag",
            objects(True, "False", "yes", 1),
            [True, False, None, None],
            [False, False, True, True],
        ),
        ("g", objects("a", 5, None, True), ["a", None, None, None], [False, True, False, True]),
    ],
)
def test_with_text_each_cell_is_parsed_by_itself(
    schema: Schema, column: str, cells: Any, values: list[Any], invalid: list[bool]
) -> None:
    found = of(schema, column, cells, text=True)
    assert found.table[column].to_pylist() == values
    valid = [False] * len(cells)
    assert (found.invalid[column].rows.tolist() if column in found.invalid else valid) == invalid


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("x", objects(1.5, True)),
        ("x", [True, False]),
        ("x", ["1", "2"]),
        ("k", [True, False]),
        ("flag", [1, 0]),
        ("flag", ["true", "false"]),
        ("g", [1, 2]),
        ("x", objects(1.5, 10**400)),
        ("g", objects("a", "\ud800")),
    ],
)
def test_without_text_no_type_is_converted_to_another_kind(
    schema: Schema, column: str, cells: Any
) -> None:
    assert error_of(schema, column, cells).startswith(f"the input: column {column}: must hold ")


def test_integral_floats_are_levels_of_an_integer_column_where_both_are_exact(
    schema: Schema,
) -> None:
    found = of(schema, "k", [1.0, 2.5, np.inf, 2.0**53, 2.0**54, np.nan])
    assert found.table["k"].to_pylist() == [1, None, None, 2**53, None, None]
    assert found.invalid["k"].rows.tolist() == [False, True, True, False, True, False]


@pytest.mark.parametrize("column", ["x", "k", "g", "flag"])
@pytest.mark.parametrize("text", [False, True])
def test_a_column_without_values_is_missing_whatever_its_type(
    schema: Schema, column: str, text: bool
) -> None:
    nans = pa.array([np.nan, np.nan], pa.float32())
    for cells in (
        [None, None],
        [np.nan, np.nan],
        objects(None, None),
        pd.arrays.ArrowExtensionArray(nans),
    ):
        found = of(schema, column, cells, text)
        assert found.missing(column).tolist() == [True, True]  # type: ignore[union-attr]
        assert found.invalid == {}


def test_a_table_and_a_frame_with_the_same_cells_are_coerced_alike(schema: Schema) -> None:
    frame = TRAIN.drop(["y"]).to_pandas()
    assert coerce(frame, schema, "it").table.equals(
        coerce(TRAIN, schema, "it").table.combine_chunks()
    )


def test_the_names_of_columns_are_compared_as_text(learn: Callable[..., Design]) -> None:
    schema = learn("y ~ `0`", pa.table({"y": [1.0, 2.0], "0": [1.0, 3.0]})).schema
    assert coerce(pd.DataFrame({0: [5.0]}), schema, "it").table["0"].to_pylist() == [5.0]
