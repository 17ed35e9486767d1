"""How the columns of a CSV file to predict write their numbers."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.number_style import NumberStyle, add_shown_decimals
from linreg.data.csv.dialect import CsvFile
from linreg.data.csv.rows import read_rows
from linreg.data.formula.schema import Schema
from linreg.errors import UserError


def styles_in(file: CsvFile, schema: Schema) -> Mapping[str, NumberStyle]:
    """Return how each feature that is a number is written in a file.

    Its own numbers decide, then those of the other features, then those in training; but first of
    all `ingest.decimal`. Raises UserError where the dialect leaves the decimal sign open and
    nothing decides.
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
    may_be_open = file.has_decimal_commas and not _is_known(schema)
    undecided: dict[str, str] = {}
    for rows in read_rows(file, pa.schema([(name, pa.string()) for name in numbers])):
        for name in numbers:
            cells = rows.column(name).drop_null()
            add_shown_decimals(shown[name], cells)
            if may_be_open and name not in undecided:
                index = pc.index(pc.match_substring_regex(cells, _AMBIGUOUS), True).as_py()
                if index >= 0:
                    undecided[name] = cells[index].as_py()
    # A column with both signs has wrong cells of one kind; which, the others tell.
    in_file: set[str] = set().union(*(signs for signs in shown.values() if len(signs) == 1))
    if not any(shown.values()):
        for name, cell in undecided.items():
            raise UserError(
                f"{file.path}: column {name}: {cell!r}",
                "may be a decimal number or thousands",
                found="no number that shows which, neither here nor in training",
                todo="write it without a sign between thousands, or with more or fewer decimals",
            )
    return {name: style.as_shown(shown[name], in_file) for name, style in remembered.items()}


_AMBIGUOUS = r"^[ \t]*[-+]?[1-9]\d{0,2}[.,]\d{3}[ \t]*$"


def _is_known(schema: Schema) -> bool:
    """Whether the training rows tell the decimal sign."""
    return any(
        column.decimal == "," or column.thousands or column.type in ("double", "float")
        for column in schema.columns.values()
    )
