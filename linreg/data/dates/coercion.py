"""Cells of any type as times without a zone, where a prediction needs them."""

from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.dates.columns import as_text
from linreg.data.dates.format import read_format
from linreg.data.dates.recognition import ISO_TYPES

ArrowColumn: TypeAlias = pa.Array | pa.ChunkedArray

TIME = pa.timestamp("us")
"""The type of a time: microseconds, in UTC if it had a zone."""


def may_be_times(type_: pa.DataType) -> bool:
    """Return whether cells of a type may be times: those of dates, text, or nothing."""
    return bool(
        pa.types.is_date(type_)
        or pa.types.is_timestamp(type_)
        or pa.types.is_string(type_)
        or pa.types.is_integer(type_)
        or pa.types.is_null(type_)
    )


def as_times(cells: ArrowColumn, written: str | None) -> ArrowColumn:
    """Return cells as TIME; null for one that is missing or no time.

    written  the format of text and digits, as `ingest.dates` has it; None for ISO 8601
    """
    if written is not None and not pa.types.is_temporal(cells.type):
        format_ = read_format(written)
        column = cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])
        return _without_zone(format_.parse(as_text(column, format_)))
    if pa.types.is_string(cells.type):
        return _from_iso(cells)
    if pa.types.is_temporal(cells.type):
        return _without_zone(cells)
    return pa.nulls(len(cells), TIME)


def _from_iso(cells: ArrowColumn) -> ArrowColumn:
    trimmed = pc.utf8_trim_whitespace(cells)
    for type_ in ISO_TYPES:
        try:
            return _without_zone(trimmed.cast(type_))
        except pa.ArrowInvalid:
            continue
    # Some cells are no times, or they are of different kinds.
    distinct = pc.unique(trimmed)
    times = [_time_of(cell) for cell in distinct]
    return pa.array(times, TIME).take(pc.index_in(trimmed, value_set=distinct))


def _time_of(cell: pa.Scalar) -> pa.Scalar | None:
    for type_ in ISO_TYPES:
        try:
            found: pa.Scalar = _without_zone(pa.array([cell.as_py()], pa.string()).cast(type_))[0]
        except pa.ArrowInvalid:
            continue
        return found.as_py()
    return None


def _without_zone(times: ArrowColumn) -> ArrowColumn:
    if pa.types.is_timestamp(times.type):
        # What Arrow stores is the time in UTC.
        times = times.cast(pa.timestamp(times.type.unit))
    return times.cast(TIME, safe=False)
