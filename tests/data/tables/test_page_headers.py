"""Page headers, read from files that pyarrow writes and from bytes of the compact protocol."""

import io
import zlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.tables.page_headers import page_headers


class OneColumn:
    """The metadata of a file whose only column has its pages at some bytes."""

    num_columns = 1
    dictionary_page_offset: int | None = None

    def __init__(self, data_page_offset: int, total_compressed_size: int) -> None:
        self.data_page_offset = data_page_offset
        self.total_compressed_size = total_compressed_size

    def row_group(self, _: int) -> "OneColumn":
        return self

    def column(self, _: int) -> "OneColumn":
        return self


def headers_of(data: bytes, *, begin: int = 0, size: int | None = None) -> list[bytes]:
    size = len(data) - begin if size is None else size
    return list(page_headers(pa.BufferReader(data), OneColumn(begin, size), 0))


def size_field(size: int, step: int = 3) -> bytes:
    """The field of a page's size (below 64): an integer in zigzag encoding."""
    return bytes([step << 4 | 5, size << 1])


STOP = b"\0"
PAGES = [size_field(5) + STOP + b"abcde", size_field(0) + STOP, size_field(2) + STOP + b"xy"]


def test_each_header_ends_where_its_page_begins() -> None:
    assert headers_of(b"".join(PAGES)) == [size_field(size) + STOP for size in (5, 0, 2)]
    assert headers_of(b"??" + b"".join(PAGES) + b"?", begin=2, size=len(b"".join(PAGES))) == [
        size_field(size) + STOP for size in (5, 0, 2)
    ]


@pytest.mark.parametrize(
    "before",
    [
        # Numbers of one byte, of two groups of 7 bits, and of three; of 16, 32 and 64 bits.
        bytes([0x14, 2, 0x14, 4]),
        bytes([0x15, 0x80, 1, 0x16, 0xFF, 0xFF, 3]),
        # Truth values, without a further byte.
        bytes([0x11, 0x12]),
        # A text of three bytes, which look like the field of the size.
        bytes([0x18, 3]) + size_field(9) + b"\0",
        # Structs, with a size of their own, which is not the page's.
        bytes([0x1C]) + size_field(9) + STOP,
        bytes([0x1C, 0x1C]) + size_field(9) + STOP + STOP,
    ],
)
def test_fields_before_and_after_the_size_are_skipped(before: bytes) -> None:
    num_fields = {0x14: 2, 0x15: 2, 0x11: 2}.get(before[0], 1)
    header = before + size_field(2, 3 - num_fields) + before + STOP
    assert headers_of(header + b"ab" + PAGES[0]) == [header, size_field(5) + STOP]


def test_the_number_of_a_field_may_be_written_in_full() -> None:
    # A step of 0, and then the number 3 in zigzag encoding.
    header = bytes([0x05, 6, 2 << 1]) + STOP
    assert headers_of(header + b"ab" + PAGES[0]) == [header, size_field(5) + STOP]
    # After it numbers go on from there: 4, 5.
    header = bytes([0x05, 6, 2 << 1, 0x15, 8, 0x15, 8]) + STOP
    assert headers_of(header + b"ab" + PAGES[0]) == [header, size_field(5) + STOP]
    # And back: 5, and then 3 in full.
    header = bytes([0x55, 8, 0x05, 6, 2 << 1]) + STOP
    assert headers_of(header + b"ab" + PAGES[0]) == [header, size_field(5) + STOP]


def test_the_size_of_a_page_may_take_several_bytes() -> None:
    # 300 in zigzag encoding is 600 = 0b100_1011000.
    header = bytes([0x35, 0b1101_1000, 0b100]) + STOP
    assert headers_of(header + b"a" * 300 + PAGES[0]) == [header, size_field(5) + STOP]
    # 20 000 is 40 000 = 0b10_0111000_1000000.
    header = bytes([0x35, 0b1100_0000, 0b1011_1000, 0b10]) + STOP
    assert headers_of(header + b"a" * 20_000 + PAGES[0]) == [header, size_field(5) + STOP]


@pytest.mark.parametrize(
    ("length", "encoded"),
    [(1000, [0b1110_1000, 0b111]), (60_000, [0b1110_0000, 0b1101_0100, 0b11])],
)
def test_a_header_with_long_values_is_read_to_its_end(length: int, encoded: list[int]) -> None:
    header = bytes([0x18, *encoded]) + b"t" * length + size_field(2, 2) + STOP
    assert headers_of(header + b"ab" + PAGES[0]) == [header, size_field(5) + STOP]


@pytest.mark.parametrize(
    "data",
    [
        # No size, a negative one (-1 in zigzag encoding is 1), and one of another field.
        bytes([0x15, 2]) + STOP,
        bytes([0x35, 1]) + STOP,
        size_field(3, 2) + STOP,
        size_field(3, 4) + STOP,
        # Cut off.
        size_field(3),
        bytes([0x35, 0x80]),
        b"",
    ],
)
def test_bytes_without_the_size_of_a_page_are_no_header(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not a page header$"):
        headers_of(data, size=10)


@pytest.mark.parametrize("type_", [3, 7, 9, 10, 11, 13, 14, 15])
def test_a_field_of_a_type_that_headers_do_not_have_is_named(type_: int) -> None:
    with pytest.raises(ValueError, match=rf"^not a page header: it has a field of type {type_}$"):
        headers_of(bytes([0x10 | type_, 0]) + size_field(3, 2) + STOP)


def written(table: pa.Table, **options: Any) -> tuple[bytes, Any]:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue(), pq.ParquetFile(io.BytesIO(sink.getvalue())).metadata


def crc_field(page: bytes) -> bytes:
    """The checksum of a page as its header holds it: 32 bits with a sign, in zigzag encoding."""
    signed = int.from_bytes(zlib.crc32(page).to_bytes(4), signed=True)
    value = 2 * signed if signed >= 0 else -2 * signed - 1
    groups = [value >> shift & 127 for shift in range(0, max(1, value.bit_length()), 7)]
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


@pytest.mark.parametrize("use_dictionary", [False, True])
def test_between_the_headers_of_a_file_are_the_pages_that_they_hold_the_checksums_of(
    use_dictionary: bool,
) -> None:
    texts = [f"{i % 7} " * 200 for i in range(600)]
    table = pa.table({"x": np.arange(600) / 7, "n": np.arange(600), "text": texts})
    data, metadata = written(
        table,
        use_dictionary=use_dictionary,
        data_page_size=1024,
        write_batch_size=100,
        row_group_size=400,
        write_page_checksum=True,
    )
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        headers = list(page_headers(pa.BufferReader(data), metadata, number))
        assert len(headers) > group.num_columns
        columns = [group.column(index) for index in range(group.num_columns)]
        begins = [each.dictionary_page_offset or each.data_page_offset for each in columns]
        end = begins[-1] + columns[-1].total_compressed_size
        position = begins[0]
        for header, following in zip(headers, [*headers[1:], b""], strict=True):
            assert data.startswith(header, position)
            begin = position + len(header)
            position = data.index(following, begin) if following else end
            assert crc_field(data[begin:position]) in header


def test_a_dictionary_is_the_first_page_of_its_column() -> None:
    table = pa.table({"g": ["a", "b"] * 50})
    data, metadata = written(table, use_dictionary=True, compression="none")
    column = metadata.row_group(0).column(0)
    assert column.dictionary_page_offset < column.data_page_offset
    first, second = page_headers(pa.BufferReader(data), metadata, 0)
    assert data.index(first) == column.dictionary_page_offset
    assert data.index(second) == column.data_page_offset
