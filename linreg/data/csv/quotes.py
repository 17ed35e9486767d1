"""Whether every quoted cell of a CSV block ends where its quote is closed.

A quote that is not closed ends at the next one, many rows below perhaps: `1,"abc` and `4,"def",6`
below it would be read as one row, and nobody would miss the other. What gives it away is the text
behind the closing quote. Only a block with a line end inside a cell can have lost a row so, and
only those are looked at.
"""

import functools
import re

import numpy as np

_QUOTE = ord('"')


def stray_row(block: memoryview, delimiter: str) -> int | None:
    """Return the offset of the first row with text behind a closing quote; None if there is none,
    the usual case.
    """
    if _every_quote_opens_or_closes(block, delimiter):
        return None
    row, start = _row(delimiter), 0
    while start < len(block):
        whole = row.match(block, start)
        if whole is None:
            return start
        start = whole.end()
    return None


def _every_quote_opens_or_closes(block: memoryview, delimiter: str) -> bool:
    """Tell it at the speed of memory; False also for a block with a cell such as `5" pipe`, which
    begins with none.
    """
    signs = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(signs == _QUOTE)
    if not len(quotes):
        return True
    borders = np.zeros(256, bool)
    borders[[ord(delimiter), ord("\r"), ord("\n"), _QUOTE]] = (
        # a doubled quote closes, and opens again at once
        True
    )
    opening, closing = quotes[::2], quotes[1::2]
    opens = borders[signs[opening - 1]] | (opening == 0)
    closes = borders[signs[np.minimum(closing + 1, len(signs) - 1)]]
    return bool(opens.all() and closes.all())


@functools.cache
def _row(delimiter: str) -> re.Pattern[bytes]:
    """One row, in which a quoted cell ends with its quote.

    One way to match each text, so that a row that does not match is given up after a look at each
    byte; possessive quantifiers would say so, but match wrongly before Python 3.11.5.
    """
    sign = re.escape(delimiter).encode()
    cell = rb'(?:"[^"]*(?:""[^"]*)*"|[^"%b\r\n][^%b\r\n]*)?' % (sign, sign)
    return re.compile(rb"%b(?:%b%b)*(?:\r\n|\r|\n|\Z)" % (cell, sign, cell))
