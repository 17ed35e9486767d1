from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data import rows as rows_module
from linreg.data import table as table_module
from linreg.data.design import Design
from linreg.data.rows import Rows
from linreg.data.table import write_table
from linreg.errors import UserError

Learn = Callable[..., Design]
N = 23
TABLE = pa.table({"y": np.arange(N) * 1.5, "x": np.arange(N) - 7.0, "g": [f"level {i % 3}" for i in range(N)]})


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 23 rows in groups of 5."""
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 5)
    write_table(tmp_path / "t.parquet", TABLE.schema, [TABLE])
    return tmp_path / "t.parquet"


def test_the_windows_are_the_row_groups_of_the_design(path: Path, learn: Learn) -> None:
    design = learn("y ~ x*g", TABLE)
    rows = Rows(path, design)
    assert (rows.num_rows, rows.num_windows) == (N, 5)
    assert [len(window.y) for window in rows] == [5, 5, 5, 5, 3]
    np.testing.assert_array_equal(np.concatenate([window.X for window in rows]), design.matrix(TABLE))
    np.testing.assert_array_equal(np.concatenate([window.y for window in rows]), TABLE.column("y").to_numpy())


def test_windows_that_are_read_again_equal_those_that_are_kept(
    path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = learn("y ~ x*g", TABLE)
    kept = Rows(path, design)
    monkeypatch.setattr(rows_module, "KEPT_BYTES", 0)
    read_again = Rows(path, design)
    for index in (4, 0, 2, 2, 4):
        for one, other in zip(kept.window(index), read_again.window(index), strict=True):
            np.testing.assert_array_equal(one, other)
    assert kept.window(2).X is kept.window(2).X
    assert read_again.window(2).X is not read_again.window(2).X


def test_memory_is_bounded_when_the_rows_do_not_fit(path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch) -> None:
    design = learn("y ~ x*g", TABLE)  # 5 columns and y, 8 bytes each
    monkeypatch.setattr(rows_module, "KEPT_BYTES", N * 6 * 8 - 1)
    rows = Rows(path, design)
    assert rows.window(1).X is not rows.window(1).X


def test_a_cell_that_the_design_cannot_take_is_told_with_file_and_row(path: Path, learn: Learn) -> None:
    design = learn("y ~ g", TABLE.slice(0, 2))  # level 2 first comes in row 3
    with pytest.raises(UserError, match=r"t\.parquet: row 3: column g: holds a level .* found 'level 2'"):
        list(Rows(path, design))
    with pytest.raises(UserError, match=r"t\.parquet: row 18: column g"):
        Rows(path, design).window(3)


def test_the_target_is_told_with_file_and_row(tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 5)
    table = pa.table({"y": [*[1.0] * 8, 0.0], "x": np.arange(9.0)})
    write_table(tmp_path / "t.parquet", table.schema, [table])
    with pytest.raises(UserError, match=r"t\.parquet: row 9: log\(y\): is not finite; found y = 0"):
        list(Rows(tmp_path / "t.parquet", learn("log(y) ~ x", table)))


def test_a_file_without_rows_has_no_window(tmp_path: Path, learn: Learn) -> None:
    write_table(tmp_path / "t.parquet", TABLE.schema, [])
    rows = Rows(tmp_path / "t.parquet", learn("y ~ x", TABLE))
    assert (rows.num_rows, rows.num_windows, list(rows)) == (0, 0, [])
