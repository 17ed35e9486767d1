"""The part of a formula behind `|`."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula import design_info
from linreg.data.formula.compact_matrix import AbsorbedFactor, CompactMatrix
from linreg.data.formula.design import Design
from linreg.data.formula.formula import parse_formula
from linreg.errors import UserError

NAMES = ["y", "x", "z", "firm", "year"]
TABLE = pa.table(
    {
        "y": [1.0, 2.0, 3.0, 4.0],
        "x": [0.5, 0.25, 2.0, 1.0],
        "zone": ["n", "s", "n", "s"],
        "firm": ["a", "b", "a", "c"],
        "year": [1990, 1991, 1990, 1992],
    }
)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("y ~ 0 + x | C(firm)", "y ~ x | firm"),
        ("y ~ . | firm + firm", "y ~ x + z + year | firm"),
        ("y ~ 1 | `sales area`", "y ~ 1 | `sales area`"),
        ("log(y) ~ x:C(firm) | firm", "log(y) ~ x:C(firm) | firm"),
    ],
)
def test_the_written_out_formula_is_the_same_formula(text: str, same: str) -> None:
    parsed = parse_formula(text, NAMES)
    assert str(parsed) == same
    assert parse_formula(same, []) == parsed
    assert not parsed.intercept


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("y ~ x | firm | year", "there is more than one |"),
        ("y ~ x | firm:year", "behind | stand names of columns"),
        ("y ~ x | C(firm, 'a')", "behind | stand names of columns"),
        ("y ~ x |", "it ends where a name should follow"),
        ("y ~ | firm", "it ends where a name should follow"),
        ("y ~ x + C(firm) | firm", "firm is absorbed, and so cannot be a term too"),
        ("y ~ (1 | firm)", "| is no operator of terms"),
        ("y ~ x | y", "has its target among the features"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(UserError) as error:
        parse_formula(text, NAMES)
    assert why in str(error.value)


def test_absorbed_factors_are_the_first_columns_as_codes(learn: Callable[..., Design]) -> None:
    design = learn("y ~ x + zone | firm + year", TABLE)
    assert design.absorbed == (AbsorbedFactor("firm", 3, 0, 3), AbsorbedFactor("year", 3, 3, 2))
    assert design.reported_names == ("x", "zone[T.s]")
    assert design.reference_levels == {"zone": "n"}
    X = design.matrix(TABLE)
    assert isinstance(X, CompactMatrix)
    expected = [
        [1, 0, 0, 0, 0, 0.5, 0],
        [0, 1, 0, 1, 0, 0.25, 1],
        [1, 0, 0, 0, 0, 2.0, 0],
        [0, 0, 1, 0, 1, 1.0, 1],
    ]
    np.testing.assert_array_equal(X.to_array(), expected)
    effects = design.level_effects(np.arange(1.0, 8.0))
    assert effects == {
        "firm": {"a": 1.0, "b": 2.0, "c": 3.0},
        "year": {1990: 0.0, 1991: 4.0, 1992: 5.0},
    }


def test_a_product_with_an_absorbed_factor_leaves_out_what_that_spans(
    learn: Callable[..., Design],
) -> None:
    design = learn("y ~ x:C(year) + zone:firm | firm", TABLE)
    assert design.reported_names == (
        *(f"x:C(year)[{year}]" for year in (1990, 1991, 1992)),
        *(f"zone[T.s]:firm[{firm}]" for firm in "abc"),
    )


def test_an_unseen_level_has_no_place_even_where_others_get_the_reference_level(
    learn: Callable[..., Design],
) -> None:
    design = learn("y ~ x + zone | year + firm", TABLE, unseen="base")
    assert design.schema.columns_with_base == {"zone"}
    other = TABLE.slice(0, 1).set_column(3, "firm", [["d"]])
    with pytest.raises(UserError, match="column firm: holds a level"):
        design.matrix(other)


def test_absorbed_factors_may_have_more_levels_than_there_are_columns(
    learn: Callable[..., Design], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(design_info, "MOST_COLUMNS", 2)
    assert len(learn("y ~ x | firm", TABLE).names) == 4
    with pytest.raises(UserError, match="makes more than 2 columns"):
        _ = learn("y ~ x + C(firm)", TABLE).names
    monkeypatch.setattr(design_info, "MOST_LEVELS", 2)
    with pytest.raises(UserError, match="makes more than 2 columns"):
        _ = learn("y ~ x | firm", TABLE).names
