"""CSV files with an odd or broken layout, and files that are no CSV, and what has to become of
them.
"""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Mapping
from random import Random

from tests.faults.inputs.case import Case
from tests.faults.inputs.csv_cells import good
from tests.faults.inputs.csv_reference import read_by_python
from tests.faults.inputs.csv_writing import Dialect, lines_of, table, written


def no_rows(r: Random) -> Case:
    dialect = Dialect.drawn(r)
    return Case(
        {"table": dialect.text([dialect.line(["y", "x", "t"]), *[""] * r.randint(0, 3)])},
        r"^table: has no row to train on",
    )


def ragged(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    lines, row = lines_of(cells, dialect), r.randrange(1, len(cells["y"]) + 1)
    count = r.choice([1, 2, 4, 5, 300])
    lines[row] = dialect.delimiter.join(["1"] * count)
    return Case(
        {"table": dialect.text(lines)},
        rf"^table: row {row}: has {count} cells? where the header has 3",
    )


def trailing_delimiters(r: Random) -> Case:
    """On every line, or on the rows alone: no column."""
    cells, dialect = table(r), Dialect.drawn(r)
    header, *rows = lines_of(cells, dialect)
    rows = [row + dialect.delimiter for row in rows]
    if r.random() < 0.5:
        header += dialect.delimiter
    return Case({"table": dialect.text([header, *rows])}, table=cells)


def comments(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    lines, at = lines_of(cells, dialect), r.randrange(0, len(cells["y"]) + 1)
    lines.insert(at, "# exported on Monday")
    if at == 0:
        return Case({"table": dialect.text(lines)}, table=cells)
    line = rf"^table: row {at}: has 1 cell where the header has 3"
    return Case({"table": dialect.text(lines)}, line, table=cells)


def other_delimiter(r: Random) -> Case:
    cells, dialect = (
        table(r),
        Dialect(r.choice(":/^~ "), "\n", r.random() < 0.3, r.random() < 0.3, True),
    )
    cells["t"] = ["a"] * len(cells["t"])
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        r"^table: (column [yxt]: is not in the file.*separates cells|the header cannot be read.*quote)",
        table=cells,
    )


def name_twice(r: Random) -> Case:
    cells, dialect, name = table(r), Dialect.drawn(r), r.choice("yxt")
    _header, *rows = lines_of(cells, dialect)
    return Case(
        {
            "table": dialect.text(
                [
                    dialect.line(["y", "x", "t", name]),
                    *(row + dialect.delimiter + "1" for row in rows),
                ]
            )
        },
        rf"^table: column {name}: duplicate column name",
    )


def empty_names(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    _header, *rows = lines_of(cells, dialect)
    if r.random() < 0.3:
        return Case(
            {"table": dialect.text([dialect.line(["", "", ""]), *rows])},
            r"^table: has no column names",
        )
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


def open_quote(r: Random) -> Case:
    cells, dialect = (
        table(r),
        Dialect(r.choice(",;\t|"), r.choice(["\n", "\r\n"]), False, False, True),
    )
    cells["t"] = ["a"] * len(cells["t"])
    lines, row = lines_of(cells, dialect), r.randrange(1, len(cells["y"]) + 1)
    lines[row] = dialect.delimiter.join(["1", "2", '"a'])
    return Case({"table": dialect.text(lines)}, rf"^table: row {row}: a quote is not closed")


def swallowed_rows(r: Random) -> Case:
    """A quote that is not closed ends where the next cell in quotes begins, and takes the rows
    between with it.
    """
    dialect = Dialect.drawn(r)
    cells = table(r, r.randint(6, 40))
    cells["t"] = ["a"] * len(cells["t"])
    lines = [
        dialect.delimiter.join([written(y), written(x), t])
        for y, x, t in zip(*cells.values(), strict=True)
    ]
    first = r.randrange(len(lines) - 2)
    last = r.randrange(first + 1, len(lines))
    lines[first] = dialect.delimiter.join(["1", "2", '"a'])
    lines[last] = dialect.delimiter.join(["4", "5", '"a"'])
    return Case(
        {"table": dialect.text([dialect.delimiter.join(cells), *lines])},
        rf"^table: row {first + 1}: (has text after a closing quote|a quote is not closed)",
    )


def nul_bytes(r: Random) -> Case:
    case = good(r)
    content = case.files["table"]
    at = r.randrange(len(content))
    return Case(
        {"table": content[:at] + b"\0" * r.choice([1, 1, 5]) + content[at:]},
        rf"^table: (row \d+: )?(is not text; found a NUL byte at offset {at}|is not UTF-8; found byte 0x.. at offset \d+)",
    )


def other_encoding(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    cells["t"][0] = "Zürich"
    text = dialect.text(lines_of(cells, dialect)).decode("utf-8-sig")
    encoding = r.choice(
        ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp500"]
    )
    if encoding == "utf-7":
        encoding = "utf-16"
    # What an encoding does not have is a question mark in the file.
    cells["t"] = [cell and cell.encode(encoding, "replace").decode(encoding) for cell in cells["t"]]
    return Case(
        {"table": text.encode(encoding, "replace")},
        table=cells if encoding != "cp500" else None,
        refused=r"^table: (row \d+: )?(is not UTF-8(; found byte 0x.. at offset \d+|, and )|is not text; found a NUL byte at offset \d)",
    )


def invalid_bytes(r: Random) -> Case:
    case = good(r)
    content = bytearray(case.files["table"])
    at = r.randrange(3 if content.startswith(b"\xef\xbb\xbf") else 0, len(content))
    content[at:at] = r.choice(
        [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xfe", b"\x80\x80"]
    )
    return Case(
        {"table": bytes(content)},
        r"^table: (row \d+: )?is not UTF-8(, and |; found byte 0x.. at offset \d+)",
    )


def wide(r: Random) -> Case:
    cells, dialect = table(r, r.randint(2, 5)), Dialect.drawn(r)
    count = r.choice([10_000, 10_000, 300_000])
    more = dialect.delimiter + dialect.delimiter.join(f"c{i}" for i in range(count)) * (
        1 if count < 100_000 else 3
    )
    header, *rows = lines_of(cells, dialect)
    if count > 100_000:
        return Case(
            {"table": dialect.text([header + more, *rows])},
            r"^table: the header is longer than 4194304 bytes",
        )
    tail = (dialect.delimiter + "1") * count
    return Case(
        {"table": dialect.text([header + more, *(row + tail for row in rows)])}, table=cells
    )


def foreign(r: Random) -> Case:
    """A file of another kind under the name of a table, or two files in one."""
    plain = b"y,x,t\n1,2,a\n3,4,b\n"
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr(r.choice(["[Content_Types].xml", "table.csv"]), plain)
        archive.writestr("other.csv", plain)
    content, line = r.choice(
        [
            (gzip.compress(plain, mtime=0)[:-1], "its gzip data end too early"),
            (gzip.compress(bz2.compress(plain)), "is compressed twice"),
            (bz2.compress(plain)[:-1], "its bzip2 data end too early"),
            (lzma.compress(plain)[:-1], "its xz data end too early"),
            (book.getvalue(), "is an Excel workbook|is a ZIP archive of 2 files"),
            (b"<!DOCTYPE html>\n<html><body>404, not found</body></html>\n", "is a web page"),
            (b"\n  <html>", "is a web page"),
            (json.dumps([{"y": 1, "x": 2}]).encode(), "column t: is not in the file"),
            (b"%PDF-1.7\n1,2\n", "is a PDF"),
            (b"\x89PNG\r\n\x1a\n\0\0", "is not UTF-8"),
            (b"\x7fELF\2\1\1\0", "is not text"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n",
                "is a pointer of Git LFS",
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
            [
                "y",
                "x",
                "t",
                ",",
                ";",
                '"',
                '"',
                "\n",
                "\r",
                "\t",
                "|",
                "1",
                "2.5",
                "-",
                "e",
                " ",
                "NA",
                "#",
                "\\",
                "é",
            ]
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
    return Case(
        {"table": bytes(content)}, r"^table: ", read_by_python(bytes(content), dialect.delimiter)
    )


KINDS: Mapping[str, Callable[[Random], Case]] = {
    kind.__name__: kind
    for kind in (
        no_rows,
        ragged,
        trailing_delimiters,
        comments,
        other_delimiter,
        name_twice,
        empty_names,
        no_header,
        open_quote,
        swallowed_rows,
        nul_bytes,
        other_encoding,
        invalid_bytes,
        wide,
        foreign,
        random_bytes,
        random_text,
        mutated,
    )
}
