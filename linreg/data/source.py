"""The user's table: a file or a folder of files, of any kind that is read."""

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from linreg.data.csv.dialect import CsvFile, read_header
from linreg.data.csv.header import repeated
from linreg.data.formats.arrow_file import ArrowFile
from linreg.data.formats.as_csv import csv_options, json_to_csv, messages_about, sheet_to_csv
from linreg.data.formats.table_kind import TableKind, kind_of_file
from linreg.data.partitions import NO_VALUE, Partition, cells_above, check_partitions, partition_of
from linreg.data.table_folder import FolderFiles, find_tables
from linreg.data.tables.parquet import TRUTH, TableFile
from linreg.data.tables.reading_note import ReadingNote
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

_OF_TEXT = ("encoding", "delimiter", "comment")
_WITHOUT_MEANING = {
    TableKind.CSV: ("sheet",),
    TableKind.JSON: ("delimiter", "comment", "skip", "sheet"),
    TableKind.WORKBOOK: _OF_TEXT,
    TableKind.PARQUET: (*_OF_TEXT, "skip", "sheet"),
    TableKind.ARROW: (*_OF_TEXT, "skip", "sheet"),
}
"""By kind, the options that say nothing about its files."""
_NAMED_KINDS = (TableKind.PARQUET, TableKind.ARROW, TableKind.JSON)
FileState = tuple[int, ...]
"""Device, inode, size and time of the last change: another state means other content."""


@dataclass(frozen=True)
class Source:
    """The files of a table in the order of their rows, and its columns.

    path         what was named: a file, or the folder in which the files lie
    columns      the names in the order of the first file, and then those that folders hold; '' for
                 an unnamed column
    options      how the files are read, where they themselves cannot tell
    columns_in   the columns of each file
    partitions   the cells that the folders of each file hold
    csv_files    for text, JSON and workbooks, each file as CSV; messages about these are to be
                 `messages_about` the user's files
    unreadable   by column, why it cannot be read
    states       the states of the files before their headers were read
    notes        what a person should know about how the files are read
    """

    path: Path
    files: tuple[Path, ...]
    kind: TableKind
    columns: tuple[str, ...]
    options: ReadOptions = READ_AS_IS
    columns_in: tuple[tuple[str, ...], ...] = ()
    partitions: tuple[Partition, ...] = ()
    csv_files: tuple[CsvFile, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    states: tuple[FileState | None, ...] = ()
    notes: tuple[ReadingNote, ...] = ()

    @property
    def root(self) -> Path:
        """The folder below which a path of `files` is its name."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def csv_options(self) -> ReadOptions:
        """How `csv_files` are read."""
        return csv_options(self.options) if self.originals else self.options

    @property
    def originals(self) -> Mapping[Path, Path]:
        """The user's file for each that was rewritten as CSV, JSON and workbooks."""
        if self.kind == TableKind.CSV:
            return {}
        return {csv.path: file for csv, file in zip(self.csv_files, self.files, strict=False)}

    def require_options_with_meaning(self) -> None:
        """Raise UserError for an option that says nothing about files of this kind.

        Options that a model remembers may be those of another kind of file.
        """
        for name in _WITHOUT_MEANING[self.kind]:
            if value := getattr(self.options, name):
                what = f"is {self.kind}, which ingest.{name} says nothing about"
                default = json.dumps(ReadOptions.model_fields[name].default)
                todo = f"set ingest.{name} to {default}"
                raise UserError(self.files[0], what, found=repr(value), todo=todo)

    def with_cells_above(self, names: Iterable[str]) -> "Source":
        """Return the source with those of its absent columns that the folders above it hold.

        So a file or a folder of a partitioned table has the columns that it has in the table. The
        files that were rewritten are removed with this source, not with the new one.
        """
        above = cells_above(self.root, (name for name in names if name not in self.columns))
        partitions = tuple({**above, **partition} for partition in self.partitions)
        return replace(self, columns=(*self.columns, *above), partitions=partitions)

    def require_unchanged(self) -> None:
        """Raise UserError for a file that was changed or deleted since its header was read."""
        for file, before in zip(self.files, self.states, strict=False):
            if _state_of(file) != before:
                raise UserError(
                    file,
                    "was changed while it was being read",
                    todo="run it again when nothing writes to the file",
                )

    @property
    def truth(self) -> Any:
        """The θ and b that the rows were generated from; None where the file does not hold them."""
        if self.kind != TableKind.PARQUET:
            return None
        text = (TableFile(self.files[0]).schema.metadata or {}).get(TRUTH)
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            what = f"has metadata {TRUTH.decode()} that is not JSON"
            raise UserError(self.files[0], what, found=error) from None


def open_source(path: Path, options: ReadOptions = READ_AS_IS) -> Source:
    """Find the files of a source and read their columns.

    JSON and workbooks are read as a whole, and rewritten as CSV in a temporary folder that is
    removed with the source. Raises UserError when there is nothing to read.
    """
    files, kind, notes = _find_files(path, options)
    states = tuple(_state_of(file) for file in files)
    if kind in _NAMED_KINDS and options.names:
        what = f"is {kind}, whose columns have names"
        raise UserError(files[0], what, todo="set ingest.names to null")
    root = path if path.is_dir() else path.parent
    partitions = tuple(partition_of(root, file) for file in files)
    check_partitions(partitions, files)
    csv_files: tuple[CsvFile, ...] = ()
    unreadable: dict[str, str] = {}
    if kind.has_types:
        columns_in = [_typed_columns(open_table_file(file, kind)) for file in files]
    elif kind == TableKind.CSV:
        csv_files = tuple(read_header(file, options) for file in files)
    else:
        csv_files, unreadable, more = _rewrite(files, kind, options)
        notes += more
    if not kind.has_types:
        columns_in = [file.names for file in csv_files]
    from_folders = [name for name in partitions[0] if name not in columns_in[0]]
    source = Source(
        path,
        files,
        kind,
        (*columns_in[0], *from_folders),
        options,
        tuple(columns_in),
        partitions,
        csv_files,
        unreadable,
        states,
        (*notes, *_about_partitions(partitions), *_about_more_columns(path, files, columns_in)),
    )
    if source.originals:
        folder = csv_files[0].path.parent.parent
        weakref.finalize(source, shutil.rmtree, folder, ignore_errors=True)
    return source


def open_table_file(path: Path, kind: TableKind) -> TableFile | ArrowFile:
    """Open a file of a kind that has types."""
    return TableFile(path) if kind == TableKind.PARQUET else ArrowFile(path)


def _find_files(path: Path, options: ReadOptions) -> FolderFiles:
    if path.is_dir():
        return find_tables(path, lambda file: read_header(file, options).names)
    if not path.exists():
        raise UserError(
            path,
            "there is no such file (ingest.source)",
            todo="check the path; experiments in a queue see only what git or DVC tracks, or an"
            " absolute path",
        )
    if not path.is_file():
        raise UserError(
            path,
            "is neither a file nor a folder (ingest.source)",
            todo="name a file with a table, or a folder",
        )
    return FolderFiles((path,), kind_of_file(path), ())


def _rewrite(
    files: Sequence[Path], kind: TableKind, options: ReadOptions
) -> tuple[tuple[CsvFile, ...], dict[str, str], tuple[ReadingNote, ...]]:
    """Rewrite files as CSV; return these, the columns that are unreadable, and notes."""
    folder = Path(tempfile.mkdtemp(prefix="linreg-"))
    try:
        csv_files = []
        unreadable: dict[str, str] = {}
        notes: list[ReadingNote] = []
        rewrite = json_to_csv if kind == TableKind.JSON else sheet_to_csv
        for number, file in enumerate(files):
            target = folder / str(number) / file.name
            target.parent.mkdir()
            found = rewrite(file, target, options)
            with messages_about({target: file}):
                csv_files.append(read_header(target, csv_options(options)))
            names = csv_files[-1].names
            for name, why in found.unreadable(names).items():
                unreadable.setdefault(name, f"{why} of {file.name}" if len(files) > 1 else why)
            notes += found.notes_about(file, names)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return tuple(csv_files), unreadable, tuple(notes)


def _about_partitions(partitions: Sequence[Partition]) -> Iterator[ReadingNote]:
    for name, cell in partitions[0].items():
        what = f"is read from the names of folders, such as {name}={cell or NO_VALUE}"
        yield ReadingNote(f"column {name}", what)


def _about_more_columns(
    path: Path, files: Sequence[Path], columns_in: Sequence[Sequence[str]]
) -> Iterator[ReadingNote]:
    """Yield a note about columns that the first file lacks, and that are not read therefore."""
    first = set(columns_in[0])
    more = {
        name: file.name
        for file, names in zip(files, columns_in, strict=True)
        for name in names
        if name and name not in first
    }
    if more:
        name, file = next(iter(more.items()))
        others = f" and {len(more) - 1} more" if len(more) > 1 else ""
        what = f"is read without column {name} of {file}{others}, absent from {files[0].name}"
        yield ReadingNote(path.name, what)


def _state_of(file: Path) -> FileState | None:
    """Return what changes when a file is written or replaced; None where there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _typed_columns(file: TableFile | ArrowFile) -> tuple[str, ...]:
    names = tuple(
        # pandas writes its index as a column.
        "" if name.startswith("__index_level_") else name
        for name in file.schema.names
    )
    if (duplicate := next(repeated(names), None)) is not None:
        where = f"{file.path}: column {duplicate}"
        raise UserError(where, "duplicate column name", todo="rename one of them")
    return names
