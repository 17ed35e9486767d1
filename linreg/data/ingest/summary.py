"""What ingest prints: the formula, the rows, and the columns that were not used for a reason."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from linreg.data.ingest.row_filter import RowFilter


def summary_lines(
    formula: str, rows: RowFilter, unused: Mapping[str, str | None], folder: Path
) -> Iterator[str]:
    """Yield the lines, without the name of the stage."""
    yield f"{formula}; {rows.num_read} rows read, {rows.kept} kept → {folder}"
    for name, count in rows.dropped.items():
        yield f"{count} rows dropped, {name} is missing"
    for name, reason in unused.items():
        if reason:
            yield f"column {name} not used: {reason}"
