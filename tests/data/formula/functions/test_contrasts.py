import numpy as np
import patsy
import pytest

from linreg.data.formula.functions.contrasts import coding_matrix, column_names
from linreg.errors import UserError

LEVELS = list("abcdefg")
THEIRS = {"sum": patsy.Sum, "helmert": patsy.Helmert, "diff": patsy.Diff, "poly": patsy.Poly}


@pytest.mark.parametrize("num_levels", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("contrast", THEIRS)
def test_matrix_and_names_are_those_of_patsy(contrast: str, num_levels: int) -> None:
    """Measured: 0, but 9e-16 for poly, which patsy rounds."""
    levels = LEVELS[:num_levels]
    theirs = THEIRS[contrast]().code_without_intercept(levels)
    ours = coding_matrix(contrast, num_levels)
    np.testing.assert_allclose(ours, theirs.matrix, atol=2e-15 if contrast == "poly" else 0)
    assert column_names("g", contrast, levels) == [f"g{each}" for each in theirs.column_suffixes]


@pytest.mark.slow
def test_polynomial_contrasts_are_those_that_r_prints_and_orthonormal() -> None:
    """R: contr.poly(4)."""
    expected = [
        [-0.6708204, 0.5, -0.2236068],
        [-0.2236068, -0.5, 0.6708204],
        [0.2236068, -0.5, -0.6708204],
        [0.6708204, 0.5, 0.2236068],
    ]
    np.testing.assert_allclose(coding_matrix("poly", 4), expected, atol=5e-8)
    many = coding_matrix("poly", 60)
    np.testing.assert_allclose(many.T @ many, np.eye(59), atol=1e-14)


def test_polynomials_of_many_levels_are_refused_as_in_r() -> None:
    with pytest.raises(UserError, match=r"contr\.poly has at most 96 levels"):
        coding_matrix("poly", 97)
