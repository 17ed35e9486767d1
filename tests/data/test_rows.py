from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables import parquet
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError

Learn = Callable[..., Design]
N = 23
TABLE = pa.table(
    {"y": np.arange(N) * 1.5, "x": np.arange(N) - 7.0, "g": [f"level {i % 3}" for i in range(N)]}
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 23 rows in groups of 5."""
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 5)
    write_table(tmp_path / "t.parquet", TABLE.schema, [TABLE])
    return tmp_path / "t.parquet"


def test_the_chunks_are_the_row_groups_seen_through_the_design(path: Path, learn: Learn) -> None:
    design = learn("y ~ x*g", TABLE)
    rows = Rows(path, design)
    assert (rows.num_rows, rows.num_chunks) == (N, 5)
    assert [len(chunk.y) for chunk in rows] == [5, 5, 5, 5, 3]
    np.testing.assert_array_equal(np.concatenate([chunk.X for chunk in rows]), design.matrix(TABLE))
    np.testing.assert_array_equal(
        np.concatenate([chunk.y for chunk in rows]), TABLE.column("y").to_numpy()
    )


NEEDED = N * 8 * (5 + 2)
"""Bytes of all chunks of `y ~ x*g`: 5 columns of X, y and the place of w."""


def is_cached(rows: Rows, index: int) -> bool:
    return rows.chunk(index).X is rows.chunk(index).X


def test_chunks_that_are_read_again_equal_those_that_are_cached(path: Path, learn: Learn) -> None:
    design = learn("y ~ x*g", TABLE)
    cached, uncached = Rows(path, design), Rows(path, design)
    uncached.limit_cache(0)
    for index in (4, 0, 2, 2, 4):
        for one, other in zip(cached.chunk(index), uncached.chunk(index), strict=True):
            np.testing.assert_array_equal(one, other)
    assert is_cached(cached, 2)
    assert not is_cached(uncached, 2)


def test_chunks_are_cached_up_to_exactly_the_limit(path: Path, learn: Learn) -> None:
    rows = Rows(path, learn("y ~ x*g", TABLE))
    assert rows.limit_cache(NEEDED) == NEEDED
    assert all(is_cached(rows, index) for index in range(5))
    assert rows.limit_cache(NEEDED - 1) == 0
    assert not any(is_cached(rows, index) for index in range(5))


def test_only_own_chunks_are_cached(path: Path, learn: Learn) -> None:
    rows = Rows(path, learn("y ~ x*g", TABLE))
    for own in (range(2, 4), range(5, 5), range(5)):
        rows.own = own
        assert [index for index in range(5) if is_cached(rows, index)] == list(own)
        assert [len(chunk.y) for chunk in rows] == [[5, 5, 5, 5, 3][index] for index in own]


def test_a_new_limit_empties_the_cache(path: Path, learn: Learn) -> None:
    rows = Rows(path, learn("y ~ x*g", TABLE))
    before = rows.chunk(0).X
    rows.limit_cache(NEEDED)
    assert rows.chunk(0).X is not before


def test_the_error_about_a_cell_that_the_design_cannot_take_names_its_row(
    path: Path, learn: Learn
) -> None:
    # Level 2 first occurs in row 3.
    design = learn("y ~ g", TABLE.slice(0, 2))
    with pytest.raises(
        UserError, match=r"t\.parquet: row 3: column g: holds a level .* found 'level 2'"
    ):
        list(Rows(path, design))
    with pytest.raises(UserError, match=r"t\.parquet: row 18: column g"):
        Rows(path, design).chunk(3)


def test_the_error_about_a_target_that_is_not_finite_names_its_row(
    tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 5)
    table = pa.table({"y": [*[1.0] * 8, 0.0], "x": np.arange(9.0)})
    write_table(tmp_path / "t.parquet", table.schema, [table])
    with pytest.raises(UserError, match=r"t\.parquet: row 9: log\(y\): is not finite; found y = 0"):
        list(Rows(tmp_path / "t.parquet", learn("log(y) ~ x", table)))


def test_a_file_without_rows_has_no_chunks(tmp_path: Path, learn: Learn) -> None:
    write_table(tmp_path / "t.parquet", TABLE.schema, [])
    rows = Rows(tmp_path / "t.parquet", learn("y ~ x", TABLE))
    assert (rows.num_rows, rows.num_chunks, list(rows)) == (0, 0, [])


def test_a_file_of_another_formula_is_refused(path: Path, learn: Learn) -> None:
    for other in (TABLE.rename_columns(["y", "x", "h"]), TABLE.set_column(1, "x", TABLE["g"])):
        with pytest.raises(UserError, match=r"t\.parquet: column [hx]: must be there with type"):
            Rows(path, learn(f"y ~ {' + '.join(other.column_names[1:])}", other))


def test_an_offset_is_no_part_of_y_and_predictions_add_it(path: Path, learn: Learn) -> None:
    rows = Rows(path, learn("y ~ g + offset(x) + offset(I(x^2))", TABLE))
    y, x = TABLE.column("y").to_numpy(), TABLE.column("x").to_numpy()
    for kept in (True, False):
        if not kept:
            rows.limit_cache(0)
        chunks = list(rows)
        np.testing.assert_array_equal(np.concatenate([each.y for each in chunks]), y - (x + x * x))
        np.testing.assert_array_equal(np.concatenate([each.target for each in chunks]), y)
        ones = np.concatenate([each.as_target(np.ones(len(each.y))) for each in chunks])
        np.testing.assert_array_equal(ones, 1 + x + x * x)
