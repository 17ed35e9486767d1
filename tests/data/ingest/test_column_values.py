"""`ingest.sentinels` and `model.levels` are checked against the table."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.ingest.column_values import check_levels, check_sentinels
from linreg.data.source import open_source
from linreg.data.tables.parquet import write_table
from linreg.data.typed_table import open_typed_table
from linreg.errors import UserError
from tests.data.ingest.tables import a_table, schema_of

ROWS = pa.table(
    {
        "y": [1.0, 2.0, 3.0],
        "zone": ["north", "south", None],
        "code": [1, 2, 3],
        "flag": [True, False, True],
        "day": pa.array([1, 2, 3], pa.date32()),
    }
)


def check(folder: Path, *, sentinels: dict[str, Any] | None = None, **levels: Any) -> None:
    write_table(folder / "t.parquet", ROWS.schema, [ROWS])
    source = open_source(folder / "t.parquet")
    # A column that the formula does not use is not read.
    table = open_typed_table(source, ["y", "zone", "code", "flag", "day"], folder / "scratch")
    check_sentinels(sentinels or {}, source, table)
    check_levels(levels, source, schema_of("y ~ zone + C(code) + flag", table), table)


@pytest.mark.parametrize(
    "levels",
    [
        {"zone": ["south", "north"]},
        {"zone": ["south"]},
        {"code": [3, 1]},
        {"flag": [True]},
        {"day": ["no matter what, as the formula does not use it"]},
    ],
)
def test_levels_that_are_there_may_be_named_in_any_order(
    tmp_path: Path, levels: dict[str, Any]
) -> None:
    check(tmp_path, **levels)
    schema = schema_of("y ~ zone + C(code) + flag", a_table(tmp_path / "rows", ROWS.to_pydict()))
    complete = ROWS.set_column(1, "zone", [["north", "south", "north"]])
    design = Design.fit(replace(schema, levels=levels), [complete])
    for name in schema.category_columns & levels.keys():
        found = design.statistics[name].levels
        assert found is not None
        assert list(found[: len(levels[name])]) == levels[name]


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"zone": ["noth"]}, "zone: names a level that the column does not have, 'noth'; found"),
        ({"zone": ["noth"]}, "found north, south; did you mean north?"),
        ({"code": ["1"]}, "does not have, '1'; found 1, 2, 3"),
        ({"zome": ["north"]}, "zome: is not a column of the table; found y, zone, code, flag, day"),
        ({"y": [1.0]}, "y: is a number in the formula, which has no levels; write C(y)"),
    ],
)
def test_a_level_or_column_that_is_not_there_is_an_error(
    tmp_path: Path, levels: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as error:
        check(tmp_path, **levels)
    assert str(error.value).startswith("params.yaml: model.levels: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("sentinels", "message"),
    [
        ({"cod": [99]}, "cod: is not a column of the table"),
        ({"code": ["x"]}, "code: must be values of type int64; found x"),
        ({"code": [9.5]}, "code: must be values of type int64; found 9.5"),
        ({"day": [99]}, "day: must be a column of numbers or text; found date32"),
    ],
)
def test_sentinels_must_be_values_that_their_column_can_have(
    tmp_path: Path, sentinels: dict[str, Any], message: str
) -> None:
    check(tmp_path, sentinels={"code": [99, -999], "zone": ["unknown"], "y": [99]})
    with pytest.raises(UserError) as error:
        check(tmp_path, sentinels=sentinels)
    assert str(error.value).startswith("params.yaml: ingest.sentinels: ")
    assert message in str(error.value)
