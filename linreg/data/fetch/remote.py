"""What every source of a fetched table can do, and rows that arrive in batches."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from linreg.data.fetch.address import Address
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError

TABLE = "table.parquet"


@dataclass(frozen=True)
class Saved:
    """A table in the folder that it was saved to.

    source   the file or folder to be read, by its name
    facts    what is recorded of it, as JSON
    """

    source: str
    facts: Mapping[str, Any]


class Remote(Protocol):
    """A table that is elsewhere."""

    def fingerprint(self) -> str | None:
        """Return what differs when the table has changed; None if only reading it tells."""

    def save(self, folder: Path) -> Saved:
        """Write the table into an empty folder."""


@dataclass
class Rows:
    """The rows of a query or a table, as they arrive.

    left_out  by column, the type of those that are neither number, text nor time
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    left_out: Mapping[str, str] = field(default_factory=dict)
    num_rows: int = 0

    def save(self, folder: Path, address: Address) -> Saved:
        """Write them as Parquet, in row groups that depend on the rows alone."""
        if not self.schema:
            todo = "convert columns in the query, as by CAST"
            what = "has no column of numbers, text or times"
            raise address.error(what, ", ".join(self.left_out) or None, todo)
        write_table(folder / TABLE, self.schema, self._counted())
        columns = {each.name: str(each.type) for each in self.schema}
        facts = {"columns": columns, "rows": self.num_rows, "left_out": dict(self.left_out)}
        return Saved(TABLE, facts)

    def _counted(self) -> Iterator[pa.RecordBatch]:
        for batch in self.batches:
            self.num_rows += batch.num_rows
            yield batch


def plain_type(type_: pa.DataType) -> pa.DataType | None:
    """Return the type in which a column is kept; None for one that is not."""
    if isinstance(type_, pa.OpaqueType) and type_.type_name == "numeric":
        # PostgreSQL's, as the text of its digits, of which there may be more than a decimal holds.
        return pa.float64()
    if isinstance(type_, pa.UuidType):
        return pa.string()
    if pa.types.is_dictionary(type_):
        return plain_type(type_.value_type)
    if pa.types.is_timestamp(type_) and type_.tz:
        # The same moments, whatever the time zone of this machine or of the server.
        return pa.timestamp(type_.unit, "UTC")
    if pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return pa.string()
    is_plain = (
        pa.types.is_integer(type_)
        or pa.types.is_floating(type_)
        or pa.types.is_decimal(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_string(type_)
        or pa.types.is_date(type_)
        or pa.types.is_timestamp(type_)
        or pa.types.is_time(type_)
        or pa.types.is_null(type_)
    )
    return type_ if is_plain else None


def plain_schema(schema: pa.Schema, where: str) -> tuple[pa.Schema, dict[str, str]]:
    """Return the columns that are kept, in their plain types, and the types of the others.

    Raises UserError for two columns of one name.
    """
    kept, left_out = [], {}
    counts = Counter(schema.names)
    for each in schema:
        if counts[each.name] > 1:
            todo = "give each a name of its own, by AS"
            raise UserError(where, "has two columns of one name", found=each.name, todo=todo)
        type_ = plain_type(each.type)
        if type_ is None:
            left_out[each.name] = str(each.type)
        else:
            kept.append((each.name, type_))
    return pa.schema(kept), left_out


def as_plain(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns of `schema` in its types."""
    return pa.RecordBatch.from_arrays(
        [_as_plain(batch.column(each.name), each.type) for each in schema], schema=schema
    )


def _as_plain(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if column.type == type_:
        return column
    if isinstance(column.type, pa.UuidType):
        return pa.array([each and str(each) for each in column.to_pylist()], type_)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return column.cast(type_)
