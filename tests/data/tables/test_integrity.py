"""A seal tells every byte that is no page, for whatever pyarrow writes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.tables import parquet as table_module
from linreg.data.tables.integrity import Seal, read_seal, seal_hash, seal_of, sealed_by, write_seal
from linreg.data.tables.parquet import TableFile, write_table
from linreg.errors import UserError
from linreg.files import write_document

N = 50_000
"""More than a page holds."""
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


def of(path: Path) -> Seal:
    with pa.OSFile(str(path)) as file:
        return Seal.of(file, pq.ParquetFile(file).metadata)


def test_a_table_has_a_seal_that_depends_on_its_bytes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 30_000)
    for name in ("a", "b"):
        write_table(tmp_path / f"{name}.parquet", ROWS.schema, [ROWS])
        assert read_seal(tmp_path / f"{name}.parquet") == of(tmp_path / f"{name}.parquet")
    assert seal_hash(tmp_path / "a.parquet") == seal_hash(tmp_path / "b.parquet")
    assert (
        len(of(tmp_path / "a.parquet").groups) == TableFile(tmp_path / "a.parquet").num_groups == 2
    )
    assert pa.concat_tables(TableFile(tmp_path / "a.parquet").groups()).equals(ROWS)
    assert seal_of(tmp_path / "a.parquet") == tmp_path / "_a.seal"
    assert sealed_by(tmp_path / "_a.seal") == tmp_path / "a.parquet"


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zstd"}, {"data_page_version": "2.0"}, {"use_dictionary": False}],
)
def test_every_header_is_found_whatever_the_pages_are(
    tmp_path: Path, options: dict[str, object]
) -> None:
    """Between the headers lie the pages: another value in one of them leaves the lengths and
    changes a checksum.
    """
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, value in zip(paths, (1.0, 2.0), strict=True):
        rows = ROWS.set_column(1, "d", pa.array([0.0, *[value] * (N - 3), 9.0, 9.0]))
        pq.write_table(rows, path, write_page_checksum=True, store_schema=False, **options)
    assert of(paths[0]) == of(paths[0])
    assert of(paths[0]).groups != of(paths[1]).groups


def test_a_row_group_of_a_table_that_agrees_with_the_footer_only_is_told(tmp_path: Path) -> None:
    """Two tables of the same columns, ranges and lengths, which no footer tells from each other."""
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, middle in zip(paths, ([1.0, 2.0], [2.0, 1.0]), strict=True):
        rows = pa.table({"x": [0.0, *middle, 3.0]})
        write_table(path, rows.schema, [rows])
    (a, b) = (read_seal(path) for path in paths)
    assert a is not None
    assert b is not None
    assert (a.footer, a.groups) != (b.footer, b.groups)
    assert a.footer == b.footer
    write_seal(paths[1], a)
    with pytest.raises(
        UserError,
        match=r"b\.parquet: is damaged, or was changed after it was written; found another",
    ):
        TableFile(paths[1]).group(0)


def test_a_seal_of_fewer_row_groups_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, ROWS.schema, [ROWS])
    write_document(seal_of(path), {"footer": of(path).footer, "groups": []})
    with pytest.raises(UserError, match="is damaged"):
        TableFile(path).group(0)


def test_a_table_without_a_seal_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"_a\.seal: there is no such file; run `dvc repro`"):
        seal_hash(tmp_path / "a.parquet")
