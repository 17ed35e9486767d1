"""A file of text: how it is compressed, in which encoding, and the way to its UTF-8 text."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
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


class FileStart(NamedTuple):
    """The first bytes of a file, unpacked if it is compressed."""

    path: Path
    compression: Compression | None
    block: bytes
    is_whole_file: bool


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

    def open(self) -> TextStream:
        """Open the text, in UTF-8 and without a byte order mark.

        Bytes of a file in UTF-8 are not checked. A thread unpacks and transcodes in advance.
        """
        if not self.compression and self.encoding == UTF8:
            stream = TextStream(self.path.open("rb", buffering=0))
        else:
            stream = TextStream(Pieces(self._pieces()))
        stream.read(self.mark)
        return stream

    def first_block(self, num_bytes: int) -> tuple[str, bool]:
        """Return the beginning of the text, and whether it is all.

        A character that the end of the block cuts is left out, and so is what comes after a byte
        that is no text. Raises TextError where that is in the first two lines.
        """
        with self.open() as stream:
            block = stream.read(num_bytes)
            is_all = not stream.read(1)
        try:
            return Utf8Decoder(self.path, self.mark).decode(block, final=is_all), is_all
        except TextError as error:
            lines = block[: error.num_good].decode().splitlines(keepends=True)
            # Where the row can be named, it is named by the error that comes when it is read.
            if len(lines) < 3:
                raise
            return "".join(lines[:-1]), False

    def _pieces(self) -> Generator[bytes]:
        pieces = (
            unpacked(self.path, self.compression) if self.compression else _pieces_of(self.path)
        )
        if self.encoding != UTF8:
            pieces = to_utf8(self.path, pieces, self.encoding)
        yield from prefetch(pieces)


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
    with TextFile(path, compression).open() as stream:
        block = bytes(stream.read(num_bytes))
        start = FileStart(path, compression, block, is_whole_file=not stream.read(1))
    if compression and (inner := compression_of(block)):
        raise UserError(
            path,
            f"is compressed twice: {inner.name} inside {compression.name}",
            todo=f"unpack it once: `{compression.unpack.format(path)}`",
        )
    return start


def open_text(start: FileStart, options: ReadOptions = READ_AS_IS) -> TextFile:
    """Return a file as text, with the encoding that is given or that its bytes show.

    Raises UserError where they show none or several.
    """
    encoding, mark, notes = find_encoding(start.path, start.block, options)
    return TextFile(start.path, start.compression, encoding, mark, notes)


def _pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
