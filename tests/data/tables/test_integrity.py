"""A seal detects a change of every byte outside the pages, whatever pyarrow writes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.tables import parquet as table_module
from linreg.data.tables.integrity import (
    Seal,
    read_seal,
    seal_hash,
    seal_path,
    table_path,
    write_seal,
)
from linreg.data.tables.parquet import TableFile, write_table
from linreg.errors import UserError
from linreg.files import write_document

# More than a page holds.
N = 50_000
ROWS = pa.table(
    {
        "f": np.arange(N, dtype=np.float32),
        "d": np.arange(N) / 7,
        "i": np.arange(N),
        "b": np.arange(N) % 2 == 0,
        "s": [None if i % 9 == 0 else f"level {i % 40}" for i in range(N)],
        "long": ["x" * (i % 600) for i in range(N)],
    }
)


def compute_seal(path: Path) -> Seal:
    with pa.OSFile(str(path)) as file:
        return Seal.of(file, pq.ParquetFile(file).metadata)


def test_a_table_has_a_seal_that_depends_on_its_bytes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 30_000)
    for name in ("a", "b"):
        write_table(tmp_path / f"{name}.parquet", ROWS.schema, [ROWS])
        assert read_seal(tmp_path / f"{name}.parquet") == compute_seal(tmp_path / f"{name}.parquet")
    assert seal_hash(tmp_path / "a.parquet") == seal_hash(tmp_path / "b.parquet")
    file = TableFile(tmp_path / "a.parquet")
    assert len(compute_seal(file.path).groups) == file.num_row_groups == 2
    assert pa.concat_tables(file.row_groups()).equals(ROWS)
    assert seal_path(tmp_path / "a.parquet") == tmp_path / "_a.seal"
    assert table_path(tmp_path / "_a.seal") == tmp_path / "a.parquet"


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zstd"}, {"data_page_version": "2.0"}, {"use_dictionary": False}],
)
def test_the_headers_of_all_pages_are_found_in_every_layout(
    tmp_path: Path, options: dict[str, object]
) -> None:
    """Another value in one page keeps all lengths and changes one checksum."""
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, value in zip(paths, (1.0, 2.0), strict=True):
        rows = ROWS.set_column(1, "d", pa.array([0.0, *[value] * (N - 3), 9.0, 9.0]))
        pq.write_table(rows, path, write_page_checksum=True, store_schema=False, **options)
    assert compute_seal(paths[0]) == compute_seal(paths[0])
    assert compute_seal(paths[0]).groups != compute_seal(paths[1]).groups


def test_a_table_that_agrees_with_the_seal_in_the_footer_alone_is_refused(tmp_path: Path) -> None:
    """Two tables of the same columns, ranges and lengths have equal footers."""
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, middle in zip(paths, ([1.0, 2.0], [2.0, 1.0]), strict=True):
        rows = pa.table({"x": [0.0, *middle, 3.0]})
        write_table(path, rows.schema, [rows])
    a, b = (read_seal(path) for path in paths)
    assert a is not None
    assert b is not None
    assert a.footer == b.footer
    assert a.groups != b.groups
    write_seal(paths[1], a)
    with pytest.raises(
        UserError,
        match=r"b\.parquet: is damaged, or was changed after it was written; found checksums",
    ):
        TableFile(paths[1]).row_group(0)


def test_a_seal_of_fewer_row_groups_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, ROWS.schema, [ROWS])
    write_document(seal_path(path), {"footer": compute_seal(path).footer, "groups": []})
    with pytest.raises(UserError, match="is damaged"):
        TableFile(path).row_group(0)


def test_a_table_without_a_seal_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"_a\.seal: there is no such file; run `dvc repro`"):
        seal_hash(tmp_path / "a.parquet")
