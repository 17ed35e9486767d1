import numpy as np
import pytest
import statsmodels.api as sm

from linreg.errors import UserError
from linreg.fit.exact.normal_equations.collinearity import (
    collinear_error,
    format_linear_combination,
)
from tests.fit.exact.fits import fit


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
    assert str(collinear_error({"x2": "2·x1"})) == (
        "the training rows: column x2: is collinear with columns before it; found x2 = 2·x1; "
        "leave it out of model.formula, or set train.collinear: drop"
    )
    assert str(collinear_error({"x2": "2·x1", "x4": "1 − x3"})) == (
        "the training rows: columns x2, x4: are collinear with columns before them; found x2 = "
        "2·x1, x4 = 1 − x3; leave them out of model.formula, or set train.collinear: drop"
    )


LEVELS = np.arange(40) % 4
X = np.column_stack([np.arange(40) * 7.0 % 11, *(k == LEVELS for k in (1, 2, 3))])
Y = np.sqrt(np.arange(40.0))


@pytest.mark.parametrize("level", [2, 3])
def test_a_level_of_rows_of_weight_0_is_named_or_left_out_as_by_statsmodels(level: int) -> None:
    w = np.where(level == LEVELS, 0.0, 1.0 + np.arange(40) % 3)
    with pytest.raises(UserError) as error:
        fit(X, Y, w=w)
    assert str(error.value) == (
        f"the training rows: column x{level + 1}: is 0 in all rows with a weight above 0; leave "
        "out the rows of weight 0 by ingest.where, or set train.collinear: drop"
    )
    found = fit(X, Y, w=w, collinear="drop")
    theirs = sm.WLS(Y[w > 0], sm.add_constant(np.delete(X, level, axis=1))[w > 0], w[w > 0]).fit()
    kept = [j for j in range(5) if j != level + 1]
    np.testing.assert_allclose(np.array([found.b, *found.theta])[kept], theirs.params, rtol=1e-10)
    np.testing.assert_allclose(found.standard_errors[kept], theirs.bse, rtol=1e-10)
    assert (found.theta[level], found.df) == (0, theirs.df_resid)


def test_without_the_reference_level_the_rows_that_count_are_named() -> None:
    w = np.where(LEVELS == 0, 0.0, 1.0)
    with pytest.raises(UserError) as error:
        fit(X, Y, w=w)
    assert str(error.value).startswith(
        "the training rows with a weight above 0: column x4: is collinear with columns before it; "
        "found x4 = 1 − x2 − x3;"
    )
    with pytest.raises(UserError, match=r"the training rows: column x2: is collinear.*x2 = 0"):
        fit(X[w == 0][:, :2], Y[w == 0])
