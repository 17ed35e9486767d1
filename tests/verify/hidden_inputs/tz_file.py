"""A time zone as a file."""

import struct


def tz_file(offset: int) -> bytes:
    """Return a zone with one offset from UTC, in seconds, as TZif version 1: RFC 8536."""
    counts = (0, 0, 0, 0, 1, 4)
    return (
        b"TZif"
        + bytes(16)
        + struct.pack(">6I", *counts)
        + struct.pack(">iBB", offset, 0, 0)
        + b"ATL\0"
    )
