"""NIST's Filip, a polynomial of degree 10 whose powers are nearly collinear, from x and y alone.

The certified values are those of NIST's Statistical Reference Datasets.
"""

from collections.abc import Callable
from pathlib import Path

import pyarrow.csv
import pytest

from linreg.data.formula.design import Design
from linreg.evaluation.inference import Inference, infer
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.reference import ExactReference

FILIP = Path(__file__).parents[2] / "data/formula/functions/filip.csv"
RESIDUAL_SD, R_SQUARED = 0.334801051324544e-02, 0.996727416185620
COEFFICIENTS = {
    "b": -1467.48961422980,
    "x": -2772.17959193342,
    "I(x ** 10)": -0.402962525080404e-04,
}


def fit(learn: Callable[..., Design], terms: str) -> Inference:
    table = pyarrow.csv.read_csv(FILIP)
    design = learn(f"y ~ {terms}", table)
    moments = Moments.zero(len(design.names), roundoffs=design.roundoffs)
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


def test_powers_that_are_rounded_have_8_of_them(learn: Callable[..., Design]) -> None:
    """Measured: 7.9 digits of the coefficients, 8.5 of the residual standard deviation."""
    found = fit(learn, " + ".join(["x", *(f"I(x^{power})" for power in range(2, 11))]))
    assert found.sigma == pytest.approx(RESIDUAL_SD, rel=1e-8)
    estimates = {each.name: each.estimate for each in found.coefficients}
    for name, certified in COEFFICIENTS.items():
        assert estimates[name] == pytest.approx(certified, rel=3e-8)
