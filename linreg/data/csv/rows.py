"""The rows of a CSV file as Arrow tables, block by block.

Blocks are cut here, and parsed by pyarrow in threads of ours. pyarrow's own streaming reader would
read some thirty blocks ahead, on a thread that may outlive the reader and abort the interpreter at
its exit.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import islice

import pyarrow as pa

from linreg.data.csv import dialect
from linreg.data.csv.block_parser import BlockParser, ParsedBlock, TypedOrTextParser
from linreg.data.csv.dialect import CsvFile
from linreg.data.csv.footer import MOST_BYTES, split_footer
from linreg.data.csv.quotes import QUOTE, count_byte
from linreg.data.tables.prefetch import map_ahead
from linreg.data.text_files.text_error import TextError
from linreg.data.text_files.text_stream import TextStream
from linreg.data.text_files.utf8 import Utf8Decoder
from linreg.errors import UserError

Parser = BlockParser | TypedOrTextParser
_SAMPLE_BYTES = 1 << 18
"""The rows of which types are inferred at first: some thousands."""


class LeftOut:
    """What is no row: how many lines of nothing but empty cells, and the lines below the table."""

    def __init__(self) -> None:
        self.num_empty = 0
        self.footer: Sequence[str] = ()


def read_rows(
    file: CsvFile, schema: pa.Schema, decimal: str = ".", left_out: LeftOut | None = None
) -> Iterator[pa.Table]:
    """Yield the columns of `schema`, at most a block at a time; missing cells are null.

    Rows of nothing but empty cells and lines below the table are left out, and told `left_out`.

    Raises ArrowInvalid when a cell does not fit its type (text takes every cell), and UserError for
    a row with too few or too many cells or one longer than a block, for a quote that is not closed
    or is followed by text, for NUL bytes and for bytes that are not UTF-8.
    """
    return _read(file, BlockParser(file, schema, decimal), left_out or LeftOut())


def read_first_rows(file: CsvFile, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield rows from the beginning like `read_rows`, if there are any, and read no others."""
    parser = BlockParser(file, schema)
    with file.text.open(ahead=False) as stream:
        stream.read(file.rows_offset)
        num_bytes = min(_SAMPLE_BYTES, dialect.BLOCK_BYTES)
        block = stream.read(num_bytes)
        end = next(_possible_ends(block, file.line_end), 0)
        is_whole_file = len(block) < num_bytes
        _, parsed = _parse_if_regular(file, parser, block[:end]) if end else (0, None)
        if parsed is None or parsed.rows is None or is_whole_file:
            stream.put_back(block)
            rows = _read_one_by_one(stream, file, parser, file.rows_offset, 0, LeftOut())
            yield from islice(rows, 1)
        else:
            yield parsed.rows


def read_typed_or_text(file: CsvFile, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield rows like `read_rows`; where a cell does not fit its type, a block of text."""
    return _read(file, TypedOrTextParser(file, schema), LeftOut())


def _read(file: CsvFile, parser: Parser, left_out: LeftOut) -> Iterator[pa.Table]:
    offset = file.rows_offset
    num_rows = 0
    # The blocks that are being parsed, or are to be read once more.
    begun: deque[tuple[bytearray, int]] = deque()
    with file.text.open() as stream:
        stream.read(file.rows_offset)
        # Several at a time, as long as blocks are as they should be.
        blocks = _cut_at_row_ends(stream, file, begun)
        with closing(map_ahead(partial(_parse_if_regular, file, parser), blocks)) as regular:
            for num_bytes, parsed in regular:
                if parsed is None or parsed.rows is None:
                    break
                begun.popleft()
                left_out.num_empty += parsed.num_empty
                yield parsed.rows
                offset += num_bytes
                num_rows += parsed.rows.num_rows
        # From there on one by one: an irregular block begins, or the last row.
        stream.put_back(b"".join(memoryview(block)[:end] for block, end in begun))
        begun.clear()
        yield from _read_one_by_one(stream, file, parser, offset, num_rows, left_out)


def _cut_at_row_ends(
    stream: TextStream, file: CsvFile, begun: deque[tuple[bytearray, int]]
) -> Iterator[bytearray]:
    """Yield the blocks of a file, as far as line ends show where they end.

    Each ends with a whole row, if the quotes in it come in pairs. Each is appended to `begun`, with
    its length, since the parser appends its mark.
    """
    offset = file.rows_offset
    while True:
        try:
            block = stream.read(_bytes_to_read(file, offset))
        except UserError:
            # It is raised again below the rows that come before it.
            return
        end = next(_possible_ends(block, file.line_end), 0)
        stream.put_back(block[end:])
        if not end:
            return
        del block[end:]
        offset += end
        begun.append((block, end))
        yield block


def _bytes_to_read(file: CsvFile, offset: int) -> int:
    """Return how many bytes from `offset` on to look at for the end of a block.

    That is up to the next multiple of BLOCK_BYTES but one, so that blocks end in the same places
    however their ends are found.
    """
    position = offset - file.rows_offset
    return (-(-position // dialect.BLOCK_BYTES) + 1) * dialect.BLOCK_BYTES - position


def _parse_if_regular(
    file: CsvFile, parser: Parser, block: bytearray
) -> tuple[int, ParsedBlock | None]:
    """Return the length of a block and its rows; None where anything about it is unusual."""
    num_bytes = len(block)
    try:
        Utf8Decoder(file.path, offset=0).check(block, final=True)
        parsed = parser.parse(block)
    except (UserError, pa.ArrowInvalid):
        return num_bytes, None
    return num_bytes, None if parsed.stray_quote else parsed


def _read_one_by_one(
    stream: TextStream, file: CsvFile, parser: Parser, offset: int, num_rows: int, left_out: LeftOut
) -> Iterator[pa.Table]:
    """Yield the rows from `offset` on, which follow `num_rows` others.

    Where the quotes do not tell the end of a block, several are tried. Raises like `read_rows`.
    """
    decoder = Utf8Decoder(file.path, offset + file.text.mark)
    unparsed = b""
    last_row = num_rows
    num_bytes = _bytes_to_read(file, offset)
    while True:
        read = bytearray()
        try:
            read = stream.read(num_bytes)
            decoder.check(read, final=not read)
        except TextError as error:
            unparsed += read[: error.num_good]
            raise error.in_row(num_rows + _row_at_end(unparsed, file, parser)) from None
        num_bytes = dialect.BLOCK_BYTES
        at_end = not read
        unparsed += read
        if not unparsed:
            return
        for end in [len(unparsed)] if at_end else _possible_ends(unparsed, file.line_end):
            parsed = parser.parse(bytearray(memoryview(unparsed)[:end]))
            if parsed.irregular_row:
                above, footer = split_footer(
                    unparsed + _rest(stream), file.splitter, len(file.names)
                )
                if footer:
                    left_out.footer = footer
                    unparsed, end = above, len(above)
                    parsed = parser.parse(bytearray(above))
            last_row = num_rows + parsed.last_row
            _refuse(parsed, file, num_rows)
            if parsed.rows is not None:
                left_out.num_empty += parsed.num_empty
                yield parsed.rows
                num_rows = last_row
                unparsed = unparsed[end:]
                break
        else:
            _require_more(unparsed, at_end, f"{file.path}: row {max(last_row, num_rows + 1)}")


def _rest(stream: TextStream) -> bytes:
    """Return what is left of a text if that is short enough for notes below its table."""
    with suppress(UserError):
        rest = stream.read(MOST_BYTES)
        return bytes(rest) if len(rest) < MOST_BYTES else b"\0"
    return b"\0"


def _row_at_end(unparsed: bytes, file: CsvFile, parser: Parser) -> int:
    """Return the number of the row in which a text ends."""
    whole_rows = unparsed[: unparsed.rfind(file.line_end) + 1]
    if not whole_rows:
        return 1
    parsed = parser.parse(bytearray(whole_rows))
    _refuse(parsed, file, 0)
    return parsed.last_row + (parsed.rows is not None)


def _possible_ends(block: bytes | bytearray, line_end: bytes) -> Iterator[int]:
    """Yield where the last whole row may end: after paired quotes, then after unpaired ones.

    The latter is right where a cell such as `5" pipe` contains a quote without being quoted.
    """
    for parity_of_whole_rows in (0, 1):
        end = block.rfind(line_end) + 1
        parity = count_byte(memoryview(block)[:end], QUOTE) % 2 if QUOTE in block else 0
        while end and parity != parity_of_whole_rows:
            previous = block.rfind(line_end, 0, end - 1) + 1
            parity ^= block.count(QUOTE, previous, end) % 2
            end = previous
        if end:
            yield end


_COMMENT = re.compile(r"#|%|//|--|\*|!")


def _refuse(parsed: ParsedBlock, file: CsvFile, num_rows: int) -> None:
    """Raise UserError for an irregular row or a stray quote; `num_rows` are above the block."""
    if row := parsed.irregular_row:
        todo = "correct the row"
        if row.actual_columns > row.expected_columns:
            todo += f", or put quotes around cells that contain {file.delimiter!r}"
            if num_rows + row.number == 1:
                todo += "; if the header is further down, set ingest.skip to the lines above it"
        if sign := _COMMENT.match(row.text.lstrip()):
            todo += f"; if lines that begin with {sign[0]} are comments, set ingest.comment to it"
        cells = f"{row.actual_columns} cell{'s' if row.actual_columns != 1 else ''}"
        what = f"has {cells} where the header has {row.expected_columns}"
        where = f"{file.path}: row {num_rows + row.number}"
        raise UserError(where, what, found=row.text, todo=todo)
    if stray := parsed.stray_quote:
        raise UserError(
            f"{file.path}: row {num_rows + stray.row}",
            "has text after a closing quote",
            found=stray.text,
            todo="look for a quote that is not closed; double a quote inside a quoted cell",
        )


def _require_more(unparsed: bytes, at_end: bool, where: str) -> None:
    """Raise UserError for bytes of an unfinished row that further bytes cannot finish."""
    if at_end:
        todo = "close it, in this row or in one above"
        raise UserError(where, "a quote is not closed", todo=todo)
    if len(unparsed) > dialect.BLOCK_BYTES:
        what = f"the row is longer than {dialect.BLOCK_BYTES} bytes"
        raise UserError(where, what, todo="look for a quote that is not closed")
