"""The user's table: CSV or Parquet, a file or a folder of files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.data.csv.convert import csv_columns
from linreg.data.tables.integrity import SUFFIX, table_path
from linreg.data.tables.parquet import TRUTH, TableFile
from linreg.data.tables.reading_note import ReadingNote
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

FileState = tuple[int, ...]
"""Device, inode, size and time of the last change: another state means other content."""


@dataclass(frozen=True)
class Source:
    """The files of a table in the order of their rows, and its columns.

    columns      the names in file order; '' for an unnamed column
    options      how the files are read, where they themselves cannot tell
    states       the states of the files before their headers were read
    notes        what a person should know about how the files are read
    """

    files: tuple[Path, ...]
    is_parquet: bool
    columns: tuple[str, ...]
    options: ReadOptions = READ_AS_IS
    states: tuple[FileState | None, ...] = ()
    notes: tuple[ReadingNote, ...] = ()

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
        if not self.is_parquet:
            return None
        text = (TableFile(self.files[0]).schema.metadata or {}).get(TRUTH)
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            what = f"has metadata {TRUTH.decode()} that is not JSON"
            raise UserError(self.files[0], what, found=error) from None


def open_source(path: Path, options: ReadOptions = READ_AS_IS) -> Source:
    """Find the files of a source and read their columns.

    Raises UserError when there is nothing to read.
    """
    files = _files_of(path)
    states = tuple(_state_of(file) for file in files)
    is_parquet = _are_parquet(path, files)
    if is_parquet and options.names:
        what = "is Parquet, whose columns have names"
        raise UserError(files[0], what, todo="set ingest.names to null")
    columns = _parquet_columns(files[0]) if is_parquet else csv_columns(files[0], options)
    return Source(tuple(files), is_parquet, columns, options, states)


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        return _files_in(path)
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
            todo="name a CSV or Parquet file",
        )
    return [path]


def _files_in(folder: Path) -> list[Path]:
    """Return the files of a folder in the order of their names, but no hidden ones.

    Raises UserError for a folder without files, and for a seal whose table is gone: the generate
    stage wrote it, and a part of the rows would be missing.
    """
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name[0] not in "._")
    for seal in sorted(folder.glob(f"_*{SUFFIX}")):
        table = table_path(seal)
        if not table.exists():
            what = f"there is no such file, but there is its seal {seal.name}"
            raise UserError(table, what, todo="run `dvc repro` to make it again")
    if not files:
        todo = "put CSV or Parquet files into it"
        raise UserError(folder, "is a folder without files", todo=todo)
    return files


def _state_of(file: Path) -> FileState | None:
    """Return what changes when a file is written or replaced; None where there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _are_parquet(path: Path, files: list[Path]) -> bool:
    """Whether all files are Parquet, by their first bytes; raises UserError if only some are."""
    is_parquet = []
    for file in files:
        with file.open("rb") as stream:
            is_parquet.append(stream.read(4) == b"PAR1")
    if any(is_parquet) != all(is_parquet):
        other = files[is_parquet.index(not is_parquet[0])]
        raise UserError(
            path,
            "must hold either CSV or Parquet files",
            found=f"both, such as {files[0]} and {other}",
        )
    return is_parquet[0]


def _parquet_columns(file: Path) -> tuple[str, ...]:
    names = tuple(
        # pandas writes its index as a column.
        "" if name.startswith("__index_level_") else name
        for name in TableFile(file).schema.names
    )
    for name in names:
        if name and names.count(name) > 1:
            where = f"{file}: column {name}"
            raise UserError(where, "duplicate column name", todo="rename one of them")
    return names
