"""The same bytes through pandas, polars and duckdb, and through this product.

    python -m tests.data.dialects.peers            every reader without options
    python -m tests.data.dialects.peers --options  with those that their documentation has for it

Prints a line per dialect, and counts. `right`: every number, text and row is what was written.
`text`: a column of numbers came as text, without a word. `wrong`: other numbers, texts, rows or
names than were written, without a word. `refused`: an error. `asks`: the product's error, which
names the option with which it is then read right.
"""

import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl

from linreg.errors import UserError
from tests.data.dialects.catalogue import DIALECTS
from tests.data.dialects.dialect import Dialect
from tests.data.dialects.known_table import NUMBERS, KnownTable, known_table
from tests.data.dialects.reading import RefusedError, WrongReadingError, options_needed

Cells = Mapping[str, Sequence[Any]]
Reader = Callable[[Dialect, Path, bool], Cells]


def _lines_above(dialect: Dialect) -> int:
    return len(dialect.above)


def _missing_words(dialect: Dialect) -> list[str]:
    words = dialect.missing
    written = [words] if isinstance(words, str) else [*words.values()]
    return list(dict.fromkeys([*written, *(word.strip() for word in written)]))


def _comment(dialect: Dialect) -> str | None:
    """Return the sign of comment lines above the table, if there are any."""
    signs = {line[:1] for line in dialect.above}
    return signs.pop() if signs in ({"#"}, {"%"}) else None


def read_with_pandas(dialect: Dialect, path: Path, with_options: bool) -> Cells:
    """Read with `pandas.read_csv`."""
    options: dict[str, Any] = {}
    if with_options:
        # A comment is skipped by its sign, any other preamble by its number of lines.
        skipped = [] if _comment(dialect) else [*range(_lines_above(dialect))]
        if dialect.units is not None:
            skipped.append(_lines_above(dialect) + 1)
        options = {
            "sep": r"\s+" if dialect.delimiter == " " else dialect.delimiter,
            "encoding": dialect.encoding,
            "decimal": dialect.numbers.decimal,
            "thousands": dialect.numbers.thousands or None,
            "na_values": _missing_words(dialect),
            "escapechar": "\\" if dialect.escape == "\\" else None,
            "comment": _comment(dialect),
            "skiprows": skipped or None,
        }
        if dialect.below:
            options |= {"skipfooter": len(dialect.below), "engine": "python"}
        if dialect.quoting == "none":
            options["quoting"] = 3
        if not dialect.header:
            options["names"] = list(dialect.columns)
    frames = [pd.read_csv(file, **options) for file in _files(path)]
    frame = pd.concat(frames, ignore_index=True)
    columns = {name.strip(): name for name in frame.columns}
    return {name: _plain_list(frame[columns[name]]) for name in columns}


def _plain_list(column: "pd.Series[Any]") -> list[Any]:
    return [None if pd.isna(cell) else cell for cell in column.tolist()]


def read_with_polars(dialect: Dialect, path: Path, with_options: bool) -> Cells:
    """Read with `polars.read_csv`."""
    options: dict[str, Any] = {"infer_schema_length": None}
    if with_options:
        options |= {
            "separator": dialect.delimiter,
            "encoding": "utf8" if dialect.encoding.startswith("utf-8") else dialect.encoding,
            "decimal_comma": dialect.numbers.decimal == ",",
            "null_values": _missing_words(dialect),
            "comment_prefix": _comment(dialect),
            "skip_rows": 0 if _comment(dialect) else _lines_above(dialect),
            "quote_char": None if dialect.quoting == "none" else '"',
        }
        if dialect.units is not None:
            options["skip_rows_after_header"] = 1
        if not dialect.header:
            options |= {"has_header": False, "new_columns": list(dialect.columns)}
    frame = pl.concat([pl.read_csv(file, **options) for file in _files(path)])
    return {name.strip(): frame[name].to_list() for name in frame.columns}


def read_with_duckdb(dialect: Dialect, path: Path, with_options: bool) -> Cells:
    """Read with duckdb's `read_csv`, whose sniffer finds the dialect out."""
    options: dict[str, Any] = {"sample_size": -1}
    if with_options:
        options |= {
            "delimiter": dialect.delimiter,
            "decimal": dialect.numbers.decimal,
            "na_values": _missing_words(dialect),
            "escapechar": dialect.escape,
            "skiprows": 0 if _comment(dialect) else _lines_above(dialect),
            "header": dialect.header,
        }
        if dialect.numbers.thousands:
            options["thousands"] = dialect.numbers.thousands
        if _comment(dialect):
            options["comment"] = _comment(dialect)
        if dialect.encoding in ("cp1252", "utf-16"):
            options["encoding"] = {"cp1252": "CP1252", "utf-16": "utf-16"}[dialect.encoding]
        if not dialect.header:
            options["names"] = list(dialect.columns)
    with duckdb.connect() as connection:
        files = [str(file) for file in _files(path)]
        relation = connection.read_csv(files, **options)
        rows = relation.fetchall()
        names = [name.strip() for name in relation.columns]
    columns = [list(cells) for cells in zip(*rows, strict=True)] or [[] for _ in names]
    return dict(zip(names, columns, strict=True))


READERS: Mapping[str, Reader] = {
    "pandas": read_with_pandas,
    "polars": read_with_polars,
    "duckdb": read_with_duckdb,
}


def outcome_of(cells: Cells, dialect: Dialect, table: KnownTable) -> str:
    """Return how cells compare with the known table: `right`, `text` or `wrong`."""
    found: dict[str, Sequence[Any]] = {}
    for name in dialect.columns:
        column = dialect.column(name)
        if column not in cells or len(cells[column]) != len(table[name]):
            return "wrong"
        found[name] = cells[column]
    outcomes = set()
    for name in dialect.columns:
        if name in NUMBERS:
            outcomes.add(_numbers_outcome(found[name], table[name]))
        elif name in ("city", "zone"):
            pairs = zip(found[name], table[name], strict=True)
            same = all(
                cell == value or (value is None and cell in (None, "")) for cell, value in pairs
            )
            outcomes.add("right" if same else "wrong")
    return next(each for each in ("wrong", "text", "right") if each in outcomes)


def _numbers_outcome(found: Sequence[Any], meant: Sequence[Any]) -> str:
    if any(isinstance(cell, str) for cell in found):
        return "text"
    for cell, value in zip(found, meant, strict=True):
        if (cell is None) != (value is None):
            return "wrong"
        if value is not None and float(cell) != float(value):
            return "wrong"
    return "right"


def _files(path: Path) -> list[Path]:
    """Return a file, or the files of a folder as a glob of its parts finds them."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and file.name[0] != "_")


def _peer_outcome(reader: Reader, dialect: Dialect, path: Path, with_options: bool) -> str:
    try:
        cells = reader(dialect, path, with_options)
    except Exception:  # noqa: BLE001 - each library has exceptions of its own
        return "refused"
    return outcome_of(cells, dialect, known_table())


def _our_outcome(dialect: Dialect, path: Path, folder: Path) -> str:
    try:
        needed = options_needed(dialect, known_table(), path, folder)
    except (RefusedError, UserError):
        return "refused"
    except WrongReadingError:
        return "wrong"
    return f"asks ({', '.join(needed)})" if needed else "right"


def main(with_options: bool) -> None:
    """Print what each reader makes of each dialect."""
    warnings.simplefilter("ignore")
    counts = {name: Counter[str]() for name in ["linreg", *READERS]}
    print(f"{'dialect':28}" + "".join(f"{name:10}" for name in READERS) + "linreg")
    with tempfile.TemporaryDirectory() as scratch:
        for dialect in DIALECTS.values():
            folder = Path(scratch) / dialect.name
            folder.mkdir()
            (folder / "written").mkdir()
            path = dialect.write(known_table(), folder / "written")
            outcomes = {
                name: _peer_outcome(reader, dialect, path, with_options)
                for name, reader in READERS.items()
            }
            outcomes["linreg"] = _our_outcome(dialect, path, folder)
            for name, outcome in outcomes.items():
                counts[name][outcome.split()[0]] += 1
            print(f"{dialect.name:28}" + "".join(f"{each:10}" for each in outcomes.values()))
    for name, count in counts.items():
        print(f"{name}: " + ", ".join(f"{number} {each}" for each, number in count.most_common()))


if __name__ == "__main__":
    main("--options" in sys.argv[1:])
