"""Every suspicion planted and found, and none found in clean data."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table
from linreg.errors import UserError
from linreg.setup.column_checks import Facts, Finding, column_findings
from linreg.setup.hints import hints, row_findings, target_findings
from linreg.setup.survey import Survey, survey
from linreg.setup.target import guess_target, require_target

N = 200
RNG = np.random.default_rng(7)
CLEAN = {
    "size": RNG.normal(50, 10, N).round(2).tolist(),
    "age": RNG.integers(0, 90, N).tolist(),
    "zone": RNG.choice(["north", "south", "the west"], N).tolist(),
    "price": RNG.normal(200, 30, N).round(2).tolist(),
}

PLANTED: dict[str, tuple[list[Any], str, str]] = {
    # what is planted: cells of the column `planted`, the word in the table, a part of the sentence
    "a row number from 1": (
        list(range(1, N + 1)),
        "row number",
        "different in every row, in steps of one",
    ),
    "a row number from 0": (list(range(N)), "row number", "in steps of one"),
    "a constant number": ([3] * N, "constant", "is 3 in every row"),
    "a constant text": (["same"] * N, "constant", "is 'same' in every row"),
    "a column like another": (CLEAN["age"], "equals age", "is equal to age in every row"),
    "no value": ([None] * N, "empty", "holds no value at all"),
    "an infinite number": (
        ["inf" if i == 5 else i * 0.37 % 11 for i in range(N)],
        "infinite",
        "table.csv: row 6",
    ),
    "mostly missing cells": (
        [i * 7 % 11 if i % 3 == 0 else None for i in range(N)],
        "mostly missing",
        "lacks 66%",
    ),
    "names of rows": ([f"house {i}" for i in range(N)], "names rows", "different in every row"),
    "free text": (
        [f"note {i % 150}" for i in range(N)],
        "free text",
        "different values in 200 cells",
    ),
    "dates": (
        [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(N)],
        "date",
        "dates or times",
    ),
    "dates as people write them": (
        [f"{1 + i % 28}/{1 + i % 12}/2024" for i in range(N)],
        "date as text",
        "'1/1/2024'",
    ),
    "percent signs": ([f"{i % 40}%" for i in range(N)], "numbers as text", "such as '0%'"),
    "thousands separators": (
        [f"{i % 40 + 1},200.50" for i in range(N)],
        "numbers as text",
        "'1,200.50'",
    ),
    "currency signs": ([f"$ {i % 40}" for i in range(N)], "numbers as text", "'$ 0'"),
    "numbers with words between": (
        [i % 40 if i != 9 else "unknown" for i in range(N)],
        "mixed",
        "table.csv: row 10",
    ),
    "a rare level": (
        ["a" if i % 2 else "b" for i in range(N - 1)] + ["c"],
        "rare levels",
        "'c' with 1",
    ),
    "a number that hardly changes": ([0] * (N - 2) + [1, 1], "almost constant", "all but 2 rows"),
}


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Survey]:
    def look(columns: Mapping[str, list[Any]]) -> Survey:
        folder = tmp_path_factory.mktemp("survey")
        path = folder / "table.csv"
        pd.DataFrame(columns).astype(object).to_csv(path, index=False)
        source = open_source(path)
        return survey(open_typed_table(source, source.columns, folder / "out"))

    return look


def findings(seen: Survey, target: str | None = "price") -> list[Finding]:
    return column_findings(Facts(seen, 0.7, {}, target))


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_is_found_and_its_column_left_out(
    look: Callable[..., Survey], what: str
) -> None:
    cells, short, sentence = PLANTED[what]
    first = {"planted": cells} if "row number" in what else {}
    found = findings(look(first | CLEAN | {"planted": cells}))
    assert [(each.left_out, each.short) for each in found] == [(("planted",), short)]
    assert sentence in found[0].what
    assert found[0].what.endswith(".")


def test_nothing_is_found_in_clean_data(look: Callable[..., Survey]) -> None:
    seen = look(CLEAN)
    facts = Facts(seen, 0.7, {}, "price")
    assert findings(seen) == []
    assert list(row_findings(facts)) == []
    assert list(target_findings(facts, 0.1)) == []
    assert list(hints(facts, ["size", "age", "zone"])) == []


@settings(max_examples=15)
@given(arrays(np.float64, (120, 3), elements=st.floats(-1e6, 1e6), unique=True))
def test_different_numbers_are_never_suspicious(
    look: Callable[..., Survey], cells: np.ndarray[Any, Any]
) -> None:
    seen = look({name: cells[:, j].tolist() for j, name in enumerate(["a", "b", "c"])})
    assert findings(seen, "c") == []
    assert seen.rows.repeats == 0


@settings(max_examples=15)
@given(st.permutations(range(2, 62)))
def test_an_id_in_any_order_is_told_by_its_name(
    look: Callable[..., Survey], order: list[int]
) -> None:
    y = [value * 0.37 % 13 for value in range(60)]
    for name, is_one in [("house_id", True), ("houseId", True), ("width", False), ("paid", False)]:
        found = findings(look({name: order, "y": y}), "y")
        assert [each.short for each in found] == (["row number"] if is_one else [])


def test_a_range_of_years_is_kept_and_told(look: Callable[..., Survey]) -> None:
    seen = look({"year": list(range(1900, 1900 + N)), **CLEAN})
    assert findings(seen) == []
    [hint] = hints(Facts(seen, 0.7, {}, "price"), ["year"])
    assert "year holds every whole number from 1900 to 2099" in hint.what


def test_rows_that_repeat_are_counted(look: Callable[..., Survey]) -> None:
    twice = {name: [*cells, *cells[:30]] for name, cells in CLEAN.items()}
    [found] = row_findings(Facts(look(twice), 0.7, {}, "price"))
    assert found.what == "30 of 230 rows repeat an earlier row in every column."


def test_codes_are_hinted_at_and_a_target_that_is_a_class(look: Callable[..., Survey]) -> None:
    seen = look(
        {**CLEAN, "price": [i % 3 for i in range(N)], "my code": [i % 7 // 2 for i in range(N)]}
    )
    facts = Facts(seen, 0.7, {}, "price")
    assert "only 3 different values" in next(target_findings(facts, 0.0)).what
    assert "C(`my code`)" in next(hints(facts, ["age", "my code"])).done


def test_a_skewed_positive_target_is_hinted_at(look: Callable[..., Survey]) -> None:
    facts = Facts(look(CLEAN), 0.7, {}, "price")
    assert "log(price)" in next(target_findings(facts, 5.0)).done
    negative = Facts(look({**CLEAN, "price": [-1.0, *CLEAN["price"][1:]]}), 0.7, {}, "price")
    assert list(target_findings(negative, 5.0)) == []


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (["a", "target", "b"], "target"),
        (["y", "x"], "y"),
        (["SalePrice_usd", "median_house_value", "b"], "median_house_value"),
        (["Total Cost", "weight"], "Total Cost"),
        (["a", "b", "c"], "c"),
    ],
)
def test_a_target_is_guessed_by_its_name_or_is_the_last_number(
    look: Callable[..., Survey], names: list[str], target: str
) -> None:
    seen = look(
        {name: CLEAN["size"][j:] + CLEAN["size"][:j] for j, name in enumerate(names)}
        | {"t": CLEAN["zone"]}
    )
    assert guess_target(seen, {}, Path("table.csv"))[0] == target


def test_a_likely_target_that_is_text_is_refused_rather_than_passed_over(
    look: Callable[..., Survey],
) -> None:
    seen = look({**CLEAN, "price": [f"${price}" for price in CLEAN["price"]]})
    with pytest.raises(
        UserError, match=r"column price: must be a number to be predicted; found '\$.*row 1; write"
    ):
        guess_target(seen, {"price": "numbers as text"}, Path("table.csv"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("nothing", "there is no such column; found size, age, zone, price, one"),
        ("zone", "must be a number to be predicted"),
        ("one", "leaves nothing to predict; found 1 in every row"),
    ],
)
def test_what_cannot_be_predicted_is_refused(
    look: Callable[..., Survey], column: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        require_target(look({**CLEAN, "one": [1] * N}), column, "table.csv")
