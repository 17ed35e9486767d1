"""The headers of a Parquet file's pages, as bytes.

A header holds the checksum of its page, so that the headers stand for all the values of a row
group. pyarrow checks the pages by them but does not return them: they have to be found here, from
one page to the next, by the page size that each holds.

Source: parquet.thrift of the Parquet format, and the compact protocol of Apache Thrift.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

_COMPRESSED_PAGE_SIZE = 3
"""The number of this field of a page header."""
_SHORT = 256
"""Bytes that hold the header of a page of numbers."""
_LONG = 1 << 16
"""Bytes that hold any header: it has the column's smallest and largest value in the page."""
# The types of fields in the compact protocol. Page headers have no others.
_TRUE_OR_FALSE = (1, 2)
_INTEGERS = (4, 5, 6)
_BINARY = 8
_STRUCT = 12


def page_headers(file: pa.NativeFile, metadata: Any, row_group: int) -> Iterator[bytes]:
    """Yield the headers of all pages of a row group, column by column.

    Raises ValueError where there is none.
    """
    group = metadata.row_group(row_group)
    for index in range(group.num_columns):
        column = group.column(index)
        position = column.dictionary_page_offset or column.data_page_offset
        end = position + column.total_compressed_size
        while position < end:
            header, page_size = _read_header(file, position)
            yield header
            position += len(header) + page_size


def _read_header(file: pa.NativeFile, position: int) -> tuple[bytes, int]:
    """Return the page header at a position, and the number of bytes of the page that follows."""
    for length in (_SHORT, _LONG):
        data = file.read_at(length, position)
        fields: dict[int, int] = {}
        try:
            end = _read_struct(data, 0, fields)
        except IndexError:
            continue
        if (page_size := fields.get(_COMPRESSED_PAGE_SIZE, -1)) >= 0:
            return data[:end], page_size
    raise ValueError("not a page header")


def _read_struct(data: bytes, position: int, fields: dict[int, int]) -> int:
    """Put a struct's integers into `fields`, by field number; return the position of its end."""
    field = 0
    while head := data[position]:
        position += 1
        type_ = head & 15
        if step := head >> 4:
            field += step
        else:
            field, position = _read_integer(data, position)
        if type_ in _INTEGERS:
            fields[field], position = _read_integer(data, position)
        elif type_ == _BINARY:
            length, position = _read_varint(data, position)
            position += length
        elif type_ == _STRUCT:
            position = _read_struct(data, position, {})
        # A truth value is in the type itself and takes no further byte.
        elif type_ not in _TRUE_OR_FALSE:
            raise ValueError(f"not a page header: it has a field of type {type_}")
    return position + 1


def _read_integer(data: bytes, position: int) -> tuple[int, int]:
    """Return a signed integer in zigzag encoding, and the position of its end."""
    value, position = _read_varint(data, position)
    return (value >> 1) ^ -(value & 1), position


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return an unsigned integer in groups of 7 bits, lowest first, and the position of its end."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position
