from pathlib import Path

import numpy as np
import pytest

from linreg.data.formula.row_errors import CollectingHandler, RaisingHandler, RowError
from linreg.errors import UserError

CELLS = ["a", "b", "c", "d"]


def an_error(reason: str = "wrong", where: str = "column g") -> RowError:
    return RowError(reason, where, "is wrong", lambda row: CELLS[row], "correct it")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("column g", "t.csv: row 12: column g: is wrong; found c; correct it"),
        ("", "t.csv: row 12: is wrong; found c; correct it"),
    ],
)
def test_the_first_row_with_an_error_is_raised(where: str, expected: str) -> None:
    handler = RaisingHandler(4, Path("t.csv"), 10)
    with pytest.raises(UserError) as caught:
        handler.report(np.array([False, False, True, True]), an_error(where=where))
    assert str(caught.value) == expected


def test_an_error_without_a_row_is_none() -> None:
    raising, collecting = RaisingHandler(4, "t.csv", 1), CollectingHandler(4)
    for handler in (raising, collecting):
        handler.report(np.zeros(4, bool), an_error())
        assert handler.invalid.tolist() == [False] * 4
    assert collecting.reasons == {}


def test_every_row_is_collected_with_each_of_its_reasons() -> None:
    handler = CollectingHandler(4)
    for reason, rows in (("one", [0]), ("two", [0, 2]), ("one", [3])):
        handler.report(np.isin(np.arange(4), rows), an_error(reason))
    assert {reason: np.flatnonzero(rows).tolist() for reason, rows in handler.reasons.items()} == {
        "one": [0, 3],
        "two": [0, 2],
    }
    assert handler.invalid.tolist() == [True, False, True, True]
