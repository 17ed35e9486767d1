from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.fit.model import LinearModel
from linreg.tracking.mlflow.required_columns import required_columns, required_columns_markdown

Learn = Callable[..., Design]


def a_model(learn: Learn, **columns: Sequence[object]) -> LinearModel:
    """A model with a term for each column."""
    num_rows = len(next(iter(columns.values())))
    rows = pa.table({**columns, "y": np.arange(num_rows) / 2})
    design = learn(f"y ~ {' + '.join(columns)}", rows)
    return LinearModel(design, np.ones(len(design.names)), 0.5, {})


def levels(number: int) -> list[str]:
    return [f"level{i:02}" for i in range(number)]


def test_a_number_is_described_by_its_range_and_a_category_by_its_levels(learn: Learn) -> None:
    model = a_model(learn, x=[0.25, 1234567.0, -3.0], g=["b", "a", "b"])
    assert required_columns(model) == {
        "x": "number, from -3 to 1.23457e+06 in training",
        "g": "category of string: a, b",
    }


def test_twenty_levels_are_all_named(learn: Learn) -> None:
    description = required_columns(a_model(learn, g=levels(20)))["g"]
    assert description == f"category of string: {', '.join(levels(20))}"


def test_of_more_levels_the_first_twenty_are_named_and_the_others_counted(learn: Learn) -> None:
    description = required_columns(a_model(learn, g=levels(21)))["g"]
    assert description == f"category of string: {', '.join(levels(20))}, … (21 levels)"


def test_the_page_has_the_formula_and_a_line_for_each_column(learn: Learn) -> None:
    model = a_model(learn, x=[0.0, 1.0, 0.0], g=["b", "a*", "b"])
    assert required_columns_markdown(model) == (
        "`y ~ x + g`\n\n- `x`: number, from 0 to 1 in training\n- `g`: category of string: a\\*, b"
    )


def page(names: Sequence[str], ranges: Mapping[str, float]) -> str:
    lines = [
        f"`y ~ {' + '.join(names)}`",
        "",
        *(f"- `{name}`: number, from 0 to {ranges[name]:g} in training" for name in names),
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("most", "length", "is_shown"), [(1.0, 4001, True), (11.0, 4002, False), (1.0, 4003, False)]
)
def test_columns_are_listed_up_to_4000_characters_apart_from_the_last_end_of_line(
    learn: Learn, most: float, length: int, is_shown: bool
) -> None:
    ranges = {"b": 1.0, "cc": most}
    # The name of the first column is in the formula and in its line.
    pad = "a" * ((length - len(page(["", "b", "cc"], ranges | {"": 1.0}))) // 2)
    names, ranges = [pad, "b", "cc"], ranges | {pad: 1.0}
    expected = page(names, ranges)
    assert len(expected) == length
    model = a_model(learn, **{name: [0.0, ranges[name], 0.25 * i] for i, name in enumerate(names)})
    if not is_shown:
        *lines, _ = expected.splitlines()
        expected = "\n".join([*lines, "- … and more columns: see `metadata` in MLmodel"])
    assert required_columns_markdown(model) == expected
