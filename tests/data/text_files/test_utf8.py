from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.text_files.utf8 import Utf8Decoder
from linreg.errors import UserError

FILE = Path("table.csv")


def refused(*blocks: bytes, offset: int = 0, check: bool = False) -> str:
    """Return the error of the last block."""
    decoder = Utf8Decoder(FILE, offset)
    *first, last = blocks
    for block in first:
        decoder.check(block, final=False)
    with pytest.raises(UserError) as caught:
        decoder.check(last, final=True) if check else decoder.decode(last, final=True)
    return str(caught.value)


@given(st.text("aé€😀\n", max_size=20), st.integers(1, 9))
def test_text_is_decoded_however_it_is_cut_into_blocks(text: str, length: int) -> None:
    data = text.encode()
    blocks = [data[start : start + length] for start in range(0, len(data), length)]
    decoder, checker = Utf8Decoder(FILE, 0), Utf8Decoder(FILE, 0)
    assert "".join(map(decoder.decode, blocks)) + decoder.decode(b"", final=True) == text
    for block in blocks:
        checker.check(block, final=False)
    checker.check(b"", final=True)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("first", [b"plain,", "é,ö,".encode(), b""])
def test_a_wrong_byte_is_named_with_its_offset_in_the_file(first: bytes, check: bool) -> None:
    message = refused(first, b"ab\xffc", offset=100, check=check)
    offset = 100 + len(first) + 2
    assert message.startswith(f"table.csv: is not UTF-8; found byte 0xFF at offset {offset};")
    assert message.endswith("set ingest.encoding to the encoding of the file, such as cp1252")


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("first", [b"plain,", "é,ö,".encode(), b""])
def test_a_nul_is_named_with_its_offset_in_the_file(first: bytes, check: bool) -> None:
    message = refused(first, b"ab\0c", offset=100, check=check)
    offset = 100 + len(first) + 2
    assert message == (
        f"table.csv: is not text; found a NUL byte at offset {offset};"
        " the file is damaged or not text: make it again"
    )


def test_a_character_cut_by_the_end_of_a_block_is_named_where_it_begins() -> None:
    begun = "aé".encode()[:2]
    assert "byte 0xC3 at offset 1;" in refused(begun, b"")
    assert "byte 0xC3 at offset 1;" in refused(begun, b"b", check=True)
    # The second byte may also be missing at the end of the file.
    assert "byte 0xC3 at offset 1;" in refused(begun, check=True)


def test_a_nul_after_a_character_cut_by_blocks_is_named_with_its_offset() -> None:
    character = "é".encode()
    assert "NUL byte at offset 3;" in refused(b"a" + character[:1], character[1:] + b"\0")
