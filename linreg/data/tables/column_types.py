"""The plain type of a column: what a model can use of the types of Parquet and Arrow."""

from collections.abc import Collection

import pyarrow as pa

ACCEPTED = "numbers, text, truth values or times"


def plain_type(type_: pa.DataType) -> pa.DataType | None:
    """Return the type that holds a column's values; None for a nested one and its like.

    That is int64, float32, float64, bool, string, a date or a time: of numbers, the narrowest of
    these that holds every value.
    """
    if pa.types.is_dictionary(type_) or pa.types.is_run_end_encoded(type_):
        return plain_type(type_.value_type)
    if pa.types.is_integer(type_) and type_ != pa.uint64():
        return pa.int64()
    if pa.types.is_float16(type_) or pa.types.is_float32(type_):
        return pa.float32()
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_) or type_ == pa.uint64():
        return pa.float64()
    if pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return pa.string()
    if (
        pa.types.is_string(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_temporal(type_)
        or pa.types.is_null(type_)
    ):
        return type_
    return None


def is_number(type_: pa.DataType) -> bool:
    """Whether the type is that of numbers."""
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def common_type(types: Collection[pa.DataType]) -> pa.DataType | None:
    """Return the one type of a column that has these plain types in the files of a table.

    Numbers are float64; numbers and text are, too, as far as the text spells numbers. None where
    there is no such type.
    """
    # A file in which the column has no value goes with the others.
    known = {each for each in types if not pa.types.is_null(each)} or {pa.float64()}
    if len(known) == 1:
        return known.pop()
    if any(map(is_number, known)) and all(
        is_number(each) or pa.types.is_string(each) for each in known
    ):
        return pa.float64()
    return None
