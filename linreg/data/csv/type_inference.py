"""The type of a column, inferred from the text of its cells.

A column has the first of these types that holds every cell of it in all files: int64, float64,
bool, date32, timestamp (in micro- or nanoseconds, without or with a time zone), and otherwise text,
which keeps its cells exactly as they are written. A float64 is the one nearest to all digits of the
cell.
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from linreg.data.cells.cell_format import TEXT, CellFormat
from linreg.data.cells.column_evidence import PLAIN_FORMATS, ColumnEvidence
from linreg.data.cells.file_signs import Evidence, FileSigns
from linreg.params.ingest import ReadOptions

_TYPES = tuple(dict.fromkeys(format_.type for format_ in PLAIN_FORMATS))
Candidates = Mapping[str, Sequence[CellFormat]]
"""For each column of a file the formats in which all its cells are written, the narrowest type
first; every plain format if all cells are missing.
"""


def find_evidence(
    tables: Iterable[pa.Table], columns: Sequence[str], options: ReadOptions
) -> Evidence:
    """Return what the cells of these columns of text show."""
    evidence = {column: ColumnEvidence(options) for column in columns}
    for rows in tables:
        for column in columns:
            evidence[column].add(rows[column])
    return evidence


def find_candidates(
    evidence: Evidence, columns: Sequence[str], signs: FileSigns, where: object
) -> Candidates:
    """Return the formats that columns of a file may have.

    Raises UserError for numbers that allow two readings if nothing decides.
    """
    return {
        column: _candidates(evidence[column], signs, f"{where}: column {column}")
        for column in columns
    }


def _candidates(column: ColumnEvidence, signs: FileSigns, where: str) -> Sequence[CellFormat]:
    if not column.has_values:
        # Words for missing among values prove nothing where there are no values.
        return [] if column.words else PLAIN_FORMATS
    others = [each for each in column.formats if not _is_number(each.type)]
    numbers = column.numbers
    if not numbers.are_numbers:
        return column.formats
    decimal, thousands = read = signs.of_column(where, numbers)
    [unit] = numbers.units or {""}
    is_whole = numbers.is_whole(read)
    types = [pa.int64(), pa.float64()] if is_whole else [pa.float64()]
    return [CellFormat(type_, decimal, thousands, unit) for type_ in types] + others


def common_types(candidates: Sequence[Candidates]) -> dict[str, pa.DataType | None]:
    """Return the narrowest type of each column over all files; None where all cells are missing."""
    types: dict[str, pa.DataType | None] = {}
    for column in candidates[0]:
        by_file = [{format_.type for format_ in each[column]} for each in candidates]
        common = set(_TYPES).intersection(*by_file)
        narrowest = next((type_ for type_ in _TYPES if type_ in common), TEXT.type)
        types[column] = None if common == set(_TYPES) else narrowest
    return types


def common_schema(candidates: Sequence[Candidates]) -> pa.Schema:
    """Return the common types as a schema; a column without any value is float64."""
    types = common_types(candidates)
    return pa.schema([(column, type_ or pa.float64()) for column, type_ in types.items()])


def format_of_type(candidates: Sequence[CellFormat], type_: pa.DataType) -> CellFormat:
    """Return how a column of a file writes a type."""
    return next((each for each in candidates if each.type == type_), CellFormat(type_))


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))
