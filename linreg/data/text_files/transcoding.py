"""Text in another encoding, piece by piece in UTF-8."""

import codecs
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from linreg.data.text_files.text_error import TextError


def to_utf8(path: Path, pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the UTF-8 of each piece of a text.

    Raises TextError, after all that comes before, for bytes that are no character.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    for piece in chain(pieces, [b""]):
        state = decoder.getstate()
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            offset += len(piece) - len(error.object) + error.start
            wrong = error.object[error.start : error.end]
            decoder.setstate(state)
            good = piece[: max(0, len(piece) - len(error.object) + error.start)]
            yield decoder.decode(good).encode()
            raise TextError(
                path,
                f"is not {encoding}",
                found=f"{'bytes' if len(wrong) > 1 else 'byte'} 0x{wrong.hex().upper()} at offset"
                f" {offset}",
                todo="correct the cell, or set ingest.encoding to the encoding of the file",
            ) from None
        offset += len(piece)
        yield text.encode()
