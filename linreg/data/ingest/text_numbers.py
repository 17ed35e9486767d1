"""Columns of a file with types that are text and hold numbers: read by the rules of a CSV file."""

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa

from linreg.data.cells.cell_format import CellFormat
from linreg.data.cells.column_evidence import ColumnEvidence
from linreg.data.cells.conversion import without_words
from linreg.data.cells.file_signs import FileSigns, notes_about, shown_signs
from linreg.data.csv.type_inference import find_candidates
from linreg.data.formula.formula import parse_formula
from linreg.data.tables.reading_note import ReadingNote
from linreg.data.typed_table import TypedTable
from linreg.params.ingest import ReadOptions


def with_numbers(table: TypedTable, names: Collection[str], options: ReadOptions) -> TypedTable:
    """Return a table in which columns of text that hold nothing but numbers are numbers.

    `names` are the columns to look at. Those with leading zeros, as codes have them, and those
    whose dates have a format stay text. Raises UserError for numbers that allow two readings if
    nothing decides.
    """
    names = [
        name
        for name in names
        if pa.types.is_string(table.schema.field(name).type) and name not in options.dates
    ]
    if not names or table.is_from_text:
        return table
    evidence = _evidence(table, names, options)
    signs = FileSigns(shown_signs(evidence), None, ".")
    numbers = [
        name
        for name, column in evidence.items()
        if column.has_values and column.numbers.are_numbers and not column.num_padded
    ]
    candidates = find_candidates(evidence, numbers, signs, table.first_file)
    formats = {name: candidates[name][0] for name in numbers}
    what = "is text in the file, and read as numbers"
    notes = [ReadingNote(f"column {name}", what) for name in numbers]
    dressed = {name: each for name, each in formats.items() if each != CellFormat(each.type)}
    schema = table.schema
    for name, format_ in formats.items():
        schema = schema.set(schema.get_field_index(name), pa.field(name, format_.type))
    return replace(
        table,
        schema=schema,
        text_numbers=formats,
        missing_words=options.missing_words,
        formats={**table.formats, **dressed},
        notes=(*table.notes, *notes, *notes_about(evidence, formats, signs)),
    )


def numbers_in_formula(formula: str, table: TypedTable, others: Collection[str]) -> list[str]:
    """Return the columns that the formula uses as they are or in expressions, never in `C()`."""
    candidates = [name for name in table.schema.names if name not in others]
    texts = [each.name for each in table.schema if pa.types.is_string(each.type)]
    parsed = parse_formula(formula, candidates, frozenset(texts))
    levels = {
        name
        for each in parsed.factors
        for name in each.columns
        if each.kind == "category" and each.text != name and each.of is None
    }
    return [name for name in parsed.columns if name not in levels]


def _evidence(
    table: TypedTable, names: Collection[str], options: ReadOptions
) -> dict[str, ColumnEvidence]:
    evidence = {name: ColumnEvidence(options) for name in names}
    open_names = list(names)
    fields = pa.schema([table.schema.field(name) for name in names])
    for chunk in replace(table, schema=fields).chunks():
        for name in open_names:
            evidence[name].add(without_words(chunk.rows.column(name), options.missing_words))
        open_names = [name for name in open_names if not evidence[name].is_text]
        if not open_names:
            break
    return evidence
