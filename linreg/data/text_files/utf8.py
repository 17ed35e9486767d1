"""The bytes of a text file, checked to be UTF-8 text."""

import codecs
from pathlib import Path

from linreg.data.text_files.text_error import TextError

_SET_ENCODING = "set ingest.encoding to the encoding of the file, such as cp1252"


class Utf8Decoder:
    """Decodes a file block by block, from the byte at `offset` on.

    A NUL, or bytes that are not UTF-8, are a TextError that names their offset in the file.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._offset = offset
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def check(self, block: bytes | bytearray, *, final: bool) -> None:
        """Check the next bytes as `decode` does, but return nothing: fast for plain ASCII."""
        if block.isascii() and b"\0" not in block and not self._decoder.getstate()[0]:
            self._offset += len(block)
        else:
            self.decode(block, final=final)

    def decode(self, block: bytes | bytearray, *, final: bool = False) -> str:
        """Return the next bytes as text; `final` when the file ends with them."""
        self._offset += len(block)
        try:
            text = self._decoder.decode(block, final)
        except UnicodeDecodeError as error:
            offset = self._offset - len(error.object) + error.start
            raise TextError(
                self._path,
                "is not UTF-8",
                found=f"byte 0x{error.object[error.start]:02X} at offset {offset}",
                todo=_SET_ENCODING,
                num_good=max(0, len(block) - len(error.object) + error.start),
            ) from None
        if "\0" in text:
            num_good = block.index(b"\0")
            offset = self._offset - len(block) + num_good
            raise TextError(
                self._path,
                "is not text",
                found=f"a NUL byte at offset {offset}",
                todo="the file is damaged or not text: make it again",
                num_good=num_good,
            )
        return text
