from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linreg.data.ingest.checks import check_not_empty, check_nothing_missing, check_weights
from linreg.data.ingest.profile import ColumnProfile, profile_columns
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError
from tests.data.ingest.tables import a_table, schema_of

Y = {"y": [1.0, 2.0, 4.0]}


def weighted(folder: Path, *weights: list[Any]) -> TypedTable:
    return a_table(folder, *({"y": [1.0] * len(w), "x": [2.0] * len(w), "w": w} for w in weights))


def check(table: TypedTable, weights: str | None = "w") -> None:
    check_weights(profile_columns(table), schema_of("y ~ x", table, weights=weights), table)


@pytest.mark.parametrize("weights", [[1.0, 0.0, 2.5], [0, 0, 1], [None, 3.0, None]])
def test_weights_may_be_zero_or_missing_but_not_all_of_them(
    tmp_path: Path, weights: list[Any]
) -> None:
    table = weighted(tmp_path, weights)
    check(table)
    # The same check refuses them once the positive ones are gone.
    none_positive = [None if weight is None else 0.0 for weight in weights]
    with pytest.raises(UserError, match="no positive weight"):
        check(weighted(tmp_path / "none", none_positive))


@pytest.mark.parametrize("weights", [[0.0, 0.0], [0, None]])
def test_without_a_positive_weight_the_column_is_refused(
    tmp_path: Path, weights: list[Any]
) -> None:
    table = weighted(tmp_path, weights)
    with pytest.raises(UserError) as caught:
        check(table)
    assert str(caught.value) == (
        f"{tmp_path}/source/t1.parquet: column w: has no positive weight: each is 0 or missing;"
        " change model.weights"
    )
    check(table, weights=None)


def test_the_first_negative_weight_is_named_with_its_file_and_row(tmp_path: Path) -> None:
    table = weighted(tmp_path, [1.0, 0.0], [None, 0.0, -0.5, -2.0])
    with pytest.raises(UserError) as caught:
        check(table)
    assert str(caught.value) == (
        f"{tmp_path}/source/t2.parquet: row 3: column w: must not be negative, as it is a weight;"
        " found -0.5; correct the weight"
    )


def test_the_first_row_may_have_the_negative_weight(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="row 1: column w: must not be negative"):
        check(weighted(tmp_path, [-1, 2]))


def test_weights_have_to_be_numbers(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="column w: must be numeric to be used as weights; found s"):
        check(weighted(tmp_path, ["a", "b"]))


def profile(count: int, missing: int, name: str = "x") -> ColumnProfile:
    place = f"t.csv: row 7: column {name}" if missing else None
    return ColumnProfile(pa.float64(), count=count, missing=missing, first_missing=place)


@pytest.mark.parametrize(
    ("count", "missing", "is_empty"), [(0, 3, True), (1, 2, False), (3, 0, False), (0, 0, False)]
)
def test_a_column_with_nothing_but_missing_cells_is_refused(
    tmp_path: Path, count: int, missing: int, is_empty: bool
) -> None:
    table = a_table(tmp_path, Y | {"x": [1.0, 2.0, 3.0]})
    profiles = {"y": profile(3, 0), "x": profile(count, missing)}
    schema = schema_of("y ~ x", table)
    if not is_empty:
        check_not_empty(profiles, schema, table)
        return
    with pytest.raises(UserError) as caught:
        check_not_empty(profiles, schema, table)
    assert str(caught.value) == (
        f"{tmp_path}/source/t1.parquet: column x: has no value, only missing cells;"
        " leave it out of model.formula"
    )


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({}, ""),
        ({"x": 2}, "t.csv: row 7: column x: is missing, the first of 2 such cells; set"),
        ({"unused": 2}, ""),
        ({"w": 1}, "t.csv: row 7: column w: is missing, the first of 1 such cells; set"),
        (
            {"w": 1, "y": 4, "x": 2},
            "t.csv: row 7: column y: is missing, the first of 4 such cells (and in x, w); set",
        ),
    ],
)
def test_the_first_missing_cell_of_the_used_columns_is_named(
    tmp_path: Path, missing: dict[str, int], message: str
) -> None:
    columns = {name: [1.0] for name in ("y", "x", "w", "unused")}
    table = a_table(tmp_path, columns)
    profiles = {name: profile(5, missing.get(name, 0), name) for name in columns}
    schema = schema_of("y ~ x", table)
    auxiliary = {"w": "model.weights"}
    if not message:
        check_nothing_missing(profiles, schema, auxiliary)
        return
    with pytest.raises(UserError) as caught:
        check_nothing_missing(profiles, schema, auxiliary)
    assert str(caught.value).startswith(message)
