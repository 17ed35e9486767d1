"""A query as it is sent: one SELECT, with its rows in an order of their own."""

import re

import pyarrow as pa

from linreg.data.fetch.address import Address
from linreg.params.fetch import Fetch

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_TABLE = re.compile(rf"{_NAME}(?:\.{_NAME})*")


def as_subquery(sql: str) -> str:
    """Return a SELECT, or a table's name, as what can stand after FROM.

    So it is one query and no command: a database refuses any other statement in this place.
    """
    text = sql.strip().rstrip(";").rstrip()
    if _TABLE.fullmatch(text):
        return text
    # A comment at the end of the query ends with its line.
    return f"(\n{text}\n) AS fetched"


def query_of(fetch: Fetch, address: Address) -> str:
    """Return the query of a database as `as_subquery`; raises UserError where there is none."""
    if not fetch.sql:
        todo = "name a table or a query: fetch.NAME.sql, or linreg use … --sql 'SELECT …'"
        raise address.error("is a database, of which one table is to be read", todo=todo)
    return as_subquery(fetch.sql)


def first_rows(subquery: str, most: int) -> str:
    """Return the query for the columns of a table, and at most some of its rows."""
    return f"SELECT * FROM {subquery} LIMIT {most}"


def sorted_rows(subquery: str, schema: pa.Schema) -> str:
    """Return the query for all rows, sorted by every column.

    The order in which a database returns rows says nothing and changes, as does what the seeds of a
    split mean with it. The database sorts, since it can do so in bounded memory.
    """
    numbers = ", ".join(str(number) for number in range(1, len(schema) + 1))
    return f"SELECT {names(schema)} FROM {subquery} ORDER BY {numbers}"


def names(schema: pa.Schema) -> str:
    """Return the names of columns as SQL has them."""
    return ", ".join(map(quoted, schema.names))


def quoted(name: str) -> str:
    """Return a name in the quotes of SQL."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
