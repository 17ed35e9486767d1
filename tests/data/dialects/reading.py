"""A file read by the product as a user has it read: refused, advised, read again, predicted from.

What comes is compared with the known table cell by cell, in the typed table, in what ingest
writes, and in what a model predicts for the same file.
"""

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from linreg.data.formula.design import Design
from linreg.data.formula.schema import Schema
from linreg.data.source import Source, open_source
from linreg.data.typed_table import open_typed_table
from linreg.errors import UserError
from linreg.fit.model import LinearModel
from linreg.params.ingest import ReadOptions
from linreg.prediction.predict_table import predict_table
from stages import ingest, split
from tests.data.dialects.dialect import Dialect
from tests.data.dialects.known_table import NUMBERS, KnownTable, Value, new_rows

_TARGET = "price"
_OPTION = re.compile(r"\bingest\.([a-z_]+)")


class WrongReadingError(AssertionError):
    """What was read is not what was written, and nobody was told."""


class RefusedError(WrongReadingError):
    """A file is refused, and no option that the message names reads it."""


Check = Callable[[Dialect, KnownTable, Path, Mapping[str, Any], Path], None]
"""Of a dialect, its table and file, the options to read it with, and a folder for what is made."""


def check_reading(
    dialect: Dialect, table: KnownTable, path: Path, options: Mapping[str, Any], folder: Path
) -> None:
    """Raise WrongReadingError unless the file is read right, or UserError where it is refused."""
    new_folder = folder / "new"
    new_folder.mkdir(exist_ok=True)
    source = open_source(path, ReadOptions(**options))
    rows, schema = ingested(dialect, path, options, folder)
    check_cells(dialect, table, read_cells(dialect, source, folder))
    check_ingested(dialect, table, rows)
    design = Design.fit(schema, [rows])
    # Any coefficients will do that tell the features from each other.
    model = LinearModel(design, np.arange(1.0, len(design.names) + 1), 0.5, {})
    check_predictions(dialect, table, path, model, folder)
    check_predictions(dialect, new_rows(), dialect.write(new_rows(), new_folder), model, folder)


def check_time_split(
    dialect: Dialect, table: KnownTable, path: Path, options: Mapping[str, Any], folder: Path
) -> None:
    """Raise WrongReadingError unless the training rows of a split by time are the oldest."""
    ingested(dialect, path, options, folder, f"time:{dialect.column('sold')}")
    run_stage(split.main, folder)
    files = ("train/shard-00000", "validation", "test")
    found = [
        pq.read_table(folder / "data" / "split" / f"{file}.parquet")
        .column(dialect.column(_TARGET))
        .to_pylist()
        for file in files
    ]
    complete = [row for row in _rows(table, [*_used(dialect), "sold"]) if None not in row.values()]
    oldest_first = sorted(complete, key=lambda row: str(row["sold"]))
    if sum(map(len, found)) != len(complete):
        raise WrongReadingError(f"{[*map(len, found)]} rows with a date, of {len(complete)}")
    for part, prices in zip(files, found, strict=True):
        rows, oldest_first = oldest_first[: len(prices)], oldest_first[len(prices) :]
        if sorted(prices) != sorted(float(str(row[_TARGET])) for row in rows):
            raise WrongReadingError(f"{part} has other rows than {rows[0]['sold']} and later")


def options_needed(
    dialect: Dialect, table: KnownTable, path: Path, folder: Path, check: Check = check_reading
) -> Mapping[str, Any]:
    """Return the options, of those that the dialect knows, without which a check is refused.

    Each has to be named by the message that refuses the file without it. Raises RefusedError where
    a refusal names no such option, and WrongReadingError for a file that is read otherwise than it
    was written.
    """
    used: dict[str, Any] = {}
    while True:
        try:
            check(dialect, table, path, used, folder)
        except UserError as error:
            used |= _advised(dialect, used, str(error))
        else:
            return used


def read_cells(dialect: Dialect, source: Source, folder: Path) -> Mapping[str, Sequence[Any]]:
    """Return the cells of a file by the columns of the known table, as a typed table has them."""
    names = {dialect.column(name): name for name in dialect.columns}
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    chunks = open_typed_table(source, list(names), scratch).chunks()
    rows = pa.concat_tables(chunk.rows for chunk in chunks)
    return {name: rows.column(column).to_pylist() for column, name in names.items()}


def check_cells(dialect: Dialect, table: KnownTable, cells: Mapping[str, Sequence[Any]]) -> None:
    """Raise WrongReadingError for the first cell that is neither what was meant nor its text."""
    for name in dialect.columns:
        if len(cells[name]) != len(table[name]):
            raise WrongReadingError(f"{len(cells[name])} rows of {len(table[name])}")
        is_text = any(isinstance(cell, str) for cell in cells[name])
        for row, (found, value) in enumerate(zip(cells[name], table[name], strict=True), 1):
            meant = dialect.cell(name, value) if is_text else value
            if not _same(found, meant, dialect, name):
                raise WrongReadingError(f"row {row}: {name}: {found!r}, not {meant!r}")


def ingested(
    dialect: Dialect, path: Path, options: Mapping[str, Any], folder: Path, by: str = "row"
) -> tuple[pa.Table, Schema]:
    """Return the rows and the schema of a model of the price; raises UserError for a refusal."""
    names = [name for name in _used(dialect) if name != _TARGET]
    features = [f"`{dialect.column(name)}`" for name in names]
    formula = f"`{dialect.column(_TARGET)}` ~ {' + '.join(features)}"
    return ingest_file(path, options, formula, folder, by)


def ingest_file(
    path: Path, options: Mapping[str, Any], formula: str, folder: Path, by: str = "row"
) -> tuple[pa.Table, Schema]:
    """Run the ingest stage in a folder; return the rows and the schema that it writes.

    Raises UserError with the one line of its refusal.
    """
    params = {
        "ingest": {"source": str(path), "missing": "drop", **options},
        "model": {"formula": formula},
        "split": {"by": by},
    }
    (folder / "params.yaml").write_text(json.dumps(params), "utf-8")
    run_stage(ingest.main, folder)
    written = folder / "data" / "ingested"
    return pq.read_table(written / "table.parquet"), Schema.read(written / "schema.json")


def run_stage(main: Callable[[], None], folder: Path) -> None:
    """Run a stage in a folder; raises UserError with the one line of its refusal."""
    said = io.StringIO()
    silent = contextlib.redirect_stdout(io.StringIO())
    with contextlib.chdir(folder), silent, contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit:
            lines = said.getvalue().splitlines()
            if len(lines) != 1:
                raise WrongReadingError(f"not one line: {lines}") from None
            where, _, what = lines[0].removeprefix("error: ").partition(": ")
            raise UserError(where, what) from None


def check_ingested(dialect: Dialect, table: KnownTable, rows: pa.Table) -> None:
    """Raise WrongReadingError unless ingest has kept exactly the complete rows, as numbers."""
    used = _used(dialect)
    complete = [row for row in _rows(table, used) if None not in row.values()]
    if rows.num_rows != len(complete):
        raise WrongReadingError(f"{rows.num_rows} complete rows of {len(complete)}")
    for name in used:
        found = rows.column(dialect.column(name)).to_pylist()
        for cell, row in zip(found, complete, strict=True):
            if not _same(cell, row[name], dialect, name):
                raise WrongReadingError(f"ingested {name}: {cell!r}, not {row[name]!r}")


def check_predictions(
    dialect: Dialect, table: KnownTable, path: Path, model: LinearModel, folder: Path
) -> None:
    """Raise WrongReadingError unless every row of a file is predicted as from its true values.

    A row has no prediction just where a feature is missing.
    """
    output = folder / "predicted.parquet"
    source = open_source(path, model.design.schema.reading)
    predict_table(model, source, output, [], None, with_file=False)
    found = pq.read_table(output).column("prediction").to_pylist()
    features = [name for name in _used(dialect) if name != _TARGET]
    if len(found) != len(table[_TARGET]):
        raise WrongReadingError(f"{len(found)} predictions for {len(table[_TARGET])} rows")
    for number, (cell, row) in enumerate(zip(found, _rows(table, features), strict=True), 1):
        if (cell is None) != (None in row.values()):
            raise WrongReadingError(f"{path.name}: row {number}: prediction {cell} for {row}")
        if cell is not None:
            meant = _predicted(dialect, row, model)
            if not np.isclose(cell, meant, rtol=1e-9):
                raise WrongReadingError(f"{path.name}: row {number}: predicted {cell}, not {meant}")


def _predicted(dialect: Dialect, row: Mapping[str, Value], model: LinearModel) -> float:
    """Return b + X·θᵀ of a row of the known table."""
    theta = {name.strip("`"): value for name, value in model.coefficients.items()}
    b = model.b
    for name, value in row.items():
        column = dialect.column(name)
        if name in NUMBERS:
            b += theta[column] * float(value)  # type: ignore[arg-type]
        else:
            b += sum(slope for level, slope in theta.items() if level.endswith(f"[T.{value}]"))
    return b


def _advised(dialect: Dialect, used: Mapping[str, Any], message: str) -> Mapping[str, Any]:
    """Return the option, of those that the dialect knows, that a message names."""
    known = {"dates": {dialect.column("sold"): dialect.dates.replace("%-", "%")}, **dialect.needs}
    named = [name for name in _OPTION.findall(message) if name in known]
    new = [name for name in named if name not in used]
    if not new or "\n" in message:
        raise RefusedError(f"refused, with {dict(used)} as advised: {message}")
    return {new[0]: known[new[0]]}


def _used(dialect: Dialect) -> list[str]:
    """Return the columns of the formula that a model is made of."""
    return [name for name in (*NUMBERS, "zone") if name in dialect.columns]


def _rows(table: KnownTable, names: Sequence[str]) -> Iterator[Mapping[str, Value]]:
    for row in zip(*(table[name] for name in names), strict=True):
        yield dict(zip(names, row, strict=True))


def _same(found: Any, meant: Value, dialect: Dialect, name: str) -> bool:
    match meant:
        case None:
            return found is None
        case bool():
            return found is meant or (found in (0, 1) and bool(found) is meant)
        case date() if isinstance(found, int):
            # 20240131 is a number, and in the order of time.
            return str(found) == meant.strftime(dialect.dates)
        case date():
            return meant == (found.date() if isinstance(found, datetime) else found)
        case Decimal() | int():
            return isinstance(found, int | float) and float(found) == float(meant)
        case _:
            # Blanks around a cell are no part of its text for some readers.
            is_missing = found is None and meant in ("", dialect.cell(name, None))
            return is_missing or str(found).strip() == meant.strip()
