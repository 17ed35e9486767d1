"""Which values of a table are read as missing cells."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from linreg.data.csv.header import suggest_name
from linreg.data.tables.sentinels import as_values
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError
from linreg.setup.checks.sentinels import Sentinels, find_sentinels, plain_number
from linreg.setup.options import ByColumn
from linreg.setup.survey.column_survey import Survey


def choose_sentinels(
    table: TypedTable,
    survey: Survey,
    given: ByColumn,
    known: Mapping[str, Sequence[Any]] | None,
    path: Path,
) -> Sentinels:
    """Return the sentinels that the user has given, those that are known, or else those found.

    given  by column, as text; a column with none has no sentinels
    known  those of `ingest.sentinels`, if it is about this table

    Raises UserError for a column that is not there, or a value of another type.
    """
    if known is None:
        found = find_sentinels(table, survey)
        values = dict(found.values)
        findings = [each for each in found.findings if each.column not in given]
    else:
        values = {name: known[name] for name in known if name in survey.columns}
        findings = []
    for name, texts in given.items():
        where = f"{path}: column {name}"
        if name not in survey.columns:
            columns = list(survey.columns)
            what = "there is no such column (--sentinels)"
            todo = suggest_name(name, columns)
            raise UserError(where, what, found=", ".join(columns), todo=todo)
        type_ = survey.columns[name].profile.type
        values[name] = [plain_number(each) for each in as_values(texts, type_).to_pylist()]
        if len(values[name]) < len(texts):
            what = f"must be values of type {type_} (--sentinels)"
            raise UserError(where, what, found=", ".join(texts))
    return Sentinels({name: each for name, each in values.items() if len(each)}, findings)
