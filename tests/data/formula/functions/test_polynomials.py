from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pytest
from formulaic.transforms.poly import poly
from mpmath import mp, mpf

from linreg.arrays import Floats
from linreg.data.formula.functions.polynomials import (
    OrthogonalPolynomials,
    orthogonal_polynomials,
    raw_polynomials,
)
from linreg.errors import UserError
from tests.data.formula.functions.learned import learn

FILIP = Path(__file__).parent / "filip.csv"
RANDOM = np.random.default_rng(3)
VALUES = {
    "normal": RANDOM.normal(size=500),
    "far from 0": 1e6 + RANDOM.uniform(size=300),
    "skewed": np.exp(RANDOM.normal(size=400)),
    "integers": np.arange(20.0),
}


@pytest.mark.parametrize("x", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("degree", [1, 4, 8])
def test_the_columns_are_orthonormal_and_those_of_formulaic(x: Floats, degree: int) -> None:
    """Measured: 1e-10 of formulaic, which loses digits far from 0; of the exact ones see below."""
    learned = learn(OrthogonalPolynomials("poly(x)", degree), x)
    columns = np.array(orthogonal_polynomials(x, learned))
    np.testing.assert_allclose(columns @ columns.T, np.eye(degree), atol=1e-11)
    np.testing.assert_allclose(columns.sum(axis=1), 0, atol=1e-11)
    np.testing.assert_allclose(columns, np.asarray(poly(x, degree)).T, atol=1e-9)


def test_far_from_0_no_digit_is_lost() -> None:
    """Measured: 2e-16, against a QR decomposition with 60 digits."""
    x = VALUES["far from 0"]
    columns = orthogonal_polynomials(x, learn(OrthogonalPolynomials("poly(x)", 4), x))
    with mp.workdps(60):
        powers = [[(mpf(value) - 1_000_000) ** k for k in range(5)] for value in x.tolist()]
        Q, R = mp.qr(mp.matrix(powers), mode="skinny")
        for k, column in enumerate(columns, start=1):
            exact = [float(mp.sign(R[k, k]) * Q[i, k]) for i in range(len(x))]
            np.testing.assert_allclose(column, exact, atol=1e-15)


def test_the_values_are_those_that_r_prints() -> None:
    """R 4: poly(1:10, 3), columns 1 and 2."""
    x = np.arange(1.0, 11.0)
    columns = orthogonal_polynomials(x, learn(OrthogonalPolynomials("poly(x, 3)", 3), x))
    np.testing.assert_allclose(
        columns[0][:5], [-0.49543369, -0.38533732, -0.27524094, -0.16514456, -0.05504819], atol=5e-9
    )
    np.testing.assert_allclose(
        columns[1][:5], [0.52223297, 0.17407766, -0.08703883, -0.26111648, -0.34815531], atol=5e-9
    )


def test_what_is_learned_is_the_same_to_the_last_bit_over_any_chunks_and_processes(
    together: Callable[..., list[Any]],
) -> None:
    x = VALUES["skewed"]
    alone = learn(OrthogonalPolynomials("p", 5), x)
    assert learn(OrthogonalPolynomials("p", 5), *np.array_split(x, 7)) == alone
    assert learn(OrthogonalPolynomials("p", 5), x[::-1].copy()) == alone
    parts = (x[:7], x[:0], x[7:])
    found = together(3, lambda w: learn(OrthogonalPolynomials("p", 5), parts[w.rank], workers=w))
    assert found == [alone] * 3


@pytest.mark.parametrize("x", [[], [2.0, 2.0, 2.0], [1.0, 2.0, 2.0, 1.0]])
def test_too_few_different_values_are_an_error(x: list[float]) -> None:
    with pytest.raises(UserError, match=r"poly\(x, 2\): must have more than 2 clearly different"):
        learn(OrthogonalPolynomials("poly(x, 2)", 2), np.array(x))


def test_raw_powers_are_multiplied_out() -> None:
    x = np.array([1.5, -2.0, 3.0])
    assert np.array_equal(raw_polynomials(x, 3), [x, x * x, x * x * x])


def test_the_columns_span_what_filip_needs_to_the_last_digits() -> None:
    """NIST's Filip: projecting y on the columns predicts as the exact polynomial of degree 10."""
    table = pyarrow.csv.read_csv(FILIP)
    x, y = (table.column(name).to_numpy() for name in ("x", "y"))
    columns = orthogonal_polynomials(x, learn(OrthogonalPolynomials("p", 10), x))
    predicted = np.full(82, y.mean()) + sum(column * (column * y).sum() for column in columns)
    with mp.workdps(100):
        powers = mp.matrix([[mpf(value) ** k for k in range(11)] for value in x.tolist()])
        target = mp.matrix(y.tolist())
        coefficients = mp.lu_solve(powers.T * powers, powers.T * target)
        assert mp.nstr(coefficients[0], 15) == "-1467.48961422979"
        exact = [float(value) for value in powers * coefficients]
    np.testing.assert_allclose(predicted, exact, rtol=1e-14)
