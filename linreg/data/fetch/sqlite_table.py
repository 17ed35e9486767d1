"""A query of a SQLite file. Its cells have types, its columns have none: they are derived here."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from linreg.data.fetch.address import Address
from linreg.data.fetch.query import as_subquery, first_rows, names, query_of, quoted, sorted_rows
from linreg.data.fetch.remote import Rows, Saved, plain_schema
from linreg.params.fetch import Fetch

MAGIC = b"SQLite format 3\0"
ROWS_AT_ONCE = 8192
COLUMNS_AT_ONCE = 400
"""SQLite's limit is 2000 columns in a result, and here a column takes four."""
_KINDS = ("integer", "real", "text", "blob")
_REFUSED = "refuses the query"


class SqliteTable:
    """The rows of a query, all read in one transaction."""

    def __init__(self, connection: sqlite3.Connection, fetch: Fetch, address: Address) -> None:
        self._connection = connection
        self._subquery = query_of(fetch, address)
        self._fingerprint = fetch.fingerprint
        self._address = address

    def fingerprint(self) -> str | None:
        """Return the answer of the fingerprint query."""
        if not self._fingerprint:
            return None
        return json.dumps(self._answer(first_rows(as_subquery(self._fingerprint), 1000)))

    def save(self, folder: Path) -> Saved:
        """Write the rows, with the narrowest type per column that holds all its cells."""
        cursor = self._connection.cursor()
        with self._address.errors(_REFUSED, sqlite3.Error):
            cursor.execute(first_rows(self._subquery, 0))
        columns = [name for name, *_ in cursor.description]
        # All of one type, for the check of the names.
        plain_schema(pa.schema([(name, pa.null()) for name in columns]), self._address.written)
        fields, left_out = [], {}
        for name, kinds in zip(columns, self._kinds(columns), strict=True):
            type_ = self._type(name, kinds)
            if type_ is None:
                left_out[name] = "blob"
            else:
                fields.append((name, type_))
        schema = pa.schema(fields)
        return Rows(schema, self._batches(schema), left_out).save(folder, self._address)

    def _kinds(self, columns: Sequence[str]) -> Iterator[list[bool]]:
        """Yield for each column which kinds of cells it has."""
        for start in range(0, len(columns), COLUMNS_AT_ONCE):
            tests = ", ".join(
                f"max(typeof({quoted(name)}) = '{kind}')"
                for name in columns[start : start + COLUMNS_AT_ONCE]
                for kind in _KINDS
            )
            (row,) = self._answer(f"SELECT {tests} FROM {self._subquery}")
            for first in range(0, len(row), len(_KINDS)):
                yield [bool(each) for each in row[first : first + len(_KINDS)]]

    def _type(self, name: str, kinds: Sequence[bool]) -> pa.DataType | None:
        is_integer, is_real, is_text, is_blob = kinds
        if is_blob:
            return None
        if is_text and (is_integer or is_real):
            query = f"SELECT {quoted(name)} FROM {self._subquery} WHERE typeof({quoted(name)})="
            text = self._answer(f"{query}'text' LIMIT 1")[0][0]
            raise self._address.error(
                f"column {name}: holds numbers and text",
                repr(text),
                f"make it one of them in the query, as by NULLIF({quoted(name)}, {text!r}) or"
                f" CAST({quoted(name)} AS TEXT)",
            )
        if is_text:
            return pa.string()
        return pa.float64() if is_real else pa.int64() if is_integer else pa.null()

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        # Integers above 2^53 are rounded by SQLite, in a column that holds fractions too.
        cells = ", ".join(
            f"CAST({quoted(each.name)} AS REAL)"
            if pa.types.is_floating(each.type)
            else quoted(each.name)
            for each in schema
        )
        inner = sorted_rows(self._subquery, schema)
        query = f"SELECT {cells} FROM ({inner})" if names(schema) else inner
        with self._address.errors(_REFUSED, sqlite3.Error):
            cursor = self._connection.execute(query)
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                columns = zip(*rows, strict=True)
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array(cells, each.type)
                        for cells, each in zip(columns, schema, strict=True)
                    ],
                    schema=schema,
                )

    def _answer(self, query: str) -> list[tuple[object, ...]]:
        with self._address.errors(_REFUSED, sqlite3.Error):
            return self._connection.execute(query).fetchall()


@contextmanager
def sqlite_table(fetch: Fetch, address: Address) -> Iterator[SqliteTable]:
    """Open a SQLite file for reading alone."""
    path = address.path
    if not path.is_file():
        raise address.error("there is no such file", todo="check the path")
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    with (
        address.errors("cannot be read", sqlite3.Error),
        closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection,
    ):
        # The rows are to be those of one moment: all that is asked is asked in one transaction.
        connection.execute("BEGIN")
        yield SqliteTable(connection, fetch, address)
