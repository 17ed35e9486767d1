"""Files of other formats are recognized by how they begin, whatever their name."""

from pathlib import Path

import pytest

from tests.data.csv.converted import converted, refused

FORMATS = {
    b"version https://git-lfs.github.com/spec/v1\noid sha256:": "is a pointer of Git LFS",
    b"FEA1\0\0": "is a Feather file of version 1",
    b"PARE\x15\0": "is an encrypted Parquet file",
    b"ORC\x08\0": "is an ORC file",
    b"%PDF-1.7": "is a PDF, not a table",
    b"\x89PNG\r\n\x1a\n": "is a picture",
    b"SQLite format 3\0": "is an SQLite database",
    b"\0\x01\0\0Standard Jet DB\0": "is an Access database",
    b"01234567DUCK": "is a DuckDB database",
    b"\x89HDF\r\n": "is an HDF5 file",
    b"CDF\x01": "is a NetCDF file",
    b"\x93NUMPY": "is a numpy array",
    b"\x80\x04\x95\x10": "is a pickle",
    b"RDX3\nX\n": "is a file of R objects",
    b"X\n\0\0\0\x03": "is a file of an R object",
    b"$FL2@(#) SPSS": "is an SPSS file",
    b"\0" * 12 + b"\xc2\xea\x81\x60\xb3": "is a SAS table",
    b"HEADER RECORD*******LIBRARY HEADER": "is a SAS transport file",
    b"<stata_dta><header>": "is a Stata file",
    b"\x72\x02\x01\0": "is a Stata file",
    b"PK\x03\x04" + b"." * 400 + b"xl/": "is an Excel workbook",
    b"PK\x03\x04" + b"." * 150 + b"[Content_Types].xml": "is an Excel workbook",
    b"\n <!DOCTYPE html>": "is a web page or XML",
    b"<HTML>": "is a web page or XML",
    b"\xef\xbb\xbf<?xml version": "is a web page or XML",
}


@pytest.mark.parametrize("start", FORMATS)
def test_a_file_of_another_format_is_named(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(start + b"x,y\n1,2\n")
    assert refused(path).startswith(": " + FORMATS[start].format(path))


NAMES = ["x[1]", "{x}", "PK", "html", "%PDF", "BZh", "ORC", "PARE", "RDX", "X"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_resembles_a_signature_is_a_name(tmp_path: Path, name: str) -> None:
    [table] = converted(tmp_path, f"{name},y\n1,2\n", columns=[name])
    assert table[name].to_pylist() == [1]
