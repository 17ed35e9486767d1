"""A query of a DuckDB file, read by duckdb."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from linreg.data.fetch.address import Address
from linreg.data.fetch.extras import import_extra
from linreg.data.fetch.query import as_subquery, first_rows, query_of, sorted_rows
from linreg.data.fetch.remote import Rows, Saved, as_plain, plain_schema
from linreg.files import scratch_folder
from linreg.params.fetch import Fetch

MAGIC = b"DUCK"
MAGIC_AT = 8
ROWS_AT_ONCE = 65_536
MEMORY = "512MB"
_REFUSED = "refuses the query"


class DuckdbTable:
    """The rows of a query, all read in one transaction."""

    def __init__(self, connection: Any, error: Any, fetch: Fetch, address: Address) -> None:
        self._connection = connection
        self._error = error
        self._subquery = query_of(fetch, address)
        self._fingerprint = fetch.fingerprint
        self._address = address

    def fingerprint(self) -> str | None:
        """Return the answer of the fingerprint query."""
        if not self._fingerprint:
            return None
        with self._address.errors(_REFUSED, self._error):
            query = first_rows(as_subquery(self._fingerprint), 1000)
            return json.dumps(self._connection.execute(query).fetchall(), default=str)

    def save(self, folder: Path) -> Saved:
        """Write the rows; a sort that exceeds the memory goes through files beside them."""
        with scratch_folder(folder) as scratch, self._address.errors(_REFUSED, self._error):
            self._connection.execute(f"SET temp_directory = '{scratch.absolute()}'")
            reader = self._reader(first_rows(self._subquery, 0))
            schema, left_out = plain_schema(reader.schema, self._address.written)
            reader.close()
            batches = self._reader(sorted_rows(self._subquery, schema)) if schema else ()
            rows = (as_plain(batch, schema) for batch in batches)
            return Rows(schema, rows, left_out).save(folder, self._address)

    def _reader(self, query: str) -> Any:
        return self._connection.sql(query).to_arrow_reader(ROWS_AT_ONCE)


@contextmanager
def duckdb_table(fetch: Fetch, address: Address) -> Iterator[DuckdbTable]:
    """Open a DuckDB file for reading alone."""
    if not address.path.is_file():
        raise address.error("there is no such file", todo="check the path")
    duckdb = import_extra("duckdb", "sql", address)
    # With several threads the sum of a column would depend on their number.
    config = {"memory_limit": MEMORY, "threads": 1}
    with address.errors("cannot be read", duckdb.Error):
        connection = duckdb.connect(str(address.path), read_only=True, config=config)
    with closing(connection):
        connection.execute("BEGIN TRANSACTION READ ONLY")
        yield DuckdbTable(connection, duckdb.Error, fetch, address)
