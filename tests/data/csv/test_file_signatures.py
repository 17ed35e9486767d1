"""Files of other formats are recognized by how they begin, whatever their name."""

from pathlib import Path

import pytest

from tests.data.csv.converted import converted, refused

FORMATS = {
    b"ARROW1\0": "is an Arrow (Feather) file",
    b"\xd0\xcf\x11\xe0": "is an old Excel or other Office file",
    b"%PDF-1.7": "is a PDF, not a table",
    b"SQLite format 3\0": "is an SQLite database",
    b"\x89HDF\r\n": "is an HDF5 file",
    b"\x93NUMPY": "is a numpy array",
    b"PK\x03\x04" + b"." * 400 + b"xl/": "is an Excel workbook",
    b"PK\x03\x04" + b"." * 150 + b"[Content_Types].xml": "is an Excel workbook",
    b"\n <!DOCTYPE html>": "is a web page or XML",
    b"<HTML>": "is a web page or XML",
    b"\xef\xbb\xbf<?xml version": "is a web page or XML",
    b'{"x": 1}': "is JSON",
    b"[{": "is JSON",
    b"{\n": "is JSON",
    b"{ }": "is JSON",
    b"[\n": "is JSON",
    b" [[1]]": "is JSON",
}


@pytest.mark.parametrize("start", FORMATS)
def test_a_file_of_another_format_is_named(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(start + b"x,y\n1,2\n")
    assert refused(path).startswith(": " + FORMATS[start].format(path))


@pytest.mark.parametrize("name", ["x[1]", "{x}", "PK", "html", "%PDF", "BZh"])
def test_a_name_that_resembles_a_signature_is_a_name(tmp_path: Path, name: str) -> None:
    [table] = converted(tmp_path, f"{name},y\n1,2\n", columns=[name])
    assert table[name].to_pylist() == [1]
