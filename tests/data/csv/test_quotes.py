"""Quotes in the wrong place, compared with a parser that reads one character after the other."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linreg.data.csv.quotes import first_row_with_stray_quote


def found_by_a_simple_parser(block: bytes, delimiter: str) -> int | None:
    """Return the offset of the first row with text after a closing quote.

    Discards blocks that end inside quotes.
    """
    start = 0
    state = "before a cell"
    for offset in range(len(block)):
        character = block[offset : offset + 1]
        ends_cell = character in (delimiter.encode(), b"\n", b"\r")
        if state == "in quotes":
            state = "after a quote" if character == b'"' else state
        elif state == "after a quote" and character == b'"':
            # The quote was doubled.
            state = "in quotes"
        elif state == "after a quote" and not ends_cell:
            return start
        elif state == "before a cell" and character == b'"':
            state = "in quotes"
        else:
            state = "before a cell" if ends_cell else "in a cell"
            is_crlf = block[offset : offset + 2] == b"\r\n"
            if character in (b"\n", b"\r") and not is_crlf:
                start = offset + 1
    assume(state != "in quotes")
    return None


@pytest.mark.slow
@pytest.mark.parametrize("delimiter", [",", "|", "\t"])
@settings(max_examples=1000)
@given(text=st.text(alphabet='",|\t\n\r a1', max_size=30))
def test_the_first_row_with_a_stray_quote_is_found(delimiter: str, text: str) -> None:
    block = text.encode()
    found = first_row_with_stray_quote(memoryview(block), delimiter)
    assert found == found_by_a_simple_parser(block, delimiter)
