"""Text for a terminal: tables with columns of fixed width, numbers with their nouns."""

from collections.abc import Sequence

GAP = "  "


def table(rows: Sequence[Sequence[str]], align: str = "<") -> list[str]:
    """Return the lines of a table in which every column is as wide as its longest cell.

    `align` has a sign for each column, `<` for left and `>` for right; columns beyond its end take
    its last one. A row may have fewer cells than the first. Lines have no spaces at their end.
    """
    num_columns = max(map(len, rows), default=0)
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(num_columns)]
    signs = align.ljust(num_columns, align[-1])
    return [
        GAP.join(
            f"{cell:{sign}{width}}" for cell, sign, width in zip(row, signs, widths, strict=False)
        ).rstrip()
        for row in rows
    ]


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1: `1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
