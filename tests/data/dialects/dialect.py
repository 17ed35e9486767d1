"""A dialect: how one program, in one of its conventions, writes a table as text."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from tests.data.dialects.known_table import KnownTable, Value

COLUMNS = ("area", "units", "price", "share", "city", "zone", "active", "sold")


@dataclass(frozen=True)
class NumberStyle:
    """How numbers are written.

    indian   whether thousands are grouped as lakh and crore
    zero     whether a fraction has a zero before its decimal sign
    digits   the digits from zero to nine
    minus    how a negative number is, with `{}` for its digits
    money    the same for an amount of money, without its sign
    percent  the same for a percentage
    """

    decimal: str = "."
    thousands: str = ""
    indian: bool = False
    zero: bool = True
    digits: str = "0123456789"
    minus: str = "-{}"
    money: str = "{}"
    percent: str = "{}"

    def text(self, number: Decimal | int, form: str = "{}") -> str:
        """Return a number as it is written."""
        whole, _, fraction = str(abs(number)).partition(".")
        if whole == "0" and fraction and not self.zero:
            whole = ""
        text = self._grouped(whole) + (self.decimal + fraction if fraction else "")
        text = form.format(text)
        text = self.minus.format(text) if number < 0 else text
        return text.translate(dict(zip(map(ord, "0123456789"), self.digits, strict=True)))

    def _grouped(self, whole: str) -> str:
        groups = [whole[-3:]]
        whole = whole[:-3]
        size = 2 if self.indian else 3
        while whole:
            groups.insert(0, whole[-size:])
            whole = whole[:-size]
        return self.thousands.join(groups)


@dataclass(frozen=True)
class Dialect:
    """One convention, and what reads it.

    about      one sentence: who writes such files
    needs      the options without which a reader cannot know; the file alone is refused
    refused    a part of the message that refuses the file whatever the options
    header     whether the names of the columns are there; `header_sign` stands before the first
    index      the header of a first column of row numbers; None for no such column, and NO_NAME
               for row names that the header has no cell for
    quoting    which cells are in quotes
    escape     what stands before a quote inside of quotes
    dates      the format of dates; `months` writes their letters in upper or lower case
    missing    what a missing cell is; by column where they differ
    parts      names of the files, if the table is a folder of them, each with the header
    above      lines above the header; below it, the cells of `units`; after the last row, `below`
    leading    what stands before the first cell of every line, as `trailing` after the last
    width      the least width of a cell, filled with blanks on the left
    """

    name: str
    about: str
    suffix: str = ".csv"
    needs: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    delimiter: str = ","
    line_end: str = "\n"
    encoding: str = "utf-8"
    quoting: Literal["minimal", "text", "all", "none"] = "minimal"
    escape: str = '"'
    numbers: NumberStyle = NumberStyle()
    missing: str | Mapping[str, str] = ""
    truth: tuple[str, str] = ("True", "False")
    dates: str = "%Y-%m-%d"
    months: Callable[[str], str] = str
    columns: Sequence[str] = COLUMNS
    rename: Callable[[str], str] | Mapping[str, str] = str
    header: bool = True
    header_sign: str = ""
    index: str | None = None
    leading: str = ""
    trailing: str = ""
    above: Sequence[str] = ()
    units: Sequence[str] | None = None
    below: Sequence[str] = ()
    width: int = 0
    compression: Literal["gz", "bz2", "xz", "zst", "zip"] | None = None
    parts: Sequence[str] = ()

    def column(self, name: str) -> str:
        """Return what this dialect calls a column of the known table."""
        if callable(self.rename):
            return self.rename(name)
        return self.rename.get(name, name)

    def cell(self, name: str, value: Value) -> str:
        """Return a cell as it is written, without quotes."""
        match value:
            case None:
                missing = self.missing
                by_column = {"": missing} if isinstance(missing, str) else missing
                return by_column.get(name, by_column[""])
            case bool():
                return self.truth[not value]
            case date():
                return self.months(value.strftime(self.dates))
            case Decimal() | int():
                form = {"price": self.numbers.money, "share": self.numbers.percent}
                return self.numbers.text(value, form.get(name, "{}"))
            case _:
                return value

    def text(self, table: KnownTable, *, first_row: int = 0) -> str:
        """Return a table as the text of a file."""
        lines = list(self.above)
        if self.header:
            names = [self.column(name) for name in self.columns]
            if self.index is not None and self.index is not NO_NAME:
                names.insert(0, self.index)
            names_line = self._line(names, self.quoting in ("text", "all"))
            lines.append(self.header_sign + names_line)
        if self.units is not None:
            lines.append(self._line(self.units, False))
        rows = zip(*(table[name] for name in self.columns), strict=True)
        for number, row in enumerate(rows, first_row):
            cells = [
                self._quoted(self.cell(name, value), isinstance(value, str))
                for name, value in zip(self.columns, row, strict=True)
            ]
            if self.index is not None:
                is_name = self.index is NO_NAME
                cells.insert(0, self._quoted(str(number + is_name), is_name))
            lines.append(self._joined(cells))
        return "".join(line + self.line_end for line in [*lines, *self.below])

    def write(self, table: KnownTable, folder: Path) -> Path:
        """Write a table into a folder; return the path of its file, or of its own folder."""
        path = folder / f"{self.name}{self.suffix}"
        if not self.parts:
            self._write_file(path, self.text(table))
            return path
        num_rows = len(table[self.columns[0]])
        bounds = [num_rows * part // len(self.parts) for part in range(len(self.parts) + 1)]
        for part, start, end in zip(self.parts, bounds, bounds[1:], strict=False):
            file = path / part
            file.parent.mkdir(parents=True, exist_ok=True)
            rows = {name: cells[start:end] for name, cells in table.items()}
            self._write_file(file, self.text(rows, first_row=start))
        (path / "_SUCCESS").touch()
        return path

    def _line(self, cells: Sequence[str], quoted: bool) -> str:
        return self._joined([self._quoted(cell, quoted) for cell in cells])

    def _joined(self, cells: Sequence[str]) -> str:
        padded = [cell.rjust(self.width) for cell in cells]
        return self.leading + self.delimiter.join(padded) + self.trailing

    def _quoted(self, cell: str, is_text: bool) -> str:
        must = any(each in cell for each in (self.delimiter, '"', "\n", "\r"))
        if self.quoting == "none":
            return cell
        if must or self.quoting == "all" or (self.quoting == "text" and is_text):
            return f'"{cell.replace(chr(34), self.escape + chr(34))}"'
        return cell

    def _write_file(self, path: Path, text: str) -> None:
        data = text.encode(self.encoding)
        path.write_bytes(compressed(data, self.compression, path.stem))


NO_NAME = "(no name)"
"""Row names that the header has no cell for, as R's write.table writes them."""


def compressed(data: bytes, compression: str | None, name: str) -> bytes:
    """Return bytes compressed, without the time of day in them."""
    match compression:
        case "gz":
            return gzip.compress(data, mtime=0)
        case "bz2":
            return bz2.compress(data)
        case "xz":
            return lzma.compress(data)
        case "zst":
            import pyarrow as pa

            stream = pa.BufferOutputStream()
            with pa.CompressedOutputStream(stream, "zstd") as output:
                output.write(data)
            return bytes(stream.getvalue().to_pybytes())
        case "zip":
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(zipfile.ZipInfo(name), data)
            return buffer.getvalue()
        case _:
            return data
