"""A query of a PostgreSQL server, read through ADBC in PostgreSQL's binary format."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.fetch.address import Address
from linreg.data.fetch.extras import import_extra
from linreg.data.fetch.query import as_subquery, first_rows, query_of, quoted, sorted_rows
from linreg.data.fetch.remote import Rows, Saved, as_plain, plain_schema
from linreg.errors import UserError
from linreg.params.fetch import Fetch

SECONDS_TO_CONNECT = "10"
SESSION = (
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    # With several processes the sum of a column would depend on their number.
    "SET max_parallel_workers_per_gather = 0",
    "SET TimeZone = 'UTC'",
)
_REFUSED = "refuses the query"


class PostgresqlTable:
    """The rows of a query, all read in one transaction."""

    def __init__(self, cursor: Any, fetch: Fetch, address: Address) -> None:
        self._cursor = cursor
        self._subquery = query_of(fetch, address)
        self._fingerprint = fetch.fingerprint
        self._address = address

    def fingerprint(self) -> str | None:
        """Return the answer of the fingerprint query."""
        if not self._fingerprint:
            return None
        reader = self._reader(first_rows(as_subquery(self._fingerprint), 1000))
        return json.dumps(reader.read_all().to_pylist(), default=str)

    def save(self, folder: Path) -> Saved:
        """Write the rows as the server sends them."""
        columns = self._reader(first_rows(self._subquery, 0)).schema
        schema, left_out = plain_schema(columns, self._address.written)
        for each in schema:
            if (columns.field(each.name).metadata or {}).get(b"POSTGRESQL:type") == b"money":
                # It would arrive as a number of cents, or of whole yen.
                what = f"column {each.name}: has the type money, whose unit is the server's"
                todo = f"write {each.name}::numeric in the query"
                raise self._address.error(what, todo=todo)
        batches = self._batches(schema) if schema else iter(())
        return Rows(schema, batches, left_out).save(folder, self._address)

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        reader = self._reader(sorted_rows(self._subquery, schema))
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (pa.ArrowException, OSError) as error:
                # What the server says on the way comes from pyarrow.
                raise self._error(error) from None
            plain = as_plain(batch, schema)
            self._require_finite_times(plain)
            yield plain

    def _require_finite_times(self, batch: pa.RecordBatch) -> None:
        """Raise UserError for PostgreSQL's infinity, which arrives as a time in another age."""
        for each in batch.schema:
            if pa.types.is_date(each.type) or pa.types.is_timestamp(each.type):
                bounds = pc.min_max(batch.column(each.name).cast(pa.date32(), safe=False))
                try:
                    bounds.as_py()
                except (OverflowError, ValueError):
                    what = (
                        f"column {each.name}: holds infinity, or a time beyond the years 1 to 9999"
                    )
                    todo = f"leave it out, as by NULLIF({quoted(each.name)}, 'infinity')"
                    raise self._address.error(what, todo=todo) from None

    def _reader(self, query: str) -> Any:
        try:
            self._cursor.execute(query)
            return self._cursor.fetch_record_batch()
        except Exception as error:  # noqa: BLE001 - those of a module that may be absent
            raise self._error(error) from None

    def _error(self, error: Exception) -> UserError:
        return self._address.error(_REFUSED, _words_of_the_server(error))


@contextmanager
def postgresql_table(fetch: Fetch, address: Address) -> Iterator[PostgresqlTable]:
    """Connect to a server, which refuses to write anything in this session."""
    adbc = import_extra("adbc_driver_postgresql.dbapi", "sql", address)
    os.environ.setdefault("PGCONNECT_TIMEOUT", SECONDS_TO_CONNECT)
    try:
        connection = adbc.connect(address.actual)
    except adbc.Error as error:
        raise address.error("cannot be reached", _words_of_the_server(error)) from None
    with closing(connection), connection.cursor() as cursor:
        for command in SESSION:
            cursor.execute(command)
        # What was set holds from the next transaction on.
        connection.commit()
        yield PostgresqlTable(cursor, fetch, address)


def _words_of_the_server(error: Exception) -> str:
    """Return what PostgreSQL says, without what the driver wraps around it."""
    text = str(error).partition("\nQuery was:")[0]
    found = re.search(r"(?:ERROR|FATAL):\s+(.*)", text, re.DOTALL) or re.search(
        r"(?:Failed to connect|\[libpq\]):? *(.*)", text, re.DOTALL
    )
    words = found[1] if found else text
    # The line of the query and the mark below it are of no use on one line.
    return re.sub(r"\nLINE \d+:.*|\. SQLSTATE.*", "", words, flags=re.DOTALL)
