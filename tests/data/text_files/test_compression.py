"""A compressed file is the table that was compressed, or one line says what is wrong with it."""

import bz2
import gzip
import lzma
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from linreg.data.csv import dialect
from linreg.data.text_files import compression
from linreg.errors import UserError
from tests.data.csv.converted import converted, refused, to_parquet
from tests.data.text_files.compressed import COMPRESS, zipped, zstd

TABLE = b"x,y\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(20_000))
FIRST_COLUMN = list(range(20_000))


@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("block", [500, 4 << 20])
def test_a_compressed_file_is_read_whatever_its_name(
    tmp_path: Path, name: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", block)
    monkeypatch.setattr(compression, "PIECE_BYTES", 777)
    table = TABLE[:20_000] if block == 500 else TABLE
    table = table[: table.rindex(b"\n") + 1]
    [read] = converted(tmp_path, COMPRESS[name](table))
    assert read["x"].to_pylist() == FIRST_COLUMN[: table.count(b"\n") - 1]


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_files_compressed_one_by_one_may_be_put_together(tmp_path: Path, name: str) -> None:
    halves = TABLE[:50_001], TABLE[50_001:]
    [read] = converted(tmp_path, b"".join(map(COMPRESS[name], halves)))
    assert read["x"].to_pylist() == FIRST_COLUMN


def test_plain_files_named_gz_and_compressed_ones_in_a_folder_of_plain_ones(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(TABLE)
    (tmp_path / "b.csv").write_bytes(gzip.compress(TABLE))
    files = [tmp_path / "a.csv.gz", tmp_path / "b.csv"]
    for path in to_parquet(files, ["x"], tmp_path / "out").paths:
        assert pq.read_table(path)["x"].to_pylist() == FIRST_COLUMN


def test_a_misleading_quote_in_a_compressed_file_costs_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = ["plain"] * 3000
    cells[1000] = '5" pipe'
    cells[2000:2002] = ['"two\nlines"', "é"]
    text = "x,row\n" + "".join(f"{cell},r\n" for cell in cells)
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 1000)
    [read] = converted(tmp_path, gzip.compress(text.encode()))
    assert read["x"].to_pylist() == [cell.strip('"') if "\n" in cell else cell for cell in cells]


@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("left", [0.3, 0.9, 0.999])
def test_an_archive_that_is_cut_off_is_named(tmp_path: Path, name: str, left: float) -> None:
    data = COMPRESS[name](TABLE)
    (tmp_path / "a").write_bytes(data[: int(len(data) * left)])
    message = refused(tmp_path / "a")
    assert "end too early" in message if name != "ZIP" else "is a damaged ZIP archive" in message
    assert "download it again" in message


# pyarrow writes no checksum into zstd.
@pytest.mark.parametrize("name", sorted(COMPRESS.keys() - {"zstd"}))
def test_no_flipped_byte_makes_another_table(tmp_path: Path, name: str) -> None:
    data = COMPRESS[name](TABLE)
    for place in np.random.default_rng(1).integers(12, len(data) - 4, 20).tolist():
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        with suppress(UserError):
            [read] = converted(tmp_path, bytes(damaged))
            assert read["x"].to_pylist() == FIRST_COLUMN


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_what_follows_an_archive_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_bytes(COMPRESS[name](TABLE) + b"something else that is long enough")
    assert "data are damaged" in refused(tmp_path / "a")


def test_what_is_compressed_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(bz2.compress(TABLE)))
    assert ": is compressed twice: bzip2 inside gzip; unpack it once" in refused(tmp_path / "a")


def test_what_is_no_table_is_named_in_an_archive_too(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b"%PDF-1.7 and so on"))
    assert ": is a PDF" in refused(tmp_path / "a")
    subprocess.run(["tar", "czf", "t.tgz", "a"], cwd=tmp_path, check=True)
    assert ": is a tar archive" in refused(tmp_path / "t.tgz")
    (tmp_path / "a").write_bytes(gzip.compress(b""))
    assert ": is empty" in refused(tmp_path / "a")


def test_an_archive_may_hold_one_file_beside_what_systems_add(tmp_path: Path) -> None:
    extra = ("__MACOSX/._t.csv", b"junk"), ("data/", b""), ("data/.DS_Store", b"junk")
    [read] = converted(tmp_path, zipped(*extra, ("data/t.csv", TABLE)))
    assert read["x"].to_pylist() == FIRST_COLUMN


def test_an_archive_of_several_files_is_refused_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(zipped(("north.csv", TABLE), ("south.csv", TABLE)))
    message = refused(tmp_path / "a")
    assert ": is a ZIP archive of 2 files; found north.csv, south.csv; unpack it" in message
    (tmp_path / "a").write_bytes(zipped())
    assert ": is a ZIP archive without files" in refused(tmp_path / "a")


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("t.csv", TABLE)))
    # The flag of encryption, in the member's header and in the list at the end.
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a").write_bytes(data)
    assert ": is an encrypted ZIP archive; unpack it with its password" in refused(tmp_path / "a")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_of_zip_archives_in_any_method(tmp_path: Path, method: int) -> None:
    [read] = converted(tmp_path, zipped(("t.csv", TABLE), method=method))
    assert read["x"].to_pylist() == FIRST_COLUMN


@pytest.mark.very_slow
@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("row", [b"1", b"1,2\n"])
def test_a_decompression_bomb_ends_in_one_line(
    tmp_path: Path, name: str, row: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "MOST_BYTES", 16 << 20)
    # 64 MiB; a row of one byte is longer than a block already at 4.
    (tmp_path / "a").write_bytes(COMPRESS[name](b"x,y\n" + row * ((64 << 20) // len(row))))
    message = refused(tmp_path / "a")
    assert "longer than 4194304 bytes" in message or "holds more than 500 times" in message


@pytest.mark.slow
def test_memory_does_not_depend_on_the_size_of_the_table(tmp_path: Path) -> None:
    """Of a table of 120 MB in another process, as the system counts it."""
    program = (
        "import sys; from pathlib import Path\n"
        "from linreg.data.csv.convert import csv_to_parquet\n"
        "from linreg.data.csv.dialect import read_header\n"
        "folder = Path(sys.argv[1])\n"
        "csv_to_parquet([read_header(folder / 'a')], ['x'], folder / 'out')\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    peaks = []
    for times in (10, 60):
        rows = b"".join(b"%d,%d\n" % (i % 1000, i) for i in range(200_000))
        (tmp_path / "a").write_bytes(zstd(b"x,y\n" + rows * times))
        run = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=True
        )
        peaks.append(int(run.stdout) / 1024)
    assert peaks[1] < peaks[0] + 40


def test_xz_without_end_of_memory(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 512 << 20, "preset": 0}]
    data = lzma.compress(TABLE, filters=filters)
    (tmp_path / "a").write_bytes(data)
    assert ": its xz data are damaged; found Memory usage limit" in refused(tmp_path / "a")
