"""Design matrices with categories of many levels against the columns that pandas makes of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from linreg.arrays import Floats
from linreg.data.formula import design_info
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.compact_matrix import CompactMatrix, as_array
from linreg.data.formula.design import Design
from linreg.errors import UserError

Learn = Callable[..., Design]

RANDOM = np.random.default_rng(3)
N = 1500
FRAME = pd.DataFrame(
    {
        "y": RANDOM.normal(size=N),
        "x": RANDOM.normal(size=N),
        "g": [f"l{level:03d}" for level in RANDOM.integers(0, 200, N)],
        "k": RANDOM.integers(-20, 30, N),
        "h": RANDOM.choice(list("abcde"), N),
        # Level by level: 1 to 12 rows each.
        "rare": [f"r{level:03d}" for level in np.repeat(range(300), np.arange(300) % 12 + 1)[:N]],
    }
).astype({"g": "str", "h": "str", "rare": "str"})
TABLE = pa.table({name: pa.array(FRAME[name].tolist()) for name in FRAME})


def dummies(name: str, prefix: str | None = None, base: Any = None) -> dict[str, Floats]:
    """The indicators of all levels but the reference level, by the names that they have in X.

    base  the reference level: None for the first, False for none
    """
    columns = pd.get_dummies(FRAME[name], dtype=float)
    if base is not False:
        columns = columns.drop(columns=columns.columns[0] if base is None else base)
    mark = "" if base is False else "T."
    return {f"{prefix or name}[{mark}{level}]": columns[level].to_numpy() for level in columns}


def number(name: str) -> dict[str, Floats]:
    return {name: FRAME[name].to_numpy(float)}


def interaction(a: str, b: str) -> dict[str, Floats]:
    """Of a number with the levels of a category but the first, whose own column is in X."""
    return {f"{a}:{name}": FRAME[a].to_numpy() * column for name, column in dummies(b).items()}


EXPECTED: list[tuple[str, dict[str, Floats], list[int]]] = [
    ("y ~ g", dummies("g"), [199]),
    ("y ~ x + g", number("x") | dummies("g"), [199]),
    ("y ~ g + x", dummies("g") | number("x"), [199]),
    ("y ~ 0 + g + x", dummies("g", base=False) | number("x"), [200]),
    ("y ~ 0 + x + g", number("x") | dummies("g", base=False), [200]),
    ('y ~ C(g, "l007") + x', dummies("g", "C(g, 'l007')", "l007") | number("x"), [199]),
    ("y ~ x + g + C(k)", number("x") | dummies("g") | dummies("k", "C(k)"), [199, 49]),
    ("y ~ g + h + C(k, 3)", dummies("g") | dummies("h") | dummies("k", "C(k, 3)", 3), [199, 49]),
    ("y ~ 0 + h + g", dummies("h", base=False) | dummies("g"), [199]),
    ("y ~ rare + x", dummies("rare") | number("x"), [len(set(FRAME["rare"])) - 1]),
    (
        "y ~ h + g + x + x:g",
        dummies("h") | dummies("g") | number("x") | interaction("x", "g"),
        [199],
    ),
]


@pytest.mark.parametrize(("formula", "columns", "sizes"), EXPECTED)
def test_the_design_is_the_one_that_pandas_makes(
    learn: Learn, formula: str, columns: dict[str, Floats], sizes: list[int]
) -> None:
    design = learn(formula, TABLE)
    X = design.matrix(TABLE)
    assert isinstance(X, CompactMatrix)
    assert list(design.names) == list(columns)
    assert [category.size for category in design.layout.categories] == sizes
    np.testing.assert_array_equal(X.to_array(), np.column_stack([*columns.values()]))
    assert X.layout == design.layout


@pytest.mark.parametrize("formula", ["y ~ x + h", "y ~ x:g", "y ~ h + C(k)", "y ~ 0 + h:g"])
def test_few_columns_and_interactions_are_an_array(learn: Learn, formula: str) -> None:
    design = learn(formula, TABLE)
    X = design.matrix(TABLE)
    assert isinstance(X, np.ndarray)
    assert design.layout.categories == ()
    assert design.layout.num_features == X.shape[1] == len(design.names)


def test_the_matrix_is_that_of_a_design_that_keeps_all_zeros(
    learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    formula = "y ~ C(k)*x + g + h:x"
    compact = learn(formula, TABLE)
    found = compact.matrix(TABLE)
    monkeypatch.setattr(design_info, "WIDE", 10**9)
    expected = learn(formula, TABLE)
    assert isinstance(expected.matrix(TABLE), np.ndarray)
    np.testing.assert_array_equal(as_array(found), expected.matrix(TABLE))
    assert compact.names == expected.names
    np.testing.assert_array_equal(compact.roundoffs, expected.roundoffs)


def test_the_columns_of_x_are_the_same_for_any_rows(learn: Learn) -> None:
    design = learn("y ~ x + g + C(k)", TABLE)
    X = as_array(design.matrix(TABLE))
    for rows in (slice(0, 1), slice(0, 0), slice(700, 900)):
        part = TABLE.slice(rows.start, rows.stop - rows.start)
        np.testing.assert_array_equal(as_array(design.matrix(part)), X[rows])


def test_rare_levels_are_one_column_and_unseen_levels_belong_to_it(learn: Learn) -> None:
    design = learn("y ~ x + rare", TABLE, pool=5)
    counts = FRAME["rare"].value_counts()
    kept = sorted(counts.index[counts >= 5])
    # The first level that is not pooled is the reference level.
    names = ["x", *(f"rare[T.{name}]" for name in kept[1:]), "rare[T.(other)]"]
    assert list(design.names) == names
    X = as_array(design.matrix(TABLE))
    is_pooled = ~FRAME["rare"].isin(kept).to_numpy()
    np.testing.assert_array_equal(X[:, -1], is_pooled)
    for j, name in enumerate(kept[1:], start=1):
        np.testing.assert_array_equal(X[:, j], FRAME["rare"] == name)
    new = pa.table({"x": [1.0, 1.0, 1.0], "rare": ["never", kept[0], kept[3]]})
    found = as_array(design.matrix(new))
    assert [np.flatnonzero(row).tolist() for row in found] == [[0, len(names) - 1], [0], [0, 3]]


def test_an_unseen_level_is_an_error_or_the_reference_level(learn: Learn) -> None:
    new = pa.table({"x": [1.0, 2.0], "g": ["l003", "new"]})
    with pytest.raises(UserError, match="row 2: column g: holds a level that the training rows"):
        learn("y ~ x + g", TABLE).matrix(new)
    found = as_array(learn('y ~ x + C(g, "l005")', TABLE, unseen="base").matrix(new))
    assert [np.flatnonzero(row).tolist() for row in found] == [[0, 4], [0]]


def test_rows_with_errors_have_no_level(learn: Learn) -> None:
    design = learn("y ~ x + g", TABLE)
    new = pa.table({"x": [1.0, 2.0, 3.0], "g": ["l003", "new", None]})
    X, errors = design.matrix_and_errors(CoercedTable(new, {}))
    assert isinstance(X, CompactMatrix)
    assert X.codes[0].tolist() == [2, -1, -1]
    assert errors.invalid.tolist() == [False, True, True]


def test_a_category_of_one_level_before_a_large_one_has_no_column(learn: Learn) -> None:
    table = TABLE.append_column("one", pa.array(["only"] * N))
    found = learn("y ~ one + g + x", table)
    assert found.layout == learn("y ~ g + x", table).layout
    np.testing.assert_array_equal(
        as_array(found.matrix(table)), as_array(learn("y ~ g + x", table).matrix(table))
    )
    other = pa.table({"one": ["another"], "g": ["l003"], "x": [1.0]})
    with pytest.raises(UserError, match="column one: holds a level"):
        found.matrix(other)
