"""Broken and odd CSV files, each drawn by a seeded generator, with what has to become of them."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from linreg.data.missing import MISSING
from tests.faults.input_case import Case, Table

BLOCK = 4 << 20
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
            r.choice(delimiters), r.choice(["\n", "\r\n", "\r"]), r.random() < 0.3, r.random() < 0.3, r.random() < 0.8
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
        return [r.randint(-(2**63), 2**63 - 1) if r.random() < 0.2 else r.randint(-50, 50) for _ in range(count)]
    return [
        0.5,
        *(r.choice(SIZES) if r.random() < 0.2 else r.uniform(-1, 1) * 10 ** r.randint(-9, 9) for _ in range(count - 1)),
    ]


def table(r: Random, count: int | None = None) -> dict[str, list[Any]]:
    """Draw a good table: y and x numbers, t text."""
    count = count or r.randint(2, 40)
    return {"y": numbers(r, count), "x": numbers(r, count), "t": [r.choice(WORDS) for _ in range(count)]}


def lines_of(cells: Table, dialect: Dialect) -> list[str]:
    """Write a table, the header first."""
    return [
        dialect.line(list(cells)),
        *(dialect.line([written(cell) for cell in row]) for row in zip(*cells.values(), strict=True)),
    ]


def written(cell: Any) -> str:
    """Write one cell with all its digits."""
    return "" if cell is None else cell if isinstance(cell, str) else repr(cell)


def good(r: Random) -> Case:
    """Any delimiter, line end, quotes, byte order mark; cells of any size; text with all of these in it."""
    cells, dialect = table(r), Dialect.drawn(r)
    return Case({"table": dialect.text(lines_of(cells, dialect))}, table=cells)


def one_row(r: Random) -> Case:
    cells, dialect = table(r, 1), Dialect.drawn(r)
    return Case({"table": dialect.text(lines_of(cells, dialect))}, table=cells)


def constant_target(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    cells["y"] = [r.choice(SIZES)] * len(cells["x"])
    return Case({"table": dialect.text(lines_of(cells, dialect))}, table=cells)


def blanks_around(r: Random) -> Case:
    cells, dialect = table(r), Dialect(r.choice(",;|"), r.choice(["\n", "\r\n", "\r"]), r.random() < 0.3, False, True)
    cells["t"] = [r.choice(["a", "b c"]) for _ in cells["t"]]
    lines = [dialect.delimiter.join(f"{r.choice(['', ' ', '  '])}{name}{r.choice(['', ' '])}" for name in cells)]
    for y, x, t in zip(*cells.values(), strict=True):
        lines.append(dialect.delimiter.join([f" {y!r}", f"{x!r}  ", t]))
    return Case({"table": dialect.text(lines)}, table=cells)


def decimal_commas(r: Random) -> Case:
    cells, end = table(r), r.choice(["\n", "\r\n"])
    cells["y"] = [float(y) for y in cells["y"]]
    dialect = Dialect(";", end, r.random() < 0.3, False, True)
    rows = [[repr(y).replace(".", ","), written(x), t] for y, x, t in zip(*cells.values(), strict=True)]
    cells["y"] = [float(y) for y in cells["y"]]
    if all(re.fullmatch(r"-?\d+(e[+-]?\d+)?", row[0]) for row in rows):
        return good(r)
    return Case({"table": dialect.text([dialect.line(list(cells)), *map(dialect.line, rows)])}, table=cells)


def missing_features(r: Random) -> Case:
    """Rows without y or t are dropped, an x is left for the training's mean."""
    cells, dialect = table(r, r.randint(8, 40)), Dialect.drawn(r)
    for name in cells:
        cells[name][1:] = [None if r.random() < 0.2 else cell for cell in cells[name][1:]]
    lines = [dialect.line(list(cells))]
    lines += [
        dialect.line([r.choice(MISSING) if cell is None else written(cell) for cell in row])
        for row in zip(*cells.values(), strict=True)
    ]
    stay = [row for row in zip(*cells.values(), strict=True) if row[0] is not None and row[2] is not None]
    kept = {name: [row[i] for row in stay] for i, name in enumerate(cells)}
    return Case({"table": dialect.text(lines)}, table=kept, params={"ingest": {"missing": "mean"}})


def missing_refused(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    row, name = r.randrange(1, len(cells["y"])), r.choice("yx")
    lines = lines_of(cells, dialect)
    changed = {key: list(values) for key, values in cells.items()}
    changed[name][row] = r.choice(MISSING)
    return Case(
        {"table": dialect.text([lines[0], *lines_of(changed, dialect)[1:]])},
        rf"^table: row {row + 1}: column {name}: is missing, the first of 1 such",
    )


def all_missing(r: Random) -> Case:
    cells, dialect, name = table(r), Dialect.drawn(r), r.choice("yx")
    cells[name] = [r.choice(MISSING) for _ in cells[name]]
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))}, rf"^table: column {name}: holds no value, only missing cells"
    )


def no_rows(r: Random) -> Case:
    dialect = Dialect.drawn(r)
    return Case(
        {"table": dialect.text([dialect.line(["y", "x", "t"]), *[""] * r.randint(0, 3)])},
        r"^table: has no row to learn from",
    )


def ragged(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    lines, row = lines_of(cells, dialect), r.randrange(1, len(cells["y"]) + 1)
    count = r.choice([1, 2, 4, 5, 300])
    lines[row] = dialect.delimiter.join(["1"] * count)
    return Case({"table": dialect.text(lines)}, rf"^table: row {row}: has {count} cells? where the header has 3")


def trailing_delimiters(r: Random) -> Case:
    """On every line, the header's too: a column without a name; on the rows alone: a cell too many."""
    cells, dialect = table(r), Dialect.drawn(r)
    header, *rows = lines_of(cells, dialect)
    rows = [row + dialect.delimiter for row in rows]
    if r.random() < 0.5:
        return Case({"table": dialect.text([header + dialect.delimiter, *rows])}, table=cells)
    return Case({"table": dialect.text([header, *rows])}, r"^table: row 1: has 4 cells where the header has 3")


def comments(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    lines, at = lines_of(cells, dialect), r.randrange(0, len(cells["y"]) + 1)
    lines.insert(at, "# exported on Monday")
    line = (
        r"^table: (column [yxt]: is not in the file|has one column)"
        if at == 0
        else rf"^table: row {at}: has 1 cell where the header has 3"
    )
    return Case({"table": dialect.text(lines)}, line)


def other_delimiter(r: Random) -> Case:
    cells, dialect = table(r), Dialect(r.choice(":/^~ "), "\n", r.random() < 0.3, r.random() < 0.3, True)
    cells["t"] = ["a"] * len(cells["t"])
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        r"^table: (column [yxt]: is not in the file.*stands between cells|the header cannot be read.*quote)",
    )


def name_twice(r: Random) -> Case:
    cells, dialect, name = table(r), Dialect.drawn(r), r.choice("yxt")
    _header, *rows = lines_of(cells, dialect)
    return Case(
        {
            "table": dialect.text(
                [dialect.line(["y", "x", "t", name]), *(row + dialect.delimiter + "1" for row in rows)]
            )
        },
        rf"^table: column {name}: stands twice in the header",
    )


def empty_names(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    _header, *rows = lines_of(cells, dialect)
    if r.random() < 0.3:
        return Case({"table": dialect.text([dialect.line(["", "", ""]), *rows])}, r"^table: has no column names")
    return Case(
        {
            "table": dialect.text(
                [
                    dialect.line(["", "y", "x", "t", ""]),
                    *(f"7{dialect.delimiter}{row}{dialect.delimiter}" for row in rows),
                ]
            )
        },
        table=cells,
    )


def no_header(r: Random) -> Case:
    dialect = Dialect.drawn(r)
    cells = table(r)
    cells.pop("t")
    return Case(
        {"table": dialect.text(lines_of(cells, dialect)[1:])},
        r"^table: has no header; found only numbers in the first row",
        params={"split": {"by": "row"}},
    )


def mixed_types(r: Random) -> Case:
    """One cell of a column of numbers that is none."""
    cells, dialect = table(r, r.randint(8, 40)), Dialect.drawn(r)
    row, name = r.randrange(2, len(cells["y"])), r.choice("yx")
    word = r.choice(
        [
            "1OO",
            "0x1F",
            "1_000",
            "12:30",
            "--",
            "-",
            "one",
            "1.2.3",
            "12 cm",
            "true",
            "2024-01-01",
            "١٢",
            "1e",
            "+-1",
            ".",
        ]
    )
    cells[name][row] = word
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        rf"^table: row {row + 1}: column {name}: {re.escape(repr(word))}: (is no number|must be a number|is text because)",
    )


def thousands(r: Random) -> Case:
    dialect = Dialect.drawn(r)
    cells = table(r)
    sign = r.choice([",", " ", "'", "\u202f"])
    cells["x"] = [
        f"{r.randint(1, 999)}{sign}{r.randint(100, 999)}" + (".5" if r.random() < 0.5 else "") for _ in cells["x"]
    ]
    decimal = sign == "," and dialect.delimiter == ";" and not any("." in x for x in cells["x"])
    if decimal:
        return Case(
            {"table": dialect.text(lines_of(cells, dialect))},
            table=cells | {"x": [float(x.replace(",", ".")) for x in cells["x"]]},
        )
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        r"^table: row \d+: column x: .*(is text because of how the number is written; write it plainly|is no number, as)",
    )


def dates_as_text(r: Random) -> Case:
    """Dates of other countries are text for the reader, and no category."""
    cells, dialect = table(r), Dialect.drawn(r)
    way = r.choice(
        [
            "{2:02}/{1:02}/{0}",
            "{1:02}/{2:02}/{0}",
            "{2}.{1}.{0}",
            "{2:02}-{1:02}-{0}",
            "{0}/{1:02}/{2:02}",
            "{0}{1:02}{2:02}T0000",
        ]
    )
    days = [(r.randint(1990, 2030), r.randint(1, 12), r.randint(13, 28)) for _ in range(2)]
    cells["x"] = [way.format(*r.choice(days)) for _ in cells["x"]]
    return Case({"table": dialect.text(lines_of(cells, dialect))}, r"^table: row 1: column x: .*is a date")


def dates(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    cells["x"] = [
        f"{r.randint(1677, 2262)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"
        + r.choice(["", "T10:30", " 10:30:00.000001"])
        for _ in cells["x"]
    ]
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        r"^table: column x: must be a number or a category.*(date32|timestamp)",
    )


def truth_values(r: Random) -> Case:
    cells, dialect, name = table(r), Dialect.drawn(r), r.choice("yx")
    cells[name] = [r.random() < 0.5 for _ in cells[name]]
    shown = cells | {name: [r.choice([str(cell), str(cell).lower(), str(cell).upper()]) for cell in cells[name]]}
    line = r"^table: .*column y.*must be a number, since the target is one; found type bool" if name == "y" else None
    return Case({"table": dialect.text(lines_of(shown, dialect))}, line, None if line else cells)


def infinities(r: Random) -> Case:
    cells, dialect, name = table(r), Dialect.drawn(r), r.choice("yx")
    row = r.randrange(len(cells["y"]))
    cells[name] = [float(cell) for cell in cells[name]]
    cells[name][row] = r.choice(["inf", "-inf", "Infinity", "1e400", "-1e309", "INF", "-INFINITY"])
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        rf"^table: row {row + 1}: column {name}: must be a finite number; found -?inf",
    )


def open_quote(r: Random) -> Case:
    cells, dialect = table(r), Dialect(r.choice(",;\t|"), r.choice(["\n", "\r\n"]), False, False, True)
    cells["t"] = ["a"] * len(cells["t"])
    lines, row = lines_of(cells, dialect), r.randrange(1, len(cells["y"]) + 1)
    lines[row] = dialect.delimiter.join(["1", "2", '"a'])
    return Case({"table": dialect.text(lines)}, rf"^table: row {row}: a quote is not closed")


def swallowed_rows(r: Random) -> Case:
    """A quote that is not closed ends where the next cell in quotes begins, and takes the rows between with it."""
    dialect = Dialect.drawn(r)
    cells = table(r, r.randint(6, 40))
    cells["t"] = ["a"] * len(cells["t"])
    lines = [dialect.delimiter.join([written(y), written(x), t]) for y, x, t in zip(*cells.values(), strict=True)]
    first = r.randrange(len(lines) - 2)
    last = r.randrange(first + 1, len(lines))
    lines[first] = dialect.delimiter.join(["1", "2", '"a'])
    lines[last] = dialect.delimiter.join(["4", "5", '"a"'])
    return Case(
        {"table": dialect.text([dialect.delimiter.join(cells), *lines])},
        rf"^table: row {first + 1}: (has text behind a closing quote|a quote is not closed)",
    )


def nul_bytes(r: Random) -> Case:
    case = good(r)
    content = case.files["table"]
    at = r.randrange(len(content))
    return Case(
        {"table": content[:at] + b"\0" * r.choice([1, 1, 5]) + content[at:]},
        rf"^table: (is not text; found a NUL byte at offset {at}|is not UTF-8; found byte 0x.. at offset \d+)",
    )


def other_encoding(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    cells["t"][0] = "Zürich"
    text = dialect.text(lines_of(cells, dialect)).decode("utf-8-sig")
    encoding = r.choice(["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp500"])
    if encoding == "utf-7":
        encoding = "utf-16"
    return Case(
        {"table": text.encode(encoding, "replace")},
        r"^table: (is not UTF-8; found byte 0x.. at offset \d+; (if it is UTF-16, )?convert it|is not text; found a NUL byte at offset \d)",
    )


def invalid_bytes(r: Random) -> Case:
    case = good(r)
    content = bytearray(case.files["table"])
    at = r.randrange(3 if content.startswith(b"\xef\xbb\xbf") else 0, len(content))
    content[at:at] = r.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xfe", b"\x80\x80"])
    return Case({"table": bytes(content)}, r"^table: is not UTF-8; found byte 0x.. at offset \d+")


def huge_field(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    row = r.randrange(len(cells["t"]))
    size = r.choice([10_000_000, BLOCK // 2])
    cells["t"][row] = r.choice(["a", "ä", "a,", '"', "\n"]) * size
    if size == BLOCK // 2:
        cells["t"][row] = "b" * size
        return Case({"table": dialect.text(lines_of(cells, dialect))}, table=cells)
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))}, r"^table: row \d+: the row is longer than 4194304 bytes"
    )


def wide(r: Random) -> Case:
    cells, dialect = table(r, r.randint(2, 5)), Dialect.drawn(r)
    count = r.choice([10_000, 10_000, 300_000])
    more = dialect.delimiter + dialect.delimiter.join(f"c{i}" for i in range(count)) * (1 if count < 100_000 else 3)
    header, *rows = lines_of(cells, dialect)
    if count > 100_000:
        return Case({"table": dialect.text([header + more, *rows])}, r"^table: the header is longer than 4194304 bytes")
    tail = (dialect.delimiter + "1") * count
    return Case({"table": dialect.text([header + more, *(row + tail for row in rows)])}, table=cells)


def foreign(r: Random) -> Case:
    """A file of another kind under the name of a table."""
    plain = b"y,x,t\n1,2,a\n3,4,b\n"
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr(r.choice(["[Content_Types].xml", "table.csv"]), plain)
    content, line = r.choice(
        [
            (gzip.compress(plain, mtime=0), "compressed with gzip"),
            (bz2.compress(plain), "compressed with bzip2"),
            (lzma.compress(plain), "compressed with xz"),
            (book.getvalue(), "is an Excel workbook|is a ZIP archive"),
            (b"<!DOCTYPE html>\n<html><body>404, not found</body></html>\n", "is a web page"),
            (b"\n  <html>", "is a web page"),
            (json.dumps([{"y": 1, "x": 2}]).encode(), "is JSON"),
            (b"%PDF-1.7\n1,2\n", "is a PDF"),
            (b"\x89PNG\r\n\x1a\n\0\0", "is not UTF-8"),
            (b"\x7fELF\2\1\1\0", "is not text"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n",
                "column [yxt]: is not in the file",
            ),
            (b"", "is empty"),
            (b"\xef\xbb\xbf", "is empty"),
            (b"\n\r\n  \n", "is empty"),
        ]
    )
    return Case({"table": content}, rf"^table: .*{line}")


def random_bytes(r: Random) -> Case:
    return Case({"table": r.randbytes(r.choice([1, 3, 20, 300, 5000]))}, r"^table: ")


def random_text(r: Random) -> Case:
    """Signs of the syntax in any order."""
    text = "".join(
        r.choice(
            ["y", "x", "t", ",", ";", '"', '"', "\n", "\r", "\t", "|", "1", "2.5", "-", "e", " ", "NA", "#", "\\", "é"]
        )
        for _ in range(r.randint(1, 200))
    )
    return Case({"table": text.encode()}, r"^table: ")


def mutated(r: Random) -> Case:
    """A good file with some bytes changed: refused, or what Python's csv module reads in it."""
    cells, dialect = table(r), Dialect.drawn(r)
    content = bytearray(dialect.text(lines_of(cells, dialect)))
    for _ in range(r.choice([1, 1, 2, 5])):
        at = r.randrange(len(content))
        change = r.random()
        if change < 0.4:
            content[at] = r.choice(b'\0"\n\r,;\t|.-+e0123456789 \xffaZ')
        elif change < 0.7:
            del content[at]
        else:
            content[at:at] = bytes([r.choice(b'"\n\r,;\t| 19.e\\')])
    return Case({"table": bytes(content)}, r"^table: ", read_by_python(bytes(content), dialect.delimiter))


def read_by_python(content: bytes, delimiter: str) -> Table | None:
    """Read a CSV file and its types in plain Python; None where it cannot be read or is no table of y, x and t.

    Text behind a closing quote goes with the cell, unless lines lie between its quotes.
    """
    try:
        text = content.decode("utf-8-sig")
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
            if any("\n" in cell or "\r" in cell for row in rows for cell in row):
                return None
    except (UnicodeDecodeError, csv.Error):
        return None
    header, *rows = [row for row in rows if row]
    names = [name.strip() for name in header]
    if any(len(row) != len(names) for row in rows) or not {"y", "x", "t"} <= {*names}:
        return None
    comma = delimiter == ";"
    return {name: typed([row[names.index(name)] for row in rows], comma) for name in names if name in ("y", "x", "t")}


def typed(cells: list[str], comma: bool) -> list[Any]:
    """Give a column of numbers or text its type."""
    bare = [cell.strip(" \t") for cell in cells]
    present = [cell for cell in bare if cell not in MISSING]
    number = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
    convert: Callable[[str], Any] = str
    if all(re.fullmatch(r"-?[0-9]+", cell) and -(2**63) <= int(cell) < 2**63 for cell in present):
        convert = int
    elif all(re.fullmatch(number, cell, re.ASCII) for cell in present):
        convert = float
    elif comma and all(re.fullmatch(number.replace(r"\.", ","), cell, re.ASCII) for cell in present):
        convert = lambda cell: float(cell.replace(",", "."))  # noqa: E731
    return [
        None if short in MISSING else convert(cell if convert is str else short)
        for cell, short in zip(cells, bare, strict=True)
    ]


KINDS: Mapping[str, Callable[[Random], Case]] = {
    kind.__name__: kind
    for kind in (
        good,
        one_row,
        constant_target,
        blanks_around,
        decimal_commas,
        missing_features,
        missing_refused,
        all_missing,
        no_rows,
        ragged,
        trailing_delimiters,
        comments,
        other_delimiter,
        name_twice,
        empty_names,
        no_header,
        mixed_types,
        thousands,
        dates_as_text,
        dates,
        truth_values,
        infinities,
        open_quote,
        swallowed_rows,
        nul_bytes,
        other_encoding,
        invalid_bytes,
        huge_field,
        wide,
        foreign,
        random_bytes,
        random_text,
        mutated,
    )
}
