"""NIST's Filip, a polynomial of degree 10 whose powers are nearly collinear, from x and y alone.

The certified values are those of NIST's Statistical Reference Datasets.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest

from linreg.data.formula.design import Design
from linreg.evaluation.inference import Inference, infer
from linreg.fit.exact.moment_sums.any_moments import no_moments
from linreg.fit.exact.reference import ExactReference
from tests.fit.exact.powers import exact_polynomial, least_digits, powers_of

FILIP = Path(__file__).parents[2] / "data/formula/functions/filip.csv"
RESIDUAL_SD, R_SQUARED = 0.334801051324544e-02, 0.996727416185620
COEFFICIENTS = (
    (-1467.48961422980, 298.084530995537),
    (-2772.17959193342, 559.779865474950),
    (-2316.37108160893, 466.477572127796),
    (-1127.97394098372, 227.204274477751),
    (-354.478233703349, 71.6478660875927),
    (-75.1242017393757, 15.2897178747400),
    (-10.8753180355343, 2.23691159816033),
    (-1.06221498588947, 0.221624321934227),
    (-0.670191154593408e-01, 0.142363763154724e-01),
    (-0.246781078275479e-02, 0.535617408889821e-03),
    (-0.402962525080404e-04, 0.896632837373868e-05),
)
"""Estimates and their standard errors, by degree."""


def numbers(found: Inference) -> tuple[list[float], list[float]]:
    """The coefficients by degree, and their standard errors."""
    errors = [each.classical.standard_error for each in found.coefficients]
    estimates = [each.estimate for each in found.coefficients]
    return estimates, [error for error in errors if error is not None]


def fit(learn: Callable[..., Design], terms: str) -> Inference:
    table = pyarrow.csv.read_csv(FILIP)
    design = learn(f"y ~ {terms}", table)
    moments = no_moments(design.layout, roundoffs=design.roundoffs)
    moments.add(design.matrix(table), design.target(table))
    solution = ExactReference.from_moments(moments, design.names, intercept=True).solution
    return infer(solution, 0.95)


def test_orthogonal_polynomials_have_the_certified_digits(learn: Callable[..., Design]) -> None:
    """Measured: 15 digits of both, as many as are certified."""
    found = fit(learn, "poly(x, 10)")
    assert found.sigma == pytest.approx(RESIDUAL_SD, rel=3e-15)
    assert found.r2 == pytest.approx(R_SQUARED, rel=3e-15)
    assert found.condition == pytest.approx(1, abs=1e-12)
    assert found.digits == 15


@pytest.mark.parametrize("terms", [powers_of(10), "poly(x, 10, raw=TRUE)"])
def test_powers_have_them_too(learn: Callable[..., Design], terms: str) -> None:
    """Measured: 13.9 digits of the coefficients, 14.3 of their errors, 14.7 of σ, 15 of R²."""
    found = fit(learn, terms)
    estimates, errors = numbers(found)
    certified, their_errors = zip(*COEFFICIENTS, strict=True)
    np.testing.assert_allclose(estimates, certified, rtol=2e-14)
    np.testing.assert_allclose(errors, their_errors, rtol=1e-14)
    assert found.sigma == pytest.approx(RESIDUAL_SD, rel=4e-15)
    assert found.r2 == pytest.approx(R_SQUARED, rel=2e-15)
    assert found.digits >= 11


def test_the_digits_of_powers_are_no_chance(learn: Callable[..., Design]) -> None:
    """Against mpmath, which has more digits than are certified."""
    table = pyarrow.csv.read_csv(FILIP)
    exact = exact_polynomial(table["x"].to_numpy(), table["y"].to_numpy(), 10)
    estimates, errors = numbers(fit(learn, powers_of(10)))
    assert least_digits(estimates, exact.coefficients) > 13.5
    assert least_digits(errors, exact.standard_errors) > 14
