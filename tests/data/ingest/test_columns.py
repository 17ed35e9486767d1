from pathlib import Path

import pyarrow as pa
import pytest

from linreg.data.formats.table_kind import TableKind
from linreg.data.ingest.columns import (
    auxiliary_columns,
    columns_by_parameter,
    columns_to_read,
    excluded_from_dot,
    unused_columns,
)
from linreg.data.ingest.profile import ColumnProfile
from linreg.data.source import Source
from linreg.errors import UserError

SOURCE = Source(Path("t.csv"), (Path("t.csv"),), TableKind.CSV, ("z", "", "y", "x", "my x"))


def text(num_levels: int, count: int) -> ColumnProfile:
    levels = {str(number): 1 for number in range(num_levels)}
    return ColumnProfile(pa.string(), count=count, levels=levels if num_levels < 101 else None)


PROFILES = {
    "y": ColumnProfile(pa.float64()),
    "w": ColumnProfile(pa.float64()),
    "day": ColumnProfile(pa.date32()),
    "pause": ColumnProfile(pa.duration("s")),
    "note": text(3, 5),
    "id": text(101, 150),
    "zone": text(3, 6),
}


def test_split_by_weights_and_errors_name_columns() -> None:
    assert columns_by_parameter("row", None) == []
    named = columns_by_parameter("group:a b", "w", "cluster:firm, a b")
    by, weights, errors = "split.by", "model.weights", "evaluate.errors"
    assert named == [(by, "a b"), (weights, "w"), (errors, "firm"), (errors, "a b")]
    # The first parameter that names a column stands for all of them.
    assert auxiliary_columns("group:a b", "w", "cluster:firm, a b") == {
        "a b": by,
        "w": weights,
        "firm": errors,
    }
    assert auxiliary_columns("time:day", "w") == {"day": "split.by", "w": "model.weights"}


def test_columns_are_read_in_the_order_of_the_file() -> None:
    assert columns_to_read("y ~ x + `my x`", SOURCE, {}) == ["y", "x", "my x"]
    assert columns_to_read("y ~ x", SOURCE, {"z": "split.by"}) == ["z", "y", "x"]
    assert columns_to_read("y ~ .", SOURCE, {"z": "split.by"}) == ["z", "y", "x", "my x"]


def test_a_column_that_is_not_in_the_file_is_named_with_what_needs_it() -> None:
    with pytest.raises(UserError) as caught:
        columns_to_read("y ~ x + longitude", SOURCE, {})
    assert str(caught.value) == (
        "t.csv: column longitude: is not in the file, but model.formula needs it;"
        " found z, y, x, my x; correct the name; names with spaces go in `back-quotes`"
    )
    with pytest.raises(UserError) as caught:
        columns_to_read("y ~ x", SOURCE, {"my_x": "split.by"})
    assert str(caught.value) == (
        "t.csv: column my_x: is not in the file, but split.by needs it;"
        " found z, y, x, my x; did you mean my x?"
    )


def test_the_dot_does_not_stand_for_times_free_text_and_what_parameters_name() -> None:
    assert excluded_from_dot(PROFILES, {"w": "model.weights"}) == {
        "w": "named by model.weights",
        "day": "a time",
        "pause": "a time",
        "note": "free text, 3 different values in 5 cells",
        "id": "free text, over 100,000 different values in 150 cells",
    }


def test_unused_columns_have_the_reason_why_the_dot_does_not_stand_for_them() -> None:
    source = Source(Path("t.csv"), (Path("t.csv"),), TableKind.CSV, ("y", "", "day", "zone", "w"))
    assert unused_columns(source, PROFILES, ["y"], {"w": "split.by"}) == {
        "day": "a time",
        "zone": None,
        "w": "named by split.by",
    }
