from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.source_rows import DroppedRows, SourceRows
from linreg.data.split.partition import TRAIN, Partition, partition_rows
from linreg.data.split.unseen_levels import LevelFilter, describe, require_known_rows
from linreg.data.tables import parquet
from linreg.data.tables.parquet import TableFile, write_table
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError
from linreg.files import write_document
from linreg.params.split import Split

Learn = Callable[..., Design]
CITIES = ["Rome"] * 20 + ["Oslo"] * 19 + ["Bern"]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TableFile:
    """40 rows in row groups of 7; Bern is in the last one only."""
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 7)
    rows = pa.table({"y": [float(i) for i in range(40)], "city": CITIES, "n": [1] * 39 + [5]})
    write_table(tmp_path / "table.parquet", rows.schema, [rows])
    return TableFile(tmp_path / "table.parquet")


def by_time(table: TableFile) -> Partition:
    """The last 8 rows are the test rows."""
    params = Split(train=0.8, validation=0, test=0.2, by="time:y")
    return partition_rows(table, params)


def source_of(table: TableFile) -> SourceRows:
    """The table is a CSV file without its second row, which was dropped."""
    folder = table.path.parent
    write_document(folder / "profile.json", {"dropped": {"city is missing": 1}})
    with DroppedRows(folder, Path("cities.csv")) as dropped:
        chunk = SourceChunk(pa.table({}), Path("cities.csv"), 1)
        dropped.add(chunk, np.array([1]), pa.array(["city"]))
    return SourceRows(Path("cities.csv"), folder)


def filtered(levels: LevelFilter, rows: pa.Table, part: str, first: int = 0) -> pa.Table:
    return levels.filter(rows, part, np.arange(first, first + rows.num_rows))


def level_filter(learn: Learn, table: TableFile, formula: str, **model: Any) -> LevelFilter:
    rows = pa.concat_tables(table.row_groups())
    schema = learn(formula, rows, **model).schema
    return LevelFilter.learn(table, by_time(table), schema)


def test_rows_with_a_level_that_no_training_row_has_are_left_out_and_counted(
    learn: Learn, table: TableFile
) -> None:
    found = level_filter(learn, table, "y ~ city + C(n)", unseen="drop")
    rows = pa.concat_tables(table.row_groups())
    assert filtered(found, rows.slice(32), "test", 32)["city"].to_pylist() == ["Oslo"] * 7
    assert filtered(found, rows.slice(32, 3), "validation", 32).num_rows == 3
    unseen, left_out = found.counts(source_of(table))
    # One row has unseen levels of two columns.
    assert unseen == {"test": {"city": 1, "n": 1}}
    assert left_out == {"train": 0, "validation": 0, "test": 1}
    assert describe(unseen) == (
        "left out: 1 test row with an unseen level of city, 1 test row with an unseen level of n "
        "(model.unseen)"
    )


def test_a_part_of_unseen_levels_alone_is_an_error_that_names_their_columns() -> None:
    left_out = {"train": 0, "validation": 1, "test": 9}
    unseen = {"test": {"month(d)": 9, "city": 2}, "validation": {"city": 1}}
    require_known_rows({"train": 40, "validation": 1, "test": 1}, left_out, unseen)
    require_known_rows({"train": 40, "validation": 8, "test": 0}, left_out | {"test": 0}, {})
    with pytest.raises(UserError) as error:
        require_known_rows({"train": 40, "validation": 8, "test": 0}, left_out, unseen)
    assert str(error.value) == (
        "params.yaml: split.test: keeps no row, as each has a level that no training row has; "
        "found 9 rows with unseen levels of city, month(d); leave such a category out of "
        "model.formula, join its rare levels with model.pool, or set model.unseen: base"
    )


def test_an_unseen_level_is_an_error_where_the_parameters_say_so(
    learn: Learn, table: TableFile
) -> None:
    found = level_filter(learn, table, "y ~ city", unseen="error")
    filtered(found, pa.concat_tables([*table.row_groups()] * 2), "test")
    with pytest.raises(UserError) as error:
        found.counts(source_of(table))
    # The last of 40 rows, and one that was dropped above it.
    assert str(error.value) == (
        "cities.csv: row 41: column city: holds a level that no training row has; found 'Bern', "
        "the first of 2 such test rows; set model.unseen: drop or base, or join rare levels with "
        "model.pool"
    )


def test_the_row_is_one_of_the_part_that_is_named_whichever_part_was_filtered_first(
    learn: Learn, table: TableFile
) -> None:
    found = level_filter(learn, table, "y ~ city", unseen="error")
    rows = pa.concat_tables(table.row_groups())
    filtered(found, rows.slice(39), "test", 39)
    filtered(found, rows.slice(38), "validation", 20)
    with pytest.raises(UserError, match=r"row 23: .* 'Bern' in 1 validation row;"):
        found.counts(source_of(table))


@pytest.mark.parametrize(
    ("formula", "model", "left"),
    [
        ("y ~ city", {"unseen": "base"}, 40),
        # There is no reference level.
        ("y ~ 0 + city", {"unseen": "base"}, 39),
        # 12 training rows of Oslo, 20 of Rome.
        ("y ~ city", {"unseen": "drop", "pool": 13}, 40),
        ("y ~ city", {"unseen": "drop", "pool": 12}, 39),
        # A reference level is not pooled, and no other one is rare.
        ('y ~ C(city, "Oslo")', {"unseen": "drop", "pool": 13}, 39),
        # The numbers of a column are no levels.
        ("y ~ n", {"unseen": "error"}, 40),
    ],
)
def test_rows_stay_whose_unseen_level_has_a_place_in_the_model(
    learn: Learn, table: TableFile, formula: str, model: dict[str, Any], left: int
) -> None:
    found = level_filter(learn, table, formula, **model)
    assert filtered(found, pa.concat_tables(table.row_groups()), "test").num_rows == left


def test_levels_are_those_of_training_rows_in_any_row_group(learn: Learn, table: TableFile) -> None:
    partition = by_time(table)
    assert sum((partition.labels(group) == TRAIN).sum() for group in range(6)) == 32
    found = level_filter(learn, table, "y ~ city", unseen="drop")
    assert filtered(found, table.row_group(0), "test").num_rows == 7


def test_nothing_left_out_is_no_sentence() -> None:
    assert describe({}) == ""
