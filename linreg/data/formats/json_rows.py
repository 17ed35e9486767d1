"""JSON as rows: an object a line, or an array of objects; read piece by piece."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from linreg.data.formats.value_kinds import ColumnKinds, NumberText
from linreg.data.text_files.text_file import TextFile, open_text, read_start
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

PIECE_BYTES = 1 << 20
MOST_CHARACTERS = 16 << 20
"""An object is not longer than that."""
_BLANKS = re.compile(r"[ \t\r\n]*")
_AS_ROWS = 'write an object for each row: `to_json(…, orient="records", lines=True)` with pandas'

Row = dict[str, Any]
"""The cells of a row by the name of the column: text, NumberText, bool, None, or nested values."""


def open_json(path: Path, options: ReadOptions = READ_AS_IS) -> TextFile:
    """Return a file as text: unpacked if it is compressed, in the encoding that it shows."""
    return open_text(read_start(path, PIECE_BYTES), options)


def read_objects(file: TextFile) -> Iterator[Row]:
    """Yield the rows of a file; numbers keep their digits, and NaN is None.

    Raises UserError, with the row, for what is not JSON, not an object, or has a key twice.
    """
    text, start, number = "", 0, 1
    path = file.path
    pieces = _pieces(file)
    is_array: bool | None = None
    while True:
        start = _after_blanks(text, start)
        position = start
        try:
            if is_array is None:
                is_array = _character(text, start) == "["
                start += is_array
                continue
            if is_array and _character(text, start) == "]":
                _require_end(path, text[start + 1 :], pieces, number)
                return
            if is_array and number > 1:
                position = _after_comma(text, start)
            row, start = _DECODER.raw_decode(text, position)
        except (_IncompleteError, json.JSONDecodeError) as error:
            piece = next(pieces, None)
            if piece is not None and len(text) - start <= MOST_CHARACTERS:
                text, start = text[start:] + piece, 0
                continue
            if start == len(text) and not is_array:
                return
            raise _not_json(path, number, text[position:], error) from None
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: row {number}", "cannot be read", found=error) from None
        if not isinstance(row, dict):
            found = json.dumps(row)
            raise UserError(f"{path}: row {number}", "is not an object", found=found, todo=_AS_ROWS)
        yield row
        number += 1


class _IncompleteError(Exception):
    """The text ends where something is to follow."""


def _after_blanks(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def _character(text: str, position: int) -> str:
    if position == len(text):
        raise _IncompleteError
    return text[position]


def _after_comma(text: str, position: int) -> int:
    if _character(text, position) != ",":
        raise json.JSONDecodeError("a comma is missing", text, position)
    position = _after_blanks(text, position + 1)
    _character(text, position)
    return position


def _require_end(path: Path, text: str, pieces: Iterable[str], number: int) -> None:
    for piece in (text, *pieces):
        if rest := piece.strip():
            what = "something follows the end of the array"
            raise UserError(f"{path}: after row {number - 1}", what, found=rest, todo=_AS_ROWS)


def _not_json(path: Path, number: int, text: str, error: Exception) -> UserError:
    where = f"{path}: row {number}"
    if len(text) > MOST_CHARACTERS:
        todo = "it may be damaged here; " + _AS_ROWS
        return UserError(where, f"does not end within {MOST_CHARACTERS} characters", todo=todo)
    if isinstance(error, _IncompleteError) or not text.strip():
        return UserError(where, "is cut off: the array has no end", todo="make the file again")
    found = text.partition("\n")[0]
    return UserError(where, "is not JSON", found=found, todo="correct it, or make the file again")


def _pieces(file: TextFile) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    with file.open() as stream:
        while True:
            piece = bytes(stream.read(PIECE_BYTES))
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                found = f"byte 0x{error.object[error.start]:02X} near offset {offset}"
                todo = "JSON is UTF-8; set ingest.encoding for another encoding"
                raise UserError(file.path, "is not UTF-8", found=found, todo=todo) from None
            offset += len(piece)
            if not piece:
                return
            yield text


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {name!r} twice")
    return row


def _constant(name: str) -> NumberText | None:
    return None if name == "NaN" else NumberText(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_int=NumberText,
    parse_float=NumberText,
    parse_constant=_constant,
)


def survey_objects(path: Path, rows: Iterable[Row]) -> dict[str, ColumnKinds]:
    """Return the columns in the order in which they first occur, with the kinds of their cells.

    Raises UserError for a file that holds one object with nothing but nested values: columns, not
    rows.
    """
    columns: dict[str, ColumnKinds] = {}
    number = 0
    only: Row | None = None
    for number, row in enumerate(rows, 1):
        only = row
        for name, value in row.items():
            kinds = columns.get(name)
            if kinds is None:
                kinds = columns[name] = ColumnKinds("row {}".format, has_header=False)
            if value is not None:
                kinds.see(value, number)
    if number == 0:
        raise UserError(path, "holds no rows", todo=_AS_ROWS)
    if number == 1 and only and all(isinstance(value, dict | list) for value in only.values()):
        found = ", ".join(only)
        raise UserError(path, "holds one object, not rows", found=found, todo=_AS_ROWS)
    return columns
