"""Lines of a block that are no rows, and cells separated otherwise than pyarrow takes them.

A block of such a file is written anew before it is parsed. It is UTF-8 text that begins and ends
where a row does, as far as its quotes tell.
"""

import re

_ANY_LINE_END = rb"(?:\r\n|\r|\n|\Z)"


def with_single_blanks(block: bytes) -> bytes:
    """Return text in which one blank is left of each run of blanks and tabs outside quotes.

    None is left at the beginning and the end of a line.
    """
    pieces = block.split(b'"')
    # Quotes divide what is outside of them from what is inside, in turn.
    pieces[::2] = map(_squeeze, pieces[::2])
    pieces[0] = pieces[0].lstrip(b" ")
    pieces[-1] = pieces[-1].rstrip(b" ")
    return b'"'.join(pieces)


def without_comments(block: bytes, comment: bytes) -> bytes:
    """Return text without the lines that begin with a comment sign, unless inside quotes."""
    if comment not in block:
        return block
    kept = []
    start = 0
    num_quotes = 0
    for match in re.finditer(
        rb"(?:(?<=[\r\n])|\A)" + re.escape(comment) + rb"[^\r\n]*" + _ANY_LINE_END, block
    ):
        piece = block[start : match.start()]
        num_quotes += piece.count(b'"')
        # After an odd number of quotes the line belongs to a cell of several lines.
        start = match.start() if num_quotes % 2 else match.end()
        kept.append(piece)
    return b"".join([*kept, block[start:]])


def without_escapes(block: bytes) -> bytes:
    r"""Return text in which `\"` is written `""`, and `\\` is written `\`."""
    return re.sub(rb'\\(["\\])', lambda match: _UNESCAPED[match[1]], block)


def without_blanks_around_quotes(block: bytes, delimiter: str) -> bytes:
    """Return text without the blanks between a quoted cell and where the cell begins or ends."""
    sign = re.escape(delimiter.encode())
    before = re.compile(rb'(\A|[\r\n]|%b) +(?=")' % sign)
    after = re.compile(rb'(?<=") +(?=\Z|[\r\n]|%b)' % sign)
    # What is outside of quotes and what is inside, in turn.
    pieces = re.split(rb'("(?:[^"]|"")*")', block)
    for index in range(0, len(pieces), 2):
        piece = before.sub(rb"\1", pieces[index] + b'"')[:-1]
        pieces[index] = after.sub(b"", b'"' + piece)[1:] if index else piece
    return b"".join(pieces)


def without_empty_rows(block: bytes, delimiter: str, num_columns: int) -> tuple[bytes, int]:
    """Return text without the rows of nothing but empty cells, and how many these were."""
    blanks = rb"[ \t]*+" if delimiter != "\t" else rb"[ ]*+"
    cell = rb'%b(?:"%b")?+%b' % (blanks, blanks, blanks)
    empty_cells = rb"%b(?:%b%b){%d}" % (cell, re.escape(delimiter.encode()), cell, num_columns - 1)
    cuts = []
    start = 0
    num_quotes = 0
    for match in re.finditer(rb"(?:(?<=[\r\n])|\A)" + empty_cells + rb"(?:\r\n|\r|\n)", block):
        num_quotes += block.count(b'"', start, match.start())
        start = match.start()
        if num_quotes % 2 == 0:
            cuts.append(match.span())
    if not cuts:
        return block, 0
    ends = [0, *(end for _, end in cuts)]
    starts = [*(start for start, _ in cuts), len(block)]
    kept = (block[end:start] for end, start in zip(ends, starts, strict=True))
    return b"".join(kept), len(cuts)


def has_rules(text: str) -> bool:
    """Whether lines of dashes are drawn in a text, as psql, MySQL, Markdown and SAP do."""
    return bool(_RULE.search(text.encode()))


def is_rule(line: str) -> bool:
    """Whether a line is drawn, and no row."""
    return bool(_RULE.fullmatch(line.encode()))


def without_frame(block: bytes, frame: str) -> bytes:
    """Return text without lines of dashes and without blanks around its `|`; of a frame, neither.

    Text that draws a table has no quotes for cells of several lines.
    """
    block = _RULE.sub(b"", block)
    block = re.sub(rb"[ \t]*\|[ \t]*", b"|", block)
    edge = rb"\|?" if frame == "|" else b""
    block = re.sub(rb"(?m)^[ \t]*" + edge, b"", block)
    return re.sub(edge + rb"[ \t]*(?=[\r\n]|\Z)", b"", block)


_RULE = re.compile(rb"(?m)^(?=[^\r\n]*(?:---|-:|:-))[-|+: \t]+(?:\r\n|\r|\n|\Z)")
_UNESCAPED = {b'"': b'""', b"\\": b"\\"}


def _squeeze(text: bytes) -> bytes:
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    for line_end in (b"\n", b"\r"):
        text = text.replace(b" " + line_end, line_end).replace(line_end + b" ", line_end)
    return text
