from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.formula.schema import FORMAT, Schema, kind_of
from linreg.errors import UserError
from linreg.files import write_document

ROWS = pa.table(
    {"y": [1.0, 2.0, 4.0], "x": [0.5, 1.0, 2.5], "n": [3, 1, 2], "g": ["a", "b", "a"]}
    | {"unused": [1, 2, 3]}
)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        (pa.int8(), "number"),
        (pa.uint64(), "number"),
        (pa.float32(), "number"),
        (pa.float64(), "number"),
        (pa.string(), "category"),
        (pa.bool_(), "category"),
        (pa.date32(), "time"),
        (pa.timestamp("us"), "time"),
        (pa.duration("s"), "other"),
        (pa.null(), "other"),
    ],
)
def test_a_type_is_a_number_a_category_a_time_or_something_else(
    type_: pa.DataType, kind: str
) -> None:
    assert kind_of(type_) == kind


@pytest.fixture
def schema(learn: Callable[..., Design]) -> Schema:
    return learn("log(y) ~ x + C(n) + g:x", ROWS).schema


def test_features_are_the_columns_on_the_right_and_categories_among_them(schema: Schema) -> None:
    assert list(schema.columns) == ["y", "x", "n", "g"]
    assert list(schema.features) == ["x", "n", "g"]
    assert schema.category_columns == {"n", "g"}
    assert [factor["factor"] for factor in schema.factors].count("x") == 2


def test_a_schema_is_read_as_it_was_written(schema: Schema, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    data = schema.as_data() | {"weights": "n", "truth": {"theta": {"x": 1.0}, "b": 0.5}}
    write_document(path, data)
    read = Schema.read(path)
    assert (read.weights, read.truth) == ("n", {"theta": {"x": 1.0}, "b": 0.5})
    assert read.as_data() == data
    assert read.columns == schema.columns
    assert (data["format"], data["fill_missing"]) == (1, False)


def test_a_schema_names_levels_and_sentinels_only_where_there_are_some(
    schema: Schema, learn: Callable[..., Design]
) -> None:
    assert not {"levels", "sentinels"} & set(schema.as_data())
    options = {"levels": {"g": ["b", "a"]}, "sentinels": {"x": [-999]}}
    data = learn("y ~ x + g", ROWS, **options).schema.as_data()
    assert {"levels": data["levels"], "sentinels": data["sentinels"]} == options
    assert Schema.from_data(data, Path("schema.json")).as_data() == data


@pytest.mark.parametrize("format_", [FORMAT + 1, 0, None])
def test_another_format_is_an_error_that_says_which(schema: Schema, format_: object) -> None:
    with pytest.raises(UserError) as caught:
        Schema.from_data(schema.as_data() | {"format": format_}, Path("schema.json"))
    expected = f"schema.json: must have format 1; found {format_}; delete it and run `dvc repro`"
    # What is None was not found.
    assert str(caught.value) == expected.replace("; found None", "")


@pytest.mark.parametrize("damage", [{"columns": [{"name": "x"}]}, {"columns": 3}, {"terms": [3]}])
def test_a_damaged_schema_is_an_error(schema: Schema, damage: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"^schema\.json: is damaged; found "):
        Schema.from_data(schema.as_data() | damage, Path("schema.json"))
    data = schema.as_data()
    del data["truth"]
    with pytest.raises(UserError, match=r"^schema\.json: is damaged; found KeyError\('truth'\)"):
        Schema.from_data(data, Path("schema.json"))
