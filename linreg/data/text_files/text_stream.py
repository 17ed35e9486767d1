"""The UTF-8 text of a file, read from its beginning to its end."""

import io
from collections.abc import Generator
from types import TracebackType
from typing import Protocol, Self

from linreg.errors import UserError


class Readable(Protocol):
    """Where bytes come from: an open file, or Pieces."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill a buffer, or a part of it, and return its length; 0 at the end."""

    def close(self) -> None:
        """Release what is open."""


class TextStream:
    """Bytes in their order. Those that were read too far are put back, so that none is lost."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._put_back = memoryview(b"")

    def readinto(self, buffer: bytearray) -> int:
        """Fill a buffer and return its length; less is left of it only at the end.

        Raises TextError, again and again, when all that is before unreadable bytes has been read.
        """
        # What is kept of an error must not keep the buffer.
        with memoryview(buffer) as view:
            filled = min(len(self._put_back), len(view))
            view[:filled] = self._put_back[:filled]
            self._put_back = self._put_back[filled:]
            while filled < len(view):
                try:
                    with view[filled:] as rest:
                        num_bytes = self._source.readinto(rest)
                except UserError:
                    if filled:
                        break
                    raise
                if not num_bytes:
                    break
                filled += num_bytes
            return filled

    def read(self, num_bytes: int) -> bytearray:
        """Return the next bytes; fewer than asked for at the end."""
        buffer = bytearray(num_bytes)
        del buffer[self.readinto(buffer) :]
        return buffer

    def put_back(self, data: bytes | bytearray) -> None:
        """Let what was read last be read once more."""
        self._put_back = memoryview(bytes(data) + self._put_back)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.close()


class Pieces(io.RawIOBase):
    """Bytes that are made piece by piece."""

    def __init__(self, pieces: Generator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._error: UserError | None = None

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with what is left of a piece, or with the next one."""
        while not self._piece:
            try:
                self._piece = memoryview(next(self._pieces))
            except StopIteration:
                if self._error:
                    raise self._error from None
                return 0
            except UserError as error:
                self._error = error
                raise
        num_bytes = min(len(self._piece), len(buffer))
        buffer[:num_bytes] = self._piece[:num_bytes]
        self._piece = self._piece[num_bytes:]
        return num_bytes

    def close(self) -> None:
        """End the threads that make the pieces."""
        self._pieces.close()
