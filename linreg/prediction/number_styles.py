"""How the columns of a CSV file to predict write their numbers."""

import re
from collections import Counter
from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.dress import bare_numbers
from linreg.data.cells.file_signs import shown_signs
from linreg.data.cells.number_style import NumberStyle, add_shown_decimals
from linreg.data.cells.signs import DECIMALS, with_point_anyhow
from linreg.data.csv.dialect import CsvFile
from linreg.data.csv.formats import read_text
from linreg.data.csv.rows import read_rows
from linreg.data.csv.type_inference import find_evidence
from linreg.data.formula.schema import Schema
from linreg.errors import UserError


def styles_in(file: CsvFile, schema: Schema) -> Mapping[str, NumberStyle]:
    """Return how each feature that is a number is written in a file.

    Its own numbers decide, then those of the other features, those of the other columns and those
    in training; but first of all `ingest.decimal`. Raises UserError where the dialect leaves the
    decimal sign open and nothing decides.
    """
    # The cells of some features may lie in the names of folders.
    numbers = [
        name
        for name, column in schema.features.items()
        if column.kind == "number" and name in file.names
    ]
    remembered = {name: NumberStyle.remembered(schema.features[name].format) for name in numbers}
    if schema.reading.decimal:
        decided: set[str] = {schema.reading.decimal}
        return {name: style.as_shown(decided) for name, style in remembered.items()}
    shown: dict[str, set[str]] = {name: set() for name in numbers}
    undecided: dict[str, str] = {}
    for rows in read_rows(file, pa.schema([(name, pa.string()) for name in numbers])):
        for name in numbers:
            cells = rows.column(name).drop_null()
            add_shown_decimals(shown[name], cells)
            if name not in undecided:
                index = pc.index(pc.match_substring_regex(cells, _AMBIGUOUS), True).as_py()
                if index >= 0:
                    undecided[name] = cells[index].as_py()
    # A column with both signs has wrong cells of one kind; which, the others tell.
    in_file: set[str] = set().union(*(signs for signs in shown.values() if len(signs) == 1))
    undecided = {name: cell for name, cell in undecided.items() if not shown[name]}
    if undecided and not in_file:
        in_file = _shown_elsewhere(file, numbers, schema)
    if len(in_file) != 1:
        for name, cell in undecided.items():
            if file.has_decimal_commas and not _is_known(schema):
                found = "no number that shows which, neither here nor in training"
                raise two_readings(f"{file.path}: column {name}", cell, found)
            if file.delimiter == "," and "." in cell and remembered[name].decimal == ",":
                found = "decimal commas in training, but commas between the cells here"
                raise two_readings(f"{file.path}: column {name}", cell, found)
    return {name: style.as_shown(shown[name], in_file) for name, style in remembered.items()}


_AMBIGUOUS = r"^[ \t]*[-+]?[1-9]\d{0,2}[.,]\d{3}[ \t]*$"


def _shown_elsewhere(file: CsvFile, names: Collection[str], schema: Schema) -> set[str]:
    """Return the decimal signs that the other columns show, as ingest sees them."""
    read_already = {"", *names}
    counts = Counter(file.names)
    others = [name for name in file.names if counts[name] == 1 and name not in read_already]
    evidence = find_evidence(read_text(file, others), others, schema.reading)
    return set(shown_signs(evidence))


def may_be_two_numbers(cell: str) -> bool:
    """Whether the sign in a number may be decimal or stand between thousands."""
    return re.match(_AMBIGUOUS, cell) is not None


def two_readings(where: str, cell: str, found: str) -> UserError:
    """Return the error for a number that may be read in two ways."""
    numbers = bare_numbers(pa.array([cell])).numbers
    values = [with_point_anyhow(numbers, decimal)[0].as_py() for decimal in DECIMALS]
    todo = "train with ingest.decimal set to . or , (`linreg use FILE --decimal .`)"
    return UserError(f"{where}: {cell!r}", f"may be {' or '.join(values)}", found=found, todo=todo)


def _is_known(schema: Schema) -> bool:
    """Whether the training rows tell the decimal sign."""
    return any(
        column.decimal == "," or column.thousands or column.type in ("double", "float")
        for column in schema.columns.values()
    )
