"""The files of a table that is a folder: which are its tables, and what is said of the others."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from linreg.data.formats.table_kind import TableKind, kind_of_file
from linreg.data.tables.integrity import SUFFIX, table_path
from linreg.data.tables.reading_note import ReadingNote
from linreg.errors import UserError

_TYPED = (".parquet", ".pq", ".feather", ".arrow", ".ipc")
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_NEVER_EMPTY = _TYPED + _WORKBOOKS
_TEXT = (".csv", ".tsv", ".tab", ".psv", ".dat", ".data", ".jsonl", ".ndjson")
_TABLES = _TEXT + _NEVER_EMPTY
_DOCUMENTS = (
    *(".md", ".rst", ".pdf", ".html", ".htm", ".log", ".py", ".ipynb", ".r", ".sql", ".sh"),
    *(".yaml", ".yml", ".toml", ".xml", ".doc", ".docx", ".png", ".jpg", ".svg", ".json", ".zip"),
)
"""Their first lines may look like a table."""
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")
# What programs leave behind; nobody takes it for rows.
_BOOKKEEPING = ("_SUCCESS", "_metadata", "_common_metadata", ".DS_Store", ".gitignore", ".gitkeep")
_MOST_NAMES = 5

ReadColumns = Callable[[Path], Sequence[str]]


class FolderFiles(NamedTuple):
    """The tables in a folder in the order of their paths, of one kind, and what is said of it."""

    files: tuple[Path, ...]
    kind: TableKind
    notes: tuple[ReadingNote, ...]


def find_tables(folder: Path, columns_of_csv: ReadColumns) -> FolderFiles:
    """Find the tables in a folder and the folders below it.

    Files and folders whose names begin with `.` or `_` are not among them, nor are documents beside
    tables and empty files. Raises UserError for a folder without tables or with tables of several
    kinds, for the files of a Delta table and its like, of which not all hold rows that count, for a
    link to nothing, and where a part of the rows would be missing: for an empty file of a kind that
    says so when it has no rows, and for a seal, which the generate stage wrote, without its table.
    """
    files, hidden = _walk(folder)
    empty = [file for file in files if not file.stat().st_size]
    for file in empty:
        if file.suffix.lower() in _NEVER_EMPTY:
            what = "is empty, and so not whole: a file of this kind says so where it has no rows"
            raise UserError(file, what, todo="write it again, or delete it")
    tables, others = _tables_among([file for file in files if file not in empty], columns_of_csv)
    if not tables:
        what = "is a folder without files" if not files else "is a folder without a table"
        found = _listed(folder, files or hidden) if files or hidden else None
        todo = "put CSV or Parquet files into it"
        raise UserError(folder, what, found=found, todo=todo)
    kind = _common_kind(folder, tables)
    unread = (
        (hidden, "hidden by a . or _ in front"),
        (others, "no table like the others"),
        (empty, "empty"),
    )
    notes = [
        ReadingNote(folder.name, f"is read without {_listed(folder, some)}: {why}")
        for some, why in unread
        if some
    ]
    below = {file.parent for file in tables if not _is_partition_or_root(folder, file.parent)}
    if below:
        what = f"is read with the files in {_listed(folder, sorted(below))}"
        notes.append(ReadingNote(folder.name, what))
    return FolderFiles(tuple(tables), kind, tuple(notes))


def _walk(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files below a folder and what is hidden there, in the order of their paths."""
    files: list[Path] = []
    hidden: list[Path] = []
    seen = set()
    for name, folders, names in os.walk(folder, followlinks=True):
        here = Path(name)
        identity = os.path.realpath(here)
        if identity in seen:
            folders.clear()
            continue
        seen.add(identity)
        _refuse_lake(here, folders)
        _require_sealed_tables(here)
        for entry in sorted(folders):
            if entry[0] in "._":
                folders.remove(entry)
                if any(each.is_file() for each in (here / entry).rglob("*")):
                    hidden.append(here / entry)
        for entry in names:
            file = here / entry
            if entry[0] in "._":
                if not _is_bookkeeping(entry):
                    hidden.append(file)
            elif file.is_file():
                files.append(file)
            elif file.is_symlink() and not file.exists():
                todo = "fetch the file, or delete the link"
                raise UserError(file, "is a link to a file that is not there", todo=todo)
    return sorted(files), sorted(hidden)


def _refuse_lake(folder: Path, folders: Sequence[str]) -> None:
    """Raise UserError for a folder whose files are only to be read by way of its log."""
    kind = ""
    if "_delta_log" in folders:
        kind = "a Delta table"
    elif ".hoodie" in folders:
        kind = "a Hudi table"
    elif "metadata" in folders and any((folder / "metadata").glob("*.metadata.json")):
        kind = "an Iceberg table"
    if kind:
        what = f"is {kind}: its files hold rows that were deleted or replaced, too"
        todo = f"`linreg use {folder}` reads its current rows; or write them as Parquet files"
        raise UserError(folder, what, todo=todo)


def _require_sealed_tables(folder: Path) -> None:
    for seal in sorted(folder.glob(f"_*{SUFFIX}")):
        table = table_path(seal)
        if not table.exists():
            what = f"there is no such file, but there is its seal {seal.name}"
            raise UserError(table, what, todo="run `dvc repro` to make it again")


def _is_bookkeeping(name: str) -> bool:
    return (
        name in _BOOKKEEPING
        or name.endswith((".crc", SUFFIX))
        or name.startswith(("_committed_", "_started_", "._"))
    )


def _tables_among(
    files: Sequence[Path], columns_of_csv: ReadColumns
) -> tuple[list[Path], list[Path]]:
    """Return the files that are tables, and those that are not.

    Names say which are tables for sure; the others are if their content is like theirs.
    """
    if not files:
        return [], []
    ranks = {file: _rank(file) for file in files}
    best = min(ranks.values())
    sure = [file for file in files if ranks[file] == best]
    if best:
        # Of unknown suffixes, the one of most files.
        suffix = Counter(file.suffix for file in sure).most_common(1)[0][0]
        sure = [file for file in sure if file.suffix == suffix]
    kind = kind_of_file(sure[0])
    tables: list[Path] = []
    others: list[Path] = []
    for file in files:
        is_table = file in sure or _is_like(file, sure[0], kind, columns_of_csv)
        (tables if is_table else others).append(file)
    return tables, others


def _rank(file: Path) -> int:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if len(suffixes) > 1 and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    return 0 if suffix in _TABLES else 2 if suffix in _DOCUMENTS else 1


def _is_like(file: Path, table: Path, kind: TableKind, columns_of_csv: ReadColumns) -> bool:
    """Whether the content of a file shows that it belongs to a table."""
    with suppress(UserError):
        if kind_of_file(file) == kind == TableKind.CSV:
            return set(columns_of_csv(file)) == set(columns_of_csv(table))
        return kind_of_file(file) == kind and kind.has_types
    return False


def _common_kind(folder: Path, tables: Sequence[Path]) -> TableKind:
    kinds = {file: kind_of_file(file) for file in tables}
    first = tables[0]
    for file, kind in kinds.items():
        if kind != kinds[first]:
            raise UserError(
                folder,
                "must hold tables of one kind",
                found=f"{first} ({kinds[first]}) and {file} ({kind})",
                todo="put them into folders of their own",
            )
    return kinds[first]


def _is_partition_or_root(root: Path, folder: Path) -> bool:
    return all("=" in part for part in folder.relative_to(root).parts)


def _listed(root: Path, paths: Sequence[Path]) -> str:
    names = [path.relative_to(root).as_posix() for path in paths]
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
