"""Frames are alike whoever made them: pandas, polars, pyarrow, or anything that exports Arrow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from linreg.data.formula.coercion import coerce
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
NAMES = ["x", "k", "g", "flag"]


class Exporting:
    """A frame of a library that is not known here: all that it has is Arrow's C interface."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def from_polars(table: pa.Table) -> Any:
    return pytest.importorskip("polars").from_arrow(table)


def from_duckdb(table: pa.Table) -> Any:
    return pytest.importorskip("duckdb").from_arrow(table)


FRAMES: dict[str, Callable[[pa.Table], Any]] = {
    "pandas": lambda table: table.to_pandas(),
    "pandas on Arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "exporting": Exporting,
    "record batch": lambda table: table.combine_chunks().to_batches()[0],
    "reader": lambda table: table.to_reader(),
    "polars": from_polars,
    "duckdb": from_duckdb,
}
COLUMNS: dict[str, pa.Table] = {
    "as in training": TRAIN,
    "other types of text": TRAIN.set_column(3, "g", TRAIN["g"].cast(pa.large_string())),
    "categories": TRAIN.set_column(3, "g", TRAIN["g"].dictionary_encode()),
    "other types of numbers": TRAIN.set_column(1, "x", pa.chunked_array([[1, 2, 4]], pa.int16())),
    "floats for integers": TRAIN.set_column(2, "k", pa.chunked_array([[1.0, 2.0, 3.0]])),
    "missing": TRAIN.set_column(3, "g", pa.chunked_array([["a", None, "b"]])),
    "NaN": TRAIN.set_column(1, "x", pa.chunked_array([[1.0, np.nan, 2.0]])),
    "in another order": TRAIN.select(["flag", "g", "y", "x", "k"]),
    "an unseen level": TRAIN.set_column(3, "g", pa.chunked_array([["a", "z", "b"]])),
}


@pytest.fixture
def schema(learn: Callable[..., Design]) -> Schema:
    return learn("y ~ x + C(k) + g + flag", TRAIN).schema


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("table", COLUMNS.values(), ids=COLUMNS)
def test_a_frame_is_read_as_the_same_table(schema: Schema, table: pa.Table, kind: str) -> None:
    expected = coerce(table, schema, "the input")
    found = coerce(FRAMES[kind](table), schema, "the input")
    assert found.table.select(NAMES).to_pydict() == expected.table.select(NAMES).to_pydict()
    assert found.invalid.keys() == expected.invalid.keys()


@pytest.mark.parametrize("kind", ["pandas", "exporting", "polars", "duckdb"])
def test_a_column_that_is_missing_or_of_another_type_is_named(schema: Schema, kind: str) -> None:
    make = FRAMES[kind]
    with pytest.raises(UserError, match="the input: column g: is missing; found y, x, k, flag"):
        coerce(make(TRAIN.drop_columns("g")), schema, "the input")
    words = pa.chunked_array([["1", "2", "4"]])
    with pytest.raises(UserError, match="the input: column x: must hold double"):
        coerce(make(TRAIN.set_column(1, "x", words)), schema, "the input")


@pytest.mark.parametrize("kind", ["exporting", "polars", "duckdb"])
def test_numbers_may_be_text_where_they_may_in_pandas(schema: Schema, kind: str) -> None:
    words = TRAIN.set_column(1, "x", pa.chunked_array([["1", "2.5", "-4e1"]]))
    found = coerce(FRAMES[kind](words), schema, "the input", text=True)
    assert found.table["x"].to_pylist() == [1.0, 2.5, -40.0]


@pytest.mark.parametrize(
    "rows", [np.ones((3, 4)), [[1.0, 1, "a", True]], {"x": [1.0]}, None, "table.csv", 1.5]
)
def test_what_has_no_named_columns_is_one_line(schema: Schema, rows: Any) -> None:
    with pytest.raises(UserError, match=r"the input: must be rows of named columns: .*; found "):
        coerce(rows, schema, "the input")


def test_an_exporter_that_fails_is_one_line(schema: Schema) -> None:
    class Failing:
        def __arrow_c_stream__(self, _: object | None = None) -> object:
            raise RuntimeError("connection lost")

    with pytest.raises(UserError, match="cannot be read through Arrow; found connection lost"):
        coerce(Failing(), schema, "the input")
