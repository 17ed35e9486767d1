"""Files of other formats, recognized by their first bytes, with what to do about each."""

from pathlib import Path

from linreg.errors import UserError


def _by_pandas(reader: str) -> str:
    return f"write it as Parquet: `pandas.{reader}(…).to_parquet(…)`"


_SIGNATURES = (
    (
        b"version https://git-lfs.github.com/spec/",
        "is a pointer of Git LFS, and what it points to is not here",
        "run `git lfs pull`",
    ),
    (b"FEA1\0", "is a Feather file of version 1", _by_pandas("read_feather")),
    (b"PARE", "is an encrypted Parquet file", "decrypt it first"),
    (b"ORC", "is an ORC file", "write it as Parquet: `pandas.read_orc(…).to_parquet(…)`"),
    (b"Obj\x01", "is an Avro file", "write it as Parquet"),
    (b"7z\xbc\xaf'\x1c", "is a 7z archive", "unpack it: `7z x {}`"),
    (b"Rar!\x1a\x07", "is a RAR archive", "unpack it: `unrar x {}`"),
    (b"\x04\x22\x4d\x18", "is compressed with LZ4", "unpack it: `unlz4 {}`"),
    (b"\x1f\x9d", "is compressed with compress", "unpack it: `uncompress -k {}`"),
    (b"%PDF-", "is a PDF, not a table", "save the table as CSV"),
    (b"\x89PNG\r\n", "is a picture, not a table", "save the table as CSV"),
    (b"\xff\xd8\xff", "is a picture, not a table", "save the table as CSV"),
    (
        b"SQLite format 3\0",
        "is an SQLite database",
        "export a table: `sqlite3 -header -csv {} 'select * from T'`",
    ),
    (b"\0\x01\0\0Standard ", "is an Access database", "export a table as CSV: `mdb-export {} T`"),
    (b"\x89HDF\r\n", "is an HDF5 file", "write its table as CSV or Parquet"),
    (b"CDF\x01", "is a NetCDF file", "write its table as CSV or Parquet"),
    (b"CDF\x02", "is a NetCDF file", "write its table as CSV or Parquet"),
    (b"\x93NUMPY", "is a numpy array", "write it as CSV, with a header"),
    (b"\x80\x02", "is a pickle", "write it as Parquet from the program that wrote it"),
    (b"\x80\x03", "is a pickle", "write it as Parquet from the program that wrote it"),
    (b"\x80\x04\x95", "is a pickle", "write it as Parquet from the program that wrote it"),
    (b"\x80\x05\x95", "is a pickle", "write it as Parquet from the program that wrote it"),
    (b"RDX2\n", "is a file of R objects", "write the table as CSV: `write.csv(…)` in R"),
    (b"RDX3\n", "is a file of R objects", "write the table as CSV: `write.csv(…)` in R"),
    (b"X\n\0\0\0", "is a file of an R object", "write it as CSV: `write.csv(readRDS(…), …)` in R"),
    (b"$FL2@(#)", "is an SPSS file", _by_pandas("read_spss")),
    (b"$FL3@(#)", "is an SPSS file", _by_pandas("read_spss")),
    (b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", "is a SAS table", _by_pandas("read_sas")),
    (b"HEADER RECORD*******LIB", "is a SAS transport file", _by_pandas("read_sas")),
    (b"<stata_dta>", "is a Stata file", _by_pandas("read_stata")),
    *(
        (bytes([version, order, 1, 0]), "is a Stata file", _by_pandas("read_stata"))
        for version in (113, 114, 115)
        for order in (1, 2)
    ),
)
_DUCKDB = b"DUCK"


def refuse_other_formats(path: Path, start: bytes) -> None:
    """Raise UserError when the first bytes of a file show that it is not CSV."""
    if start.startswith(b"PK\x03\x04"):
        raise UserError(path, "is an Excel workbook", todo="save the sheet as CSV")
    for signature, what, todo in _SIGNATURES:
        # Letters alone may as well be a name in the header of a text.
        if start.startswith(signature) and (not signature.isalpha() or b"\0" in start):
            raise UserError(path, what, todo=todo.format(path))
    if start[8:12] == _DUCKDB:
        todo = "export a table: `COPY T TO 'T.parquet'` in duckdb"
        raise UserError(path, "is a DuckDB database", todo=todo)
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
