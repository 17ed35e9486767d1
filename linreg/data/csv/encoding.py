"""The bytes of a text file, checked to be UTF-8 text."""

import codecs
from pathlib import Path

from linreg.errors import UserError

_FROM_UTF16 = "if it is UTF-16, convert it with `iconv -f UTF-16 -t UTF-8 FILE > NEW_FILE`"
_FROM_LATIN1 = "convert it, for instance with `iconv -f LATIN1 -t UTF-8 FILE > NEW_FILE`"


class Utf8Decoder:
    """Decodes a file block by block, from the byte at `offset` on.

    A NUL, or bytes that are not UTF-8, are a UserError that names their offset in the file.
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
            byte = error.object[error.start]
            is_byte_order_mark = offset == 0 and byte in codecs.BOM_UTF16
            raise UserError(
                self._path,
                "is not UTF-8",
                found=f"byte 0x{byte:02X} at offset {offset}",
                todo=_FROM_UTF16 if is_byte_order_mark else _FROM_LATIN1,
            ) from None
        if "\0" in text:
            offset = self._offset - len(block) + block.index(b"\0")
            damaged = "the file is damaged or not text: make it again"
            raise UserError(
                self._path,
                "is not text",
                found=f"a NUL byte at offset {offset}",
                # ASCII characters in UTF-16 have a NUL as their first or second byte.
                todo=_FROM_UTF16 if offset <= 1 else damaged,
            )
        return text
