"""Sentinels: values such as -999 or 99 that stand for a missing cell."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

AS_THEY_ARE: Mapping[str, pa.DataType] = MappingProxyType({})


def without_sentinels(
    rows: pa.Table,
    sentinels: Mapping[str, Sequence[Any]],
    precision: Mapping[str, pa.DataType] = AS_THEY_ARE,
) -> pa.Table:
    """Return rows with null for the values, by column, that stand for a missing cell.

    Columns that the rows do not have are passed over, and so are values that a column of its type
    cannot have. Where the cells of a column had a type of less `precision`, so have the values.
    """
    for name, values in sentinels.items():
        index = rows.schema.get_field_index(name)
        if index >= 0:
            column = rows.column(index)
            known = as_values(values, precision.get(name, column.type)).cast(column.type)
            null = pa.scalar(None, column.type)
            kept = pc.if_else(pc.is_in(column, value_set=known), null, column)
            rows = rows.set_column(index, rows.schema.field(index), kept)
    return rows


def as_values(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """Return the values that a column of a type can have, in this type."""
    kept = []
    for value in values:
        try:
            kept.append(pa.scalar(value).cast(type_))
        except pa.ArrowException:
            continue
    return pa.array([each.as_py() for each in kept], type=type_)
