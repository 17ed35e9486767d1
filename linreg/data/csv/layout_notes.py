"""What a person should know about the layout in which a text file was read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from linreg.data.csv.delimiter import Sample
from linreg.data.csv.first_lines import Beginning
from linreg.data.csv.header import repeated
from linreg.data.tables.reading_note import ReadingNote
from linreg.params.ingest import ReadOptions


def layout_notes(
    path: Path, beginning: Beginning, sample: Sample, names: tuple[str, ...], options: ReadOptions
) -> Iterator[ReadingNote]:
    """Yield what was chosen in reading a file with these names."""
    where = path.name
    layout = sample.layout
    rows = sample.rows
    is_below_comment = layout is not None and rows[0].end == beginning.start
    if is_below_comment:
        what = f"has its column names in a comment line: {shown(beginning.comments[-1])}"
        yield ReadingNote(where, what, "ingest.skip")
    if others := beginning.comments[: -1 if is_below_comment else None]:
        what = f"begins with {_number(others, 'comment line')}, not read: {shown(others[0])}"
        yield ReadingNote(where, what, "ingest.skip")
    if above := rows[: layout.header if layout else sample.first_row or 0]:
        what = f"begins with {_number(above, 'line')} above the table, not read: "
        yield ReadingNote(where, what + shown(" ".join(above[0].cells)), "ingest.skip")
    if layout and layout.num_units:
        cells = shown(", ".join(rows[layout.header + 1].cells))
        yield ReadingNote(where, f"has units below the names, which are no row: {cells}")
    if layout and names[:1] == ("",) and len(names) > len(rows[layout.header].cells):
        what = "has one name fewer than columns: the first column, of row names, has none"
        if rows[layout.header].cells[0].strip() == names[1]:
            yield ReadingNote(where, what, "ingest.names")
    if sample.rejected:
        what = f"is split at {sample.splitter.delimiter!r}, not at {sample.rejected!r}"
        yield ReadingNote(where, what, "ingest.delimiter")
    if sample.splitter.delimiter == " " and not options.delimiter:
        yield ReadingNote(where, "has cells separated by blanks", "ingest.delimiter")
    if sample.splitter.frame:
        yield ReadingNote(where, "has lines of dashes, which are no rows")
    if sample.splitter.has_escapes:
        yield ReadingNote(where, "has quotes with a backslash before them inside quoted cells")
    for name in repeated(names):
        yield ReadingNote(where, f"has several columns named {name}, which cannot be used")


def left_out_notes(path: Path, num_empty: int, footer: Sequence[str]) -> Iterator[ReadingNote]:
    """Yield what was left out below the header, which only reading all rows shows."""
    if num_empty:
        rows = f"{num_empty} row{'s' if num_empty > 1 else ''}"
        what = f"has {rows} of empty cells, left out and not counted in row numbers"
        yield ReadingNote(path.name, what)
    if footer:
        what = f"ends with {_number(footer, 'line')} below the table, not read: {shown(footer[0])}"
        yield ReadingNote(path.name, what)


def _number(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'s' if len(things) > 1 else ''}"


def shown(text: str) -> str:
    """Return the beginning of a text on one line, in quotes."""
    text = " ".join(text.split())
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
