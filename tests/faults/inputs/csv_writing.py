"""CSV files as people's programs write them, drawn by a seeded generator."""

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.inputs.case import Table

WORDS = (
    "north",
    "Zürich",
    "a b",
    "O'Neil",
    "東京",
    "ﬁn",
    "x;y",
    "p|q",
    "k,l",
    'say "hi"',
    "two\nlines",
    "tab\there",
    "#no",
    "=1+1",
)


SIZES = (
    1e308,
    -1e308,
    1.7976931348623157e308,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    -0.0,
    0.1,
    1 / 3,
    1e22,
    123456789.125,
)


@dataclass(frozen=True)
class Dialect:
    """How a file writes its cells."""

    delimiter: str
    end: str
    bom: bool
    quotes: bool
    last_end: bool

    @classmethod
    def drawn(cls, r: Random, delimiters: str = ",;\t|") -> "Dialect":
        """Draw one."""
        return cls(
            r.choice(delimiters),
            r.choice(["\n", "\r\n", "\r"]),
            r.random() < 0.3,
            r.random() < 0.3,
            r.random() < 0.8,
        )

    def line(self, cells: list[str]) -> str:
        """Join cells, in quotes where they need it."""
        return self.delimiter.join(self._cell(cell) for cell in cells)

    def text(self, lines: list[str]) -> bytes:
        """Join lines."""
        text = self.end.join(lines) + (self.end if self.last_end else "")
        return b"\xef\xbb\xbf" * self.bom + text.encode()

    def _cell(self, cell: str) -> str:
        needs = self.quotes or any(sign in cell for sign in self.delimiter + '"\r\n')
        return '"' + cell.replace('"', '""') + '"' if needs else cell


def numbers(r: Random, count: int) -> list[Any]:
    """Draw whole numbers, or floats of every size; not all equal."""
    if r.random() < 0.3:
        return [
            r.randint(-(2**63), 2**63 - 1) if r.random() < 0.2 else r.randint(-50, 50)
            for _ in range(count)
        ]
    return [
        0.5,
        *(
            r.choice(SIZES) if r.random() < 0.2 else r.uniform(-1, 1) * 10 ** r.randint(-9, 9)
            for _ in range(count - 1)
        ),
    ]


def table(r: Random, count: int | None = None) -> dict[str, list[Any]]:
    """Draw a good table: y and x numbers, t text."""
    count = count or r.randint(2, 40)
    return {
        "y": numbers(r, count),
        "x": numbers(r, count),
        "t": [r.choice(WORDS) for _ in range(count)],
    }


def lines_of(cells: Table, dialect: Dialect) -> list[str]:
    """Write a table, the header first."""
    return [
        dialect.line(list(cells)),
        *(
            dialect.line([written(cell) for cell in row])
            for row in zip(*cells.values(), strict=True)
        ),
    ]


def written(cell: Any) -> str:
    """Write one cell with all its digits."""
    return "" if cell is None else cell if isinstance(cell, str) else repr(cell)
