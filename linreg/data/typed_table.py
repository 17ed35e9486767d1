"""The rows of a source with one plain type per column over all its files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.cell_format import CellFormat
from linreg.data.cells.conversion import convert_cells, without_words
from linreg.data.cells.words import MISSING
from linreg.data.condition import RowCondition, compile_condition, parse_condition
from linreg.data.csv.convert import csv_to_parquet
from linreg.data.dates.columns import DateColumns, read_dates
from linreg.data.formats.arrow_file import ArrowFile
from linreg.data.formats.as_csv import messages_about, renamed
from linreg.data.partitions import Partition, partition_type, with_partition
from linreg.data.source import Source, open_table_file
from linreg.data.tables.column_types import ACCEPTED, common_type, is_number, plain_type
from linreg.data.tables.parquet import TableFile
from linreg.data.tables.prefetch import prefetch
from linreg.data.tables.progress import with_progress
from linreg.data.tables.reading_note import ReadingNote
from linreg.data.tables.sentinels import without_sentinels
from linreg.data.tables.source_chunk import SourceChunk
from linreg.data.typed_cells import convert_chunk, numbers_in
from linreg.errors import UserError

AnyFile: TypeAlias = TableFile | ArrowFile
NO_SENTINELS: Mapping[str, Sequence[Any]] = MappingProxyType({})


@dataclass(frozen=True)
class TypedTable:
    """The rows of a source with one type per column.

    path        the file or folder that holds the table
    files       each file with types, and the user's file that holds the same rows
    partitions  the cells that the folders of each file hold
    every       read only every n-th row group, for a sample
    sentinels   by column, the values that are read as missing cells
    notes       what a person should know about how files and cells were read
    formats     by column how the cells of text files are written, if not plainly
    dates       by column, how cells that are stored as text or numbers are read as times
    condition   which rows there are; None for all
    text_numbers   by column of a file with types, how its text writes the numbers that it becomes
    missing_words  what stands for a missing cell there, besides the usual words
    is_from_text   whether the files are text
    """

    schema: pa.Schema
    path: Path
    files: tuple[tuple[AnyFile, Path], ...]
    partitions: tuple[Partition, ...]
    every: int = 1
    sentinels: Mapping[str, Sequence[Any]] = dataclass_field(default_factory=dict)
    notes: tuple[ReadingNote, ...] = ()
    dates: DateColumns = dataclass_field(default_factory=dict)
    condition: RowCondition | None = None
    formats: Mapping[str, CellFormat] = dataclass_field(default_factory=dict)
    text_numbers: Mapping[str, CellFormat] = dataclass_field(default_factory=dict)
    missing_words: tuple[str, ...] = ()
    is_from_text: bool = False

    @property
    def num_rows(self) -> int:
        """The number of rows in all files, those that the condition leaves out included."""
        return sum(file.num_rows for file, _ in self.files)

    @property
    def num_row_groups(self) -> int:
        """The number of row groups in all files."""
        return sum(file.num_row_groups for file, _ in self.files)

    @property
    def first_file(self) -> Path:
        """The first of the user's files, for messages about the whole table."""
        return self.files[0][1]

    def chunks(self) -> Iterator[SourceChunk]:
        """Yield the rows in order, a row group at a time; missing cells, NaN too, are null.

        Raises UserError for a cell that does not fit the type of its column, and for a condition
        that no row satisfies.
        """
        stored = self._stored_schema if self.condition is None else self.condition.schema
        dates = {name: each for name, each in self.dates.items() if name in self.schema.names}
        is_empty = True
        skip = 0
        for (file, origin), partition in zip(self.files, self.partitions, strict=True):
            names = [name for name in stored.names if name in file.schema.names]
            if not names:
                # Without a column a table has no rows.
                names = file.schema.names[:1]
            lengths = [file.row_group_length(index) for index in range(file.num_row_groups)]
            chosen = range(skip, file.num_row_groups, self.every)
            skip = (skip - file.num_row_groups) % self.every
            first_rows = list(accumulate(lengths, initial=1))
            row_groups = prefetch(file.row_group(index, names) for index in chosen)
            total = sum(lengths[index] for index in chosen)
            shown = with_progress(row_groups, f"reading {origin.name}", total)
            for index, rows in zip(chosen, shown, strict=True):
                chunk = SourceChunk(rows, origin, first_rows[index])
                chunk = convert_chunk(with_partition(chunk, partition, stored), stored)
                chunk = chunk._replace(rows=without_sentinels(chunk.rows, self.sentinels))
                if self.condition is not None:
                    chunk = self.condition.select(chunk, self.schema.names)
                    is_empty = is_empty and not chunk.rows.num_rows
                yield self._with_numbers(read_dates(chunk, dates))
        if self.condition is not None and is_empty and self.num_rows and self.every == 1:
            raise self.condition.nothing_left(self.num_rows)

    def _with_numbers(self, chunk: SourceChunk) -> SourceChunk:
        """Return a chunk in which columns of text that hold numbers are numbers."""
        rows = chunk.rows
        for name, format_ in self.text_numbers.items():
            index = rows.schema.get_field_index(name)
            if index >= 0 and pa.types.is_string(rows.schema.field(index).type):
                cells = without_words(rows.column(index), self.missing_words)
                numbers = pa.table({name: convert_cells(cells, format_)})
                numbers = without_sentinels(numbers, self.sentinels)
                rows = rows.set_column(index, name, numbers.column(0))
        return chunk._replace(rows=rows)

    @property
    def _stored_schema(self) -> pa.Schema:
        """The types of the cells before dates and numbers are read."""
        schema = self.schema
        for name, column in self.dates.items():
            if (index := schema.get_field_index(name)) >= 0:
                schema = schema.set(index, pa.field(name, column.cells))
        for name in self.text_numbers:
            if (index := schema.get_field_index(name)) >= 0:
                schema = schema.set(index, pa.field(name, pa.string()))
        return schema


def open_typed_table(
    source: Source,
    columns: Sequence[str],
    scratch: Path,
    sentinels: Mapping[str, Sequence[Any]] = NO_SENTINELS,
    where: str | None = None,
) -> TypedTable:
    """Give each named column one type; files of text are converted first, into `scratch`.

    The types are int64, float32, float64, bool, string, date and timestamp; Parquet's other numbers
    become the narrowest of these that holds every value. Rows in which `where`, as in ingest.where,
    is not true are left out. Raises UserError for a column that is absent or unreadable.
    """
    tree, needed = parse_condition(where, source.columns) if where else (None, [])
    num_kept = len(columns)
    columns = list(dict.fromkeys([*columns, *needed]))
    for name in columns:
        if name in source.unreadable:
            todo = "correct the cells, or leave the column out of the formula"
            place = f"{source.files[0]}: column {name}"
            raise UserError(place, source.unreadable[name], todo=todo)
    files, notes, formats = _open_files(source, columns, scratch)
    fields = []
    for name in columns:
        type_, note = _type_of(name, files, source)
        fields.append((name, type_))
        notes += note
    condition = None
    if where and tree:
        condition = compile_condition(where, tree, pa.schema(fields), source.options.dates)
    return TypedTable(
        pa.schema(fields[:num_kept]),
        source.path,
        files,
        source.partitions,
        sentinels=sentinels,
        notes=notes,
        formats=formats,
        condition=condition,
        is_from_text=not source.kind.has_types,
    )


def unreadable_columns(source: Source) -> dict[str, str]:
    """Return the columns that `open_typed_table` refuses, with the reason of each."""
    reasons = dict(source.unreadable)
    for name in source.columns:
        for file, names in zip(source.files, source.columns_in, strict=True):
            if name and name not in names and name not in source.partitions[0]:
                reasons.setdefault(name, f"is not in {file.relative_to(source.root)}")
    if source.kind.has_types:
        schemas = [open_table_file(file, source.kind).schema for file in source.files]
        for name in source.columns_in[0]:
            if name and name not in reasons:
                types = [schema.field(name).type for schema in schemas]
                plain = [plain_type(each) for each in types]
                if None in plain:
                    reasons[name] = (
                        f"has the type {types[plain.index(None)]}, which is neither number, text"
                        " nor time"
                    )
                elif common_type(plain) is None:
                    found = ", ".join(sorted(set(map(str, types))))
                    reasons[name] = f"has not one type in all files: {found}"
    return reasons


def _open_files(
    source: Source, columns: Sequence[str], scratch: Path
) -> tuple[tuple[tuple[AnyFile, Path], ...], tuple[ReadingNote, ...], Mapping[str, CellFormat]]:
    """Return the files, each with the user's, notes, and how the cells of text are written."""
    if source.kind.has_types:
        opened = [open_table_file(file, source.kind) for file in source.files]
        return tuple(zip(opened, source.files, strict=True)), source.notes, {}
    in_files = [name for name in columns if name in source.columns_in[0]]
    # A file of which nothing but the folder is used has rows all the same.
    in_files = in_files or [next(filter(None, source.columns_in[0]))]
    with messages_about(source.originals):
        converted = csv_to_parquet(source.csv_files, in_files, scratch, source.csv_options)
    notes = source.notes + tuple(
        note._replace(where=renamed(note.where, source.originals)) for note in converted.notes
    )
    opened = [TableFile(path) for path in converted.paths]
    return tuple(zip(opened, source.files, strict=True)), notes, converted.formats


def _type_of(
    name: str, files: Sequence[tuple[AnyFile, Path]], source: Source
) -> tuple[pa.DataType, tuple[ReadingNote, ...]]:
    """Return the type of a column over all files, and what is to be said about it."""
    if name in source.partitions[0]:
        return partition_type([each[name] for each in source.partitions]), ()
    types: dict[Path, pa.DataType] = {}
    for file, origin in files:
        if name not in file.schema.names:
            found = ", ".join(file.schema.names)
            raise UserError(f"{origin}: column {name}", "is not in this file", found=found)
        found_type = file.schema.field(name).type
        plain = plain_type(found_type)
        if plain is None:
            raise UserError(
                f"{origin}: column {name}",
                f"must hold {ACCEPTED}",
                found=str(found_type),
                todo="flatten it first, or leave it out of the formula",
            )
        types[origin] = plain
    common = common_type(types.values())
    where = f"{source.root}: column {name}"
    if common is None:
        found = ", ".join(sorted(set(map(str, types.values()))))
        raise UserError(where, "must have one type in all files", found=found)
    texts = [origin for origin, type_ in types.items() if pa.types.is_string(type_)]
    if not is_number(common) or not texts:
        return common, ()
    numeric = next(origin for origin, type_ in types.items() if is_number(type_))
    for file, origin in files:
        if origin in texts:
            _require_numbers(file, origin, name, numeric)
    what = f"is text in {texts[0].name} and {types[numeric]} in {numeric.name}: read as numbers"
    return common, (ReadingNote(f"column {name}", what),)


def _require_numbers(file: AnyFile, origin: Path, name: str, numeric: Path) -> None:
    """Raise UserError for a text that is not a number."""
    first_row = 1
    for index in range(file.num_row_groups):
        text = file.row_group(index, [name]).column(name)
        is_text = pc.and_(numbers_in(text).is_null(), text.is_valid())
        row = pc.index(is_text, True).as_py()
        if row >= 0 and (found := text[row].as_py()).strip() not in MISSING:
            raise UserError(
                f"{origin}: row {first_row + row}: column {name}",
                f"must be a number, as in {numeric}",
                found=found,
                todo="correct the cell, or leave the column out of the formula",
            )
        first_row += file.row_group_length(index)
