"""The Schur complement of a category, against fractions."""

from fractions import Fraction

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes
from linreg.fit.exact.moment_sums.elimination import eliminate
from tests.fit.exact.compact_rows import drawn, level_moments


def exact_complement(
    columns: Floats, w: Floats | None, codes: Codes, l2: float
) -> list[list[Fraction]]:
    """Rᵀ·diag(w)·R − Bᵀ·D⁻¹·B for the columns [1 R y] and the levels of a category."""
    weights = [Fraction(1)] * len(columns) if w is None else [*map(Fraction, w.tolist())]
    rows = [
        (weight, [*map(Fraction, row)])
        for weight, row in zip(weights, columns.tolist(), strict=True)
    ]
    k = range(columns.shape[1])

    def products(chosen: list[int]) -> list[list[Fraction]]:
        of_rows = [rows[i] for i in chosen]
        return [[sum((v * z[i] * z[j] for v, z in of_rows), Fraction(0)) for j in k] for i in k]

    S = products([*range(len(rows))])
    for level in range(int(codes.max()) + 1):
        B = products(np.flatnonzero(codes == level).tolist())[0]
        if D := B[0] + len(rows) * Fraction(l2):
            S = [[S[i][j] - B[i] * B[j] / D for j in k] for i in k]
    return S


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("distance", [0.0, 1e9])
def test_what_levels_do_not_explain_has_100_bits(
    distance: float, weighted: bool, l2: float
) -> None:
    """As a part of the norms of the columns, which is what `Gram.error` says."""
    rows = drawn(60, 1, 7, 3, 1, weighted=weighted)
    rows = rows.with_dense(np.asfortranarray(rows.X.dense + distance))
    if rows.w is not None:
        rows.w[rows.X.codes[0] == 2] = 0.0
    found = eliminate(level_moments(rows), l2)
    assert found.columns.tolist() == list(range(1, 8))
    assert found.rest.tolist() == [0, 8, 9, 10, 11]
    R = np.column_stack([np.ones(60), rows.array[:, found.rest], rows.y])
    expected = exact_complement(R, rows.w, rows.X.codes[0], l2)
    norms = np.ldexp(found.gram.norms, found.gram.exponents)
    for i in range(7):
        for j in range(i + 1):
            error = abs(found.gram.entry(i, j) - expected[i][j])
            assert error <= Fraction(found.gram.error) * Fraction(norms[i]) * Fraction(norms[j])


def test_the_category_with_the_most_columns_is_eliminated() -> None:
    for sizes, index in [((3, 7), 1), ((7, 3), 0), ((3, 1, 5, 9, 1), 2)]:
        rows = drawn(60, *sizes)
        found = eliminate(level_moments(rows), 0.0)
        category = rows.X.layout.categories[index]
        assert found.columns.tolist() == list(range(category.first, category.first + category.size))


@pytest.mark.parametrize("weighted", [False, True])
def test_means_by_level_are_those_of_its_rows(weighted: bool) -> None:
    rows = drawn(60, 1, 7, weighted=weighted)
    rows.X.codes[0][rows.X.codes[0] == 5] = -1
    found = eliminate(level_moments(rows), 0.0)
    w = np.ones(60) if rows.w is None else rows.w
    for level in range(7):
        of_level = rows.X.codes[0] == level
        assert found.weights[0, level] == pytest.approx(w[of_level].sum(), rel=1e-15)
        means = np.ldexp(found.means[0, level], found.gram.exponents)
        if level == 5:
            assert not means.any()
            continue
        R = np.column_stack([np.ones(60), rows.X.dense, rows.y])[of_level]
        np.testing.assert_allclose(means, np.average(R, axis=0, weights=w[of_level]), rtol=1e-13)
