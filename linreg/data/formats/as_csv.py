"""JSON and workbooks rewritten as CSV in a scratch folder, so that a cell has the same one reading.

What numbers, dates, truth values and missing cells are, and what is said about them, is what the
reader of CSV files says.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from linreg.data.formats.json_rows import read_objects, survey_objects
from linreg.data.formats.table_kind import TableKind
from linreg.data.formats.value_kinds import ColumnKinds
from linreg.data.formats.workbook import formula_without_value, read_sheet
from linreg.data.tables.reading_note import ReadingNote
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions


@dataclass(frozen=True)
class Rewritten:
    """A file as CSV.

    options     how the CSV file is read
    unreadable  by column, why it cannot be read
    """

    path: Path
    origin: Path
    options: ReadOptions
    unreadable: dict[str, str]
    notes: tuple[ReadingNote, ...]
