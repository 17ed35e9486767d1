"""A file of text: how it is compressed, in which encoding, and the way to its UTF-8 text."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from linreg.data.tables.prefetch import prefetch
from linreg.data.tables.reading_note import ReadingNote
from linreg.data.text_files.compression import PIECE_BYTES, Compression, compression_of, unpacked
from linreg.data.text_files.encoding import UTF8, find_encoding
from linreg.data.text_files.text_error import TextError
from linreg.data.text_files.text_stream import Pieces, TextStream
from linreg.data.text_files.transcoding import to_utf8
from linreg.data.text_files.utf8 import Utf8Decoder
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

_MOST_BYTES_OF_A_SIGNATURE = 4096
_LINES_TO_NAME_A_ROW = 3


class FileStart(NamedTuple):
    """The first bytes of a file, unpacked if it is compressed.

    is_all   whether these are all its bytes; None where what follows cannot be unpacked
    """

    path: Path
    compression: Compression | None
    block: bytes
    is_all: bool | None


@dataclass(frozen=True)
class TextFile:
    """A file that holds text.

    encoding   the name of a codec
    mark       how many bytes a byte order mark of UTF-8 takes
    notes      what was chosen in reading it
    """

    path: Path
    compression: Compression | None = None
    encoding: str = UTF8
    mark: int = 0
    notes: tuple[ReadingNote, ...] = ()

    def open(self, *, ahead: bool = True) -> TextStream:
        """Open the text, in UTF-8 and without a byte order mark.

        Bytes of a file in UTF-8 are not checked. A thread unpacks and transcodes in advance,
        unless no more than the beginning is to be read.
        """
        if not self.compression and self.encoding == UTF8:
            stream = TextStream(self.path.open("rb", buffering=0))
        else:
            stream = TextStream(Pieces(self.pieces(ahead=ahead)))
        stream.read(self.mark)
        return stream

    def first_block(self, start: FileStart, num_bytes: int) -> tuple[str, bool]:
        """Return the beginning of the text, and whether it is all.

        `start` are the first `num_bytes` of the file.

        A character that the end of the block cuts is left out, and so is what comes after bytes
        that cannot be read. Raises TextError where these are in the first two lines.
        """
        block: bytes | bytearray = start.block[self.mark :]
        is_all = start.is_all
        try:
            if is_all is None or self.encoding != UTF8:
                with self.open(ahead=False) as stream:
                    block = stream.read(num_bytes)
                    is_all = not stream.read(1)
            return Utf8Decoder(self.path, self.mark).decode(block, final=is_all), is_all
        except TextError as error:
            lines = block[: error.num_good].decode().splitlines(keepends=True)
            # Where the row can be named, it is named by the error that comes when it is read.
            if len(lines) < _LINES_TO_NAME_A_ROW:
                raise
            return "".join(lines[:-1]), False

    def pieces(self, *, ahead: bool = True) -> Generator[bytes]:
        """Yield the text in pieces of any length; a thread makes the next one, if it is to."""
        if self.compression:
            pieces = unpacked(self.path, self.compression)
        else:
            pieces = _pieces_of(self.path)
        if self.encoding != UTF8:
            pieces = to_utf8(self.path, pieces, self.encoding)
        yield from prefetch(pieces) if ahead else pieces


def read_start(path: Path, num_bytes: int) -> FileStart:
    """Return the first bytes of a file, unpacked if it is compressed.

    Raises UserError for what is no file, and for a file that is compressed twice.
    """
    if path.is_dir():
        raise UserError(path, "is a folder, not a file of text")
    if not path.exists():
        raise UserError(path, "there is no such file")
    if not path.is_file():
        raise UserError(path, "is not a regular file", todo="write the rows to a file first")
    with path.open("rb") as file:
        compression = compression_of(file.read(_MOST_BYTES_OF_A_SIGNATURE))
    # A small file needs no large buffer.
    size = num_bytes if compression else min(num_bytes, path.stat().st_size)
    with TextFile(path, compression).open(ahead=False) as stream:
        block = bytes(stream.read(size))
        try:
            is_all = not stream.read(1)
        except TextError:
            is_all = None
    if compression and (inner := compression_of(block)):
        raise UserError(
            path,
            f"is compressed twice: {inner.name} inside {compression.name}",
            todo=f"unpack it once: `{compression.unpack.format(path)}`",
        )
    return FileStart(path, compression, block, is_all)


def open_text(start: FileStart, options: ReadOptions = READ_AS_IS) -> TextFile:
    """Return a file as text, with the encoding that is given or that its bytes show.

    Raises UserError where they show none or several.
    """
    as_bytes = TextFile(start.path, start.compression)
    encoding = find_encoding(start.path, start.block, as_bytes.pieces, options)
    return replace(as_bytes, encoding=encoding.name, mark=encoding.mark, notes=encoding.notes)


def _pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
