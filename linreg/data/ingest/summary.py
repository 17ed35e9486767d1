"""What ingest prints: the formula, the rows, and the columns that were not used."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from linreg.data.formula.schema import Schema
from linreg.data.ingest.row_filter import RowFilter
from linreg.data.typed_table import TypedTable

MAX_NAMES = 12
"""Of the columns that the formula does not name."""


def summary_lines(
    table: TypedTable,
    schema: Schema,
    rows: RowFilter,
    unused: Mapping[str, str | None],
    folder: Path,
) -> Iterator[str]:
    """Yield the lines, without the name of the stage; `unused` columns may have a reason."""
    yield f"{schema.formula}; {rows.num_read} rows read, {rows.kept} kept → {folder}"
    yield from map(str, table.notes)
    if table.condition is not None:
        yield f"{rows.not_where} rows left out by ingest.where: {table.condition.text}"
    for name, count in rows.dropped.items():
        yield f"{count} rows dropped, {name} is missing"
    for name, reason in unused.items():
        if reason:
            yield f"column {name} not used: {reason}"
    left_out = [name for name, reason in unused.items() if not reason]
    if left_out:
        more = len(left_out) - MAX_NAMES
        names = ", ".join(left_out[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
        yield f"not in the formula: {names}"
    # A user's Parquet file may hold anything in its metadata.
    truth = schema.truth if isinstance(schema.truth, dict) else {}
    true = truth["theta"] if isinstance(truth.get("theta"), dict) else {}
    if missing := [name for name in left_out if true.get(name)]:
        yield (
            f"the data were drawn with generate.theta, of which the formula leaves out"
            f" {', '.join(missing)}: to the model that part of y is noise"
        )
