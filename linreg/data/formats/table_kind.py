"""What kind of table a file holds, by how it begins."""

import codecs
import re
from enum import StrEnum
from pathlib import Path

from linreg.data.text_files.compression import is_workbook
from linreg.data.text_files.text_file import read_start
from linreg.errors import UserError

_ARROW_FILE = b"ARROW1\0"
# A stream begins with a message: a continuation mark, its length, and a flatbuffer.
_ARROW_STREAM = re.compile(rb"\xff\xff\xff\xff...\0.\0\0\0", re.DOTALL)
_START_BYTES = 4096
_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*(\{\s*[\"}]|\[\s*[\[{\]])")


class TableKind(StrEnum):
    """The formats that are read, by the name that messages give them."""

    CSV = "CSV"
    PARQUET = "Parquet"
    ARROW = "Arrow"
    JSON = "JSON"
    WORKBOOK = "workbook"

    @property
    def has_types(self) -> bool:
        """Whether a file says the type of each column."""
        return self in (TableKind.PARQUET, TableKind.ARROW)


def kind_of(start: bytes) -> TableKind:
    """Return the kind of a file that begins with these bytes; CSV for what is none of the others.

    The reader of CSV refuses what no reader knows.
    """
    if start.startswith(b"PAR1"):
        return TableKind.PARQUET
    if start.startswith(_ARROW_FILE) or _ARROW_STREAM.match(start):
        return TableKind.ARROW
    if start.startswith(_OFFICE):
        return TableKind.WORKBOOK
    if is_workbook(start):
        return TableKind.WORKBOOK
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        start = start.decode("utf-16", "ignore").encode()
    return TableKind.JSON if _JSON.match(start) else TableKind.CSV


def kind_of_file(path: Path) -> TableKind:
    """Return the kind of a file, which may be compressed if it is text.

    Raises UserError for another kind in a compressed file.
    """
    start = read_start(path, _START_BYTES)
    kind = kind_of(start.block)
    if start.compression and kind not in (TableKind.CSV, TableKind.JSON):
        what = f"is compressed with {start.compression.name}, and not text: {kind}"
        raise UserError(path, what, todo=f"unpack it: `{start.compression.unpack.format(path)}`")
    return kind
