from collections.abc import Callable
from typing import Any

import numpy as np
import patsy
import pytest
from scipy.interpolate import BSpline

from linreg.data.formula.functions.splines import SplineKnots, b_splines, natural_splines
from linreg.errors import UserError
from tests.data.formula.functions.learned import learn

X = np.random.default_rng(4).normal(size=300)
HEIGHT = np.arange(58.0, 73.0)
# R 4: ns(women$height, df = 5), the example of ?ns, rows 2, 5, 8, 11 and 15.
NATURAL = {
    1: [7.592323e-03, 0.000000e00, -0.08670223, 0.26010669, -0.1734044626],
    4: [4.334305e-01, 1.311953e-02, -0.13244035, 0.39732106, -0.2648807067],
    7: [4.791667e-01, 4.791667e-01, 0.01406302, 0.02031093, -0.0135406187],
    10: [1.311953e-02, 4.334305e-01, 0.48059836, 0.12526031, -0.0524087186],
    14: [0.000000e00, 0.000000e00, -0.14285714, 0.42857143, 0.7142857143],
}


@pytest.mark.parametrize(("df", "degree"), [(3, 3), (6, 3), (5, 2), (4, 1), (9, 5)])
def test_b_splines_are_those_of_patsy_and_beyond_the_range_those_of_scipy(
    df: int, degree: int
) -> None:
    """Measured: 0 and 1e-13."""
    learned = learn(SplineKnots("bs(x)", None, df - degree, None), X)
    theirs = patsy.dmatrix(f"bs(x, df={df}, degree={degree}) - 1", {"x": X})
    np.testing.assert_allclose(np.array(b_splines(X, learned, degree)).T, theirs, atol=1e-14)
    low, high = learned["boundary"]
    knots = [low] * (degree + 1) + learned["knots"] + [high] * (degree + 1)
    scipys = BSpline(np.array(knots), np.eye(df + 1), degree, extrapolate=True)
    beyond = np.linspace(low - 1, high + 1, 50)
    ours = np.array(b_splines(beyond, learned, degree)).T
    np.testing.assert_allclose(ours, scipys(beyond)[:, 1:], rtol=1e-11, atol=1e-11)


def test_natural_splines_are_those_that_r_prints() -> None:
    learned = learn(SplineKnots("ns(height)", None, 4, None), HEIGHT)
    columns = np.array(natural_splines(HEIGHT, learned)).T
    for row, expected in NATURAL.items():
        np.testing.assert_allclose(columns[row], expected, atol=6e-9)


def test_natural_splines_are_straight_beyond_the_range_and_span_patsys_cubic_splines() -> None:
    learned = learn(SplineKnots("ns(x)", None, 3, None), X)
    low, high = learned["boundary"]
    for end, step in ((low, -0.5), (high, 0.5)):
        beyond = end + step * np.arange(4)
        columns = np.array(natural_splines(beyond, learned))
        np.testing.assert_allclose(np.diff(columns, 2), 0, atol=1e-12)
        # The slope there is the one just inside.
        inside = np.array(natural_splines(end - np.array([0, 1e-6]) * step, learned))
        slope = -np.diff(inside)[:, 0] / (1e-6 * step)
        np.testing.assert_allclose(np.diff(columns)[:, 0] / step, slope, atol=1e-4)
    knots = learned["knots"]
    theirs = np.asarray(
        patsy.dmatrix(
            "cr(x, knots=knots, lower_bound=low, upper_bound=high) - 1",
            {"x": X, "knots": knots, "low": low, "high": high},
        )
    )
    ours = np.column_stack([np.ones(len(X)), *natural_splines(X, learned)])
    projected = theirs @ np.linalg.lstsq(theirs, ours)[0]
    np.testing.assert_allclose(projected, ours, atol=1e-12)


def test_the_knots_are_the_same_over_any_chunks_and_processes(
    together: Callable[..., list[Any]],
) -> None:
    alone = learn(SplineKnots("bs(x)", None, 4, None), X)
    assert learn(SplineKnots("bs(x)", None, 4, None), *np.array_split(X, 9)) == alone
    parts = (X[:5], X[:0], X[5:])
    found = together(
        3, lambda w: learn(SplineKnots("bs(x)", None, 4, None), parts[w.rank], workers=w)
    )
    assert found == [alone] * 3
    np.testing.assert_allclose(alone["knots"], np.quantile(X, [0.2, 0.4, 0.6, 0.8]), rtol=1e-14)


def test_knots_that_the_formula_names_are_taken_and_have_to_lie_within_the_range() -> None:
    assert learn(SplineKnots("bs(x)", (1.0, 0.0), 2, (-9.0, 9.0)), X) == {
        "knots": [0.0, 1.0],
        "boundary": [-9.0, 9.0],
    }
    for knots, values in (((7.0,), X), (None, np.zeros(9)), (None, np.repeat([0.0, 1.0], [99, 1]))):
        with pytest.raises(UserError, match="must have knots that differ and lie within"):
            learn(SplineKnots("bs(x)", knots, 1, None), values)
