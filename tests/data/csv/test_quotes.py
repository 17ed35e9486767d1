"""Where a quote is closed too early, against a reader of CSV that takes one sign after the
other.
"""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linreg.data.csv.quotes import stray_row


def first_stray_row(block: bytes, delimiter: str) -> int | None:
    """The offset of the first row with text behind a closing quote; a block that ends inside quotes
    is not whole.
    """
    start, place = 0, "at the beginning of a cell"
    for at in range(len(block)):
        sign = block[at : at + 1]
        ends_cell = sign in (delimiter.encode(), b"\n", b"\r")
        if place == "in quotes":
            place = "behind a quote" if sign == b'"' else place
        elif place == "behind a quote" and sign == b'"':
            place = "in quotes"  # it was doubled
        elif place == "behind a quote" and not ends_cell:
            return start
        elif place == "at the beginning of a cell" and sign == b'"':
            place = "in quotes"
        else:
            place = "at the beginning of a cell" if ends_cell else "in a cell"
            if sign == b"\n" or (sign == b"\r" and block[at + 1 : at + 2] != b"\n"):
                start = at + 1
    assume(place != "in quotes")
    return None


@pytest.mark.parametrize("delimiter", [",", "|", "\t"])
@settings(max_examples=1000)
@given(text=st.text(alphabet='",|\t\n\r a1', max_size=30))
def test_the_first_row_with_a_stray_quote_is_the_one_that_a_plain_reader_finds(
    delimiter: str, text: str
) -> None:
    block = text.encode()
    assert stray_row(memoryview(block), delimiter) == first_stray_row(block, delimiter)
