from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data import rows as rows_module
from linreg.data.formula.design import Design
from linreg.data.rows import Rows, divided, whole_shards
from linreg.data.tables import parquet as table_module
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError
from linreg.process.workers import Workers

Learn = Callable[..., Design]
N = 23
TABLE = pa.table(
    {"y": np.arange(N) * 1.5, "x": np.arange(N) - 7.0, "g": [f"level {i % 3}" for i in range(N)]}
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 23 rows in groups of 5."""
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 5)
    write_table(tmp_path / "t.parquet", TABLE.schema, [TABLE])
    return tmp_path / "t.parquet"


def test_the_windows_are_the_row_groups_of_the_design(path: Path, learn: Learn) -> None:
    design = learn("y ~ x*g", TABLE)
    rows = Rows(path, design)
    assert (rows.num_rows, rows.num_chunks) == (N, 5)
    assert [len(chunk.y) for chunk in rows] == [5, 5, 5, 5, 3]
    np.testing.assert_array_equal(np.concatenate([chunk.X for chunk in rows]), design.matrix(TABLE))
    np.testing.assert_array_equal(
        np.concatenate([chunk.y for chunk in rows]), TABLE.column("y").to_numpy()
    )


def test_windows_that_are_read_again_equal_those_that_are_kept(
    path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = learn("y ~ x*g", TABLE)
    kept = Rows(path, design)
    monkeypatch.setattr(rows_module, "KEPT_BYTES", 0)
    read_again = Rows(path, design)
    for index in (4, 0, 2, 2, 4):
        for one, other in zip(kept.chunk(index), read_again.chunk(index), strict=True):
            np.testing.assert_array_equal(one, other)
    assert kept.chunk(2).X is kept.chunk(2).X
    assert read_again.chunk(2).X is not read_again.chunk(2).X


NEEDED = N * 8 * (5 + 2)
"""Bytes of the windows of `y ~ x*g`: 5 columns, y and the place of w."""


def keeps(rows: Rows, index: int) -> bool:
    return rows.chunk(index).X is rows.chunk(index).X


def test_windows_are_kept_up_to_exactly_the_limit(
    path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = learn("y ~ x*g", TABLE)
    monkeypatch.setattr(rows_module, "KEPT_BYTES", NEEDED)
    assert all(keeps(Rows(path, design), index) for index in range(5))
    monkeypatch.setattr(rows_module, "KEPT_BYTES", NEEDED - 1)
    assert not any(keeps(Rows(path, design), index) for index in range(5))


def test_only_windows_of_our_own_are_kept(
    path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = learn("y ~ x*g", TABLE)
    rows = Rows(path, design)
    for own in (range(2, 4), range(5, 5), range(5)):
        rows.own = own
        assert [index for index in range(5) if keeps(rows, index)] == list(own)
        assert [len(chunk.y) for chunk in rows] == [[5, 5, 5, 5, 3][index] for index in own]
    monkeypatch.setattr(rows_module, "KEPT_BYTES", NEEDED * 10 // N)  # two windows of five rows
    assert [keeps(divided(path, design, Workers(rank, 2)), 1) for rank in range(2)] == [True, False]
    assert [keeps(divided(path, design, Workers(rank, 2)), 4) for rank in range(2)] == [
        False,
        False,
    ]  # 13 rows


def test_a_new_limit_lets_go_of_what_was_kept(path: Path, learn: Learn) -> None:
    rows = Rows(path, learn("y ~ x*g", TABLE))
    before = rows.chunk(0).X
    assert rows.keep_within(NEEDED - 1) == 0
    assert rows.chunk(0).X is not before
    assert rows.keep_within(NEEDED) == NEEDED
    assert keeps(rows, 0)


def test_the_shards_of_a_process_share_the_room(
    path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = learn("y ~ x*g", TABLE)
    monkeypatch.setattr(rows_module, "KEPT_BYTES", 2 * NEEDED)
    assert [keeps(shard, 0) for shard in whole_shards([path] * 3, design)] == [True, True, False]
    of_second = whole_shards([path] * 3, design, Workers(1, 2))
    assert [keeps(shard, 0) for shard in of_second] == [False, True, True]
    assert [len(list(shard)) for shard in of_second] == [0, 5, 5]


def test_a_cell_that_the_design_cannot_take_is_told_with_file_and_row(
    path: Path, learn: Learn
) -> None:
    design = learn("y ~ g", TABLE.slice(0, 2))  # level 2 first comes in row 3
    with pytest.raises(
        UserError, match=r"t\.parquet: row 3: column g: holds a level .* found 'level 2'"
    ):
        list(Rows(path, design))
    with pytest.raises(UserError, match=r"t\.parquet: row 18: column g"):
        Rows(path, design).chunk(3)


def test_the_target_is_told_with_file_and_row(
    tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 5)
    table = pa.table({"y": [*[1.0] * 8, 0.0], "x": np.arange(9.0)})
    write_table(tmp_path / "t.parquet", table.schema, [table])
    with pytest.raises(UserError, match=r"t\.parquet: row 9: log\(y\): is not finite; found y = 0"):
        list(Rows(tmp_path / "t.parquet", learn("log(y) ~ x", table)))


def test_a_file_without_rows_has_no_window(tmp_path: Path, learn: Learn) -> None:
    write_table(tmp_path / "t.parquet", TABLE.schema, [])
    rows = Rows(tmp_path / "t.parquet", learn("y ~ x", TABLE))
    assert (rows.num_rows, rows.num_chunks, list(rows)) == (0, 0, [])
