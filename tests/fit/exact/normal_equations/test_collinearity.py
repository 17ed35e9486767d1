import pytest

from linreg.fit.exact.normal_equations.collinearity import (
    collinear_error,
    format_linear_combination,
)


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({}, "0"),
        ({"": 5.0}, "5"),
        ({"": -5.0}, "−5"),
        ({"": 1.0, "x1": -1.0}, "1 − x1"),
        ({"x1": 2.0}, "2·x1"),
        ({"x1": -1.0, "x2": 1.0}, "−x1 + x2"),
        ({"x1": -2.5, "x2": -1.0}, "−2.5·x1 − x2"),
        ({"": -7.0, "x1": 1 / 3, "x2": -0.5}, "−7 + 0.333333·x1 − 0.5·x2"),
        ({"x2": 1e-200}, "1e-200·x2"),
        ({"x1": 1.0000001}, "x1"),
    ],
)
def test_a_linear_combination_as_text(terms: dict[str, float], text: str) -> None:
    assert format_linear_combination(terms) == text


def test_the_error_names_every_collinear_column_and_what_to_do() -> None:
    assert str(collinear_error({"x2": "2·x1", "x4": "1 − x3"})) == (
        "the training rows: column x2, x4: is collinear with columns before it; found x2 = 2·x1, "
        "x4 = 1 − x3; leave it out of model.formula, or set train.collinear: drop"
    )
