"""Files of other formats, recognized by their first bytes, with what to do about each."""

from pathlib import Path

from linreg.errors import UserError

_SIGNATURES = (
    (
        b"ARROW1\0",
        "is an Arrow (Feather) file",
        "write it as Parquet: `pandas.read_feather(…).to_parquet(…)`",
    ),
    (b"\xd0\xcf\x11\xe0", "is an old Excel or other Office file", "save it as CSV"),
    (b"7z\xbc\xaf'\x1c", "is a 7z archive", "unpack it: `7z x {}`"),
    (b"Rar!\x1a\x07", "is a RAR archive", "unpack it: `unrar x {}`"),
    (b"\x04\x22\x4d\x18", "is compressed with LZ4", "unpack it: `unlz4 {}`"),
    (b"\x1f\x9d", "is compressed with compress", "unpack it: `uncompress -k {}`"),
    (b"%PDF-", "is a PDF, not a table", "save the table as CSV"),
    (
        b"SQLite format 3\0",
        "is an SQLite database",
        "export a table: `sqlite3 -header -csv {} 'select * from T'`",
    ),
    (b"\x89HDF\r\n", "is an HDF5 file", "write its table as CSV or Parquet"),
    (b"\x93NUMPY", "is a numpy array", "write it as CSV, with a header"),
)


def refuse_other_formats(path: Path, start: bytes) -> None:
    """Raise UserError when the first bytes of a file show that it is not CSV."""
    if start.startswith(b"PK\x03\x04"):
        raise UserError(path, "is an Excel workbook", todo="save the sheet as CSV")
    for signature, what, todo in _SIGNATURES:
        if start.startswith(signature):
            raise UserError(path, what, todo=todo.format(path))
    if start[257:262] == b"ustar":
        raise UserError(path, "is a tar archive", todo=f"unpack it: `tar xf {path}`")
    text = start[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise UserError(
            path,
            "is a web page or XML, not a table",
            todo="if it was downloaded, a page may have come in place of the file: look into it,"
            " and fetch the file itself",
        )
    if text.startswith((b'{"', b"[{", b"{\n", b"{ ", b"[\n", b"[[")):
        raise UserError(
            path, "is JSON, not a table", todo="write it as CSV: `pandas.read_json(…).to_csv(…)`"
        )
