"""Polynomials from powers of a column have the digits that those of real numbers have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from mpmath import mp, mpf

from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import Rows
from linreg.data.split.folds import FoldsByRow
from linreg.errors import UserError
from linreg.files import read_document, write_document
from linreg.fit.cross_validation.fold_moments import fold_moments
from linreg.fit.exact.double_double.sum_numpy import MAX_PRODUCTS
from linreg.fit.exact.least_squares import FEW_DIGITS
from linreg.fit.exact.moment_sums.any_moments import no_moments
from linreg.fit.exact.moment_sums.gram import FRACTION_BITS
from linreg.fit.exact.projection import Projection
from linreg.fit.exact.reference import ExactReference, compute_moments
from linreg.fit.exact.solver import solve
from linreg.params.train import Train
from tests.fit.exact.powers import (
    Learn,
    digits_of,
    drawn,
    exact_polynomial,
    powers_of,
    shards_of_table,
)
from tests.fit.exact.test_reference import bits
from tests.fit.level_shards import compact_and_dense


def compute(shards: list[Rows], **params: Any) -> ExactReference:
    design = shards[0].design
    return ExactReference.compute(shards, design.names, design.schema.intercept, Train(**params))


@pytest.mark.parametrize(
    ("low", "high", "degree", "digits", "passes"),
    [
        (1000, 1010, 3, 15, 1),
        (1000, 1010, 5, 15, 2),
        (100, 110, 6, 15, 2),
        (1990, 2024, 4, 11, 1),
        (-8, -3, 10, 13, 1),
        (0, 1, 10, 15, 1),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_polynomial_has_the_digits_of_its_moments(
    tmp_path: Path,
    learn: Learn,
    low: float,
    high: float,
    degree: int,
    digits: int,
    passes: int,
    weighted: bool,
) -> None:
    """Measured: 15.8, 16, 15.8, 12, 13.9 and 16; of powers rounded to float64 8, 3, 6, 7, 6, 9.

    The moments themselves, solved by mpmath, have as many where one pass was enough.
    """
    table = drawn(low, high, degree)
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    w = table["w"].to_numpy() if weighted else None
    model = {"weights": "w"} if weighted else {}
    shards = shards_of_table(tmp_path, learn, table, f"y ~ {powers_of(degree)}", 2, 31, **model)
    found = compute(shards)
    assert (found.second is not None) == (passes == 2)
    exact = exact_polynomial(x, y, degree, w)
    assert min(digits_of(found.solution, exact)) > digits
    assert digits >= found.solution.digits >= FEW_DIGITS


def test_a_degree_beyond_the_moments_is_refused(tmp_path: Path, learn: Learn) -> None:
    """Lower powers leave 1e-17 of x⁶ in [1000, 1010], less than the 2^-51 that moments tell."""
    table = drawn(1000, 1010, 6)
    shards = shards_of_table(tmp_path, learn, table, f"y ~ {powers_of(6)}")
    assert list(compute(shards, collinear="drop").solution.dropped) == ["I(x ** 6)"]
    centered = " + ".join(["I(x - 1005)", *(f"I((x - 1005)**{k})" for k in range(2, 7))])
    (tmp_path / "centered").mkdir()
    found = compute(
        shards_of_table(tmp_path / "centered", learn, table, f"y ~ {centered}")
    ).solution
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    # The difference of these numbers is exact.
    assert min(digits_of(found, exact_polynomial(x - 1005, y, 6))) > 15


@pytest.mark.parametrize("weighted", [False, True])
def test_folds_have_the_digits_that_all_rows_have(
    tmp_path: Path, learn: Learn, weighted: bool
) -> None:
    """The models without a fold of consecutive rows, from one pass. Measured: 14.5 at least."""
    degree, table = 6, drawn(10, 20, 6, 200)
    x, y, w = (table[name].to_numpy() for name in "xyw")
    model = {"weights": "w"} if weighted else {}
    shards = shards_of_table(tmp_path, learn, table, f"y ~ {powers_of(degree)}", 2, 41, **model)
    found = fold_moments(shards, FoldsByRow(4, "row", [rows.num_rows for rows in shards]))
    total = compute_moments(shards, degree)
    assert found.total.as_array().tobytes() == total.as_array().tobytes()
    for fold in range(4):
        others = np.arange(200) // 50 != fold
        weights = w[others] if weighted else None
        solution = solve(found.trained_on(fold), shards[0].design.names, True)
        exact = exact_polynomial(x[others], y[others], degree, weights)
        assert min(digits_of(solution, exact)) > 14


def test_a_missing_cell_has_the_powers_of_the_mean(learn: Learn) -> None:
    table = drawn(100, 110, 4)
    x = np.where(np.arange(120) % 7 == 0, np.nan, table["x"].to_numpy())
    table = table.set_column(0, "x", pa.array(x, from_pandas=True))
    design = learn(f"y ~ {powers_of(4)}", table, fill_missing=True)
    moments = no_moments(design.layout, roundoffs=design.roundoffs)
    moments.add(design.matrix(table), design.target(table))
    found = ExactReference.from_moments(moments, design.names, True).solution
    filled = np.where(np.isnan(x), design.means["x"], x)
    assert min(digits_of(found, exact_polynomial(filled, table["y"].to_numpy(), 4))) > 13


def test_neither_workers_nor_row_groups_change_a_bit(
    tmp_path: Path, learn: Learn, together: Callable[..., list[Any]]
) -> None:
    table, formula = drawn(100, 110, 6), f"y ~ {powers_of(6)}"
    expected = compute(shards_of_table(tmp_path, learn, table, formula, 3))
    assert expected.second
    shards = shards_of_table(tmp_path, learn, table, formula, 3, 17)
    params, names = Train(), shards[0].design.names
    for num_workers in (1, 3):
        for found in together(
            num_workers, lambda each: ExactReference.compute(shards, names, True, params, each)
        ):
            assert bits(found.solution) == bits(expected.solution)


def test_a_reference_with_powers_is_read_back_bit_for_bit(tmp_path: Path, learn: Learn) -> None:
    shards = shards_of_table(tmp_path, learn, drawn(100, 110, 6), f"y ~ {powers_of(6)}", 2)
    found = compute(shards)
    assert found.second
    found.write(tmp_path, "error")
    again = ExactReference.read(tmp_path)
    assert bits(again.solution) == bits(found.solution)
    assert again.solution.monomials == found.solution.monomials == shards[0].layout.monomials
    assert again.moments.as_array().tobytes() == found.moments.as_array().tobytes()

    document = read_document(tmp_path / "exact.json")
    for wrong in ([], [[5, [0, 99]]], [[1, "x"]], 3):
        write_document(tmp_path / "exact.json", document | {"monomials": wrong})
        with pytest.raises(UserError, match="is damaged"):
            ExactReference.read(tmp_path)


@pytest.mark.parametrize("expected_rows", [0, MAX_PRODUCTS])
def test_residuals_and_leverages_are_those_of_the_powers(
    tmp_path: Path, learn: Learn, expected_rows: int
) -> None:
    """Against mpmath. Of rounded powers they are 0.001 of σ and 0.003 of a leverage off."""
    degree, table = 5, drawn(1000, 1010, 5)
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    [shard] = shards_of_table(tmp_path, learn, table, f"y ~ {powers_of(degree)}")
    solution = compute([shard]).solution
    projection = Projection(solution, expected_rows)
    X = as_array(shard.chunk(0).X)
    residuals = np.ldexp(projection.residuals(X, y), solution.exponents[-1])
    q, a = projection.project(X)
    assert q.shape == a.shape == (degree + 1, len(x))
    exact = exact_polynomial(x, y, degree)
    with mp.workdps(100):
        powers = [[mpf(value) ** k for k in range(degree + 1)] for value in x.tolist()]
        values = [mp.fdot(row, exact.coefficients) for row in powers]
        true = np.array([float(mpf(t) - v) for t, v in zip(y.tolist(), values, strict=True)])
        Q, _ = mp.qr(mp.matrix(powers), mode="skinny")
        of_rows = [float(mp.fsum(Q[i, k] ** 2 for k in range(degree + 1))) for i in range(len(x))]
    np.testing.assert_allclose(residuals, true, atol=1e-14)
    np.testing.assert_allclose((q * q).sum(axis=0), of_rows, rtol=1e-13)


@pytest.mark.slow
def test_beside_a_category_of_many_levels_the_powers_are_exact_too(
    tmp_path: Path, learn: Learn
) -> None:
    """By level, in two passes: the fit with a column for every level, and with an absorbed one."""
    table = drawn(100, 110, 6, 600)
    levels = np.random.default_rng(4).permutation(np.arange(600) % 130)
    table = table.append_column("g", pa.array([f"g{level:03d}" for level in levels]))
    compact, dense = compact_and_dense(tmp_path, learn, table, f"y ~ {powers_of(6)} + g", 2, 131)
    found, expected = compute(compact), compute(dense)
    assert found.solution.levels
    assert found.second
    assert expected.second
    ours, theirs = found.solution, expected.solution
    np.testing.assert_allclose(ours.theta[:6], theirs.theta[:6], rtol=1e-13)
    np.testing.assert_allclose(ours.standard_errors, theirs.standard_errors, rtol=1e-13)
    grams = [each.moments.gram() for each in (found, expected)]
    for row, their_row in zip(grams[0].rows, grams[1].rows, strict=True):
        for a, b in zip(row, their_row, strict=True):
            # The lengths of scaled columns are at most 2.
            assert abs(a - b) <= 4 * 2.0**FRACTION_BITS / 2**100
    (tmp_path / "absorbed").mkdir()
    formula = f"y ~ {powers_of(6)} | g"
    absorbed = compute(shards_of_table(tmp_path / "absorbed", learn, table, formula, 2, 131))
    assert absorbed.solution.theta[-6:].tolist() == ours.theta[:6].tolist()
    assert absorbed.solution.standard_errors[-6:].tolist() == ours.standard_errors[1:7].tolist()
