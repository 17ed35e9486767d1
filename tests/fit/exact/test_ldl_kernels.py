from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from linreg.fit.exact import ldl
from linreg.fit.exact.ldl import LDL, PRECISION, factorize, times_power_of_two


def gram_of(X: list[list[Fraction]]) -> list[list[Decimal]]:
    size = range(len(X[0]))
    return [
        [
            times_power_of_two(sum((row[i] * row[j] for row in X), Fraction(0)), 0)
            for j in range(i + 1)
        ]
        for i in size
    ]


def drawn(n: int = 40, k: int = 12) -> list[list[Fraction]]:
    """Rows with a column that nearly is a combination of others, 1e-9 of it left, and two that are
    one.
    """
    random = np.random.default_rng(1)
    X = random.standard_normal((n, k)) + 3
    X[:, 4] = X[:, 0] + X[:, 1] + 1e-9 * X[:, 4]
    rows = [list(map(Fraction, row)) for row in X.tolist()]
    return [[*row[:7], 2 * row[3], *row[8:], row[0] - row[2] / 4] for row in rows]


def both(gram: list[list[Decimal]], monkeypatch: pytest.MonkeyPatch) -> tuple[LDL, LDL]:
    monkeypatch.setattr(ldl, "MIN_COMPILED", 10**9)
    few = factorize(gram)
    monkeypatch.setattr(ldl, "MIN_COMPILED", 1)
    return few, factorize(gram)


def relative(a: Decimal, b: Decimal) -> float:
    return float(abs(PRECISION.subtract(a, b)) / abs(b)) if b else float(abs(a))


def test_32_digits_agree_with_60_up_to_the_condition_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few, many = both(gram_of(drawn()), monkeypatch)
    assert few.kept == many.kept == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    # Measured: 9e-13 of the pivot that is 1e-19 of its column, 1e-31 of those before it.
    assert relative(many.pivots[4], few.pivots[4]) < 1e-11
    for i in (0, 1, 2, 3):
        assert relative(many.pivots[i], few.pivots[i]) < 1e-28
    right = [Decimal(i) for i in range(len(few.kept))]
    for ours, exact in zip(many.solve(right)[0], few.solve(right)[0], strict=True):
        assert relative(ours, exact) < 1e-10


def test_the_inverse_cholesky_is_that_of_60_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = both(gram_of(drawn()), monkeypatch)
    exact = few.inverse_cholesky()
    monkeypatch.setattr(ldl, "MIN_COMPILED", 1)
    for ours, column in zip(many.inverse_cholesky(), exact, strict=True):
        largest = max(map(abs, column))
        assert max(float(abs(a - b) / largest) for a, b in zip(ours, column, strict=True)) < 1e-10


def test_relations_of_collinear_columns_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _, many = both(gram_of(drawn()), monkeypatch)
    assert [dependency.column for dependency in many.dependencies] == [7, 12]
    factors = [
        [dependency.coefficients.get(i, Decimal(0)) for i in range(4)]
        for dependency in many.dependencies
    ]
    for found, expected in zip(factors, [[0, 0, 0, 2], [1, 0, -0.25, 0]], strict=True):
        assert [float(value) for value in found] == pytest.approx(expected, abs=1e-9)
