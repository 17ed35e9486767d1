"""Two factors eliminated together, against fractions and dense linear algebra."""

from fractions import Fraction

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes
from linreg.errors import UserError
from linreg.fit.exact.moment_sums import joint_elimination
from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR
from linreg.fit.exact.moment_sums.joint_elimination import JointLevels
from linreg.fit.exact.moment_sums.paired_levels import PairedLevels


def joint(first: Codes, second: Codes, w: Floats, sizes: tuple[int, int]) -> JointLevels:
    """The levels of rows, of which −1 is one without a column."""
    pairs = PairedLevels(sizes)
    pairs.add(first, second, w, 1.0)
    sums = [
        np.bincount(codes[codes >= 0], w[codes >= 0], size)
        for codes, size in zip((first, second), sizes, strict=True)
    ]
    high = np.concatenate(sums)
    return JointLevels(np.stack([high, 0 * high]), pairs.links(0), sizes)


def indicators(first: Codes, second: Codes, sizes: tuple[int, int]) -> Floats:
    """E (n, L)."""
    E = np.zeros((len(first), sum(sizes)))
    for codes, offset in ((first, 0), (second, sizes[0])):
        rows = np.flatnonzero(codes >= 0)
        E[rows, codes[rows] + offset] = 1.0
    return E


def drawn(
    num_rows: int, sizes: tuple[int, int], components: int = 1, least: int = 0, seed: int = 1
) -> tuple[Codes, Codes, Floats]:
    """Rows whose levels fall into components, with small integers as weights."""
    random = np.random.default_rng(seed)
    group = random.integers(0, components, num_rows)
    first, second = (
        least + (random.integers(0, (size - least) // components, num_rows) * components + group)
        for size in sizes
    )
    w = random.integers(1, 9, num_rows).astype(np.float64)
    return first.astype(np.int32), second.astype(np.int32), w


def double_doubles(numbers: list[Fraction]) -> Floats:
    """Return fractions (n,) in double-double (2, n)."""
    high = [float(each) for each in numbers]
    low = [float(each - Fraction(of)) for each, of in zip(numbers, high, strict=True)]
    return np.array([high, low])


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("least", [0, -1])
def test_the_residuals_of_the_effects_have_100_bits(components: int, least: int) -> None:
    sizes = (60, 24)
    first, second, w = drawn(400, sizes, components, least)
    E = indicators(first, second, sizes)
    z = np.random.default_rng(2).normal(size=400)
    B = double_doubles(
        [sum(map(Fraction, (w * z * column).tolist()), Fraction(0)) for column in E.T]
    )
    # As w·z is rounded, B need not be EᵀWz, but it has to be of the form Eᵀv.
    levels = joint(first, second, w, sizes)
    norm = float(np.sqrt((w * z * z).sum()))
    X, error = levels.effects(B[:, :, None], np.array([norm]))
    assert error <= 2 * MOMENT_ERROR
    M = E.T @ (w[:, None] * E)
    x = [Fraction(high) + Fraction(low) for high, low in X[:, :, 0].T.tolist()]
    for row, weight, *b in zip(M.tolist(), levels.weights[0].tolist(), *B.tolist(), strict=True):
        residual = sum(map(Fraction, b)) - sum(
            Fraction(m) * value for m, value in zip(row, x, strict=True) if m
        )
        # A step along the level changes the length of the fitted values by its root.
        assert abs(float(residual)) <= 2.0**-90 * norm * np.sqrt(weight)


@pytest.mark.parametrize("components", [1, 4])
@pytest.mark.parametrize("least", [0, -1])
def test_as_many_effects_are_determined_as_the_rank(components: int, least: int) -> None:
    sizes = (40, 20)
    first, second, w = drawn(300, sizes, components, least)
    first[first == 7], second[second == 3] = -1, -1
    levels = joint(first, second, w, sizes)
    E = indicators(first, second, sizes)
    assert levels.kept.sum() == np.linalg.matrix_rank(E)
    assert np.linalg.matrix_rank(E[:, levels.kept]) == levels.kept.sum()
    B = (E.T @ (w * np.arange(300.0)))[:, None]
    X, _ = levels.effects(
        np.stack([B, 0 * B]), np.array([np.sqrt((w * np.arange(300.0) ** 2).sum())])
    )
    assert not X[:, ~levels.kept].any()


def test_products_are_those_with_the_matrix() -> None:
    sizes = (40, 20)
    first, second, w = drawn(300, sizes)
    E = indicators(first, second, sizes)
    x = np.random.default_rng(3).normal(size=60)
    found = joint(first, second, w, sizes).times(x)
    np.testing.assert_allclose(found, E.T @ (w * (E @ x)), rtol=1e-14, atol=1e-13)


def chain(length: int) -> tuple[Codes, Codes]:
    """A row links each level of the first factor to two of the second, its neighbours."""
    first = np.repeat(np.arange(length), 2)
    second = (np.arange(2 * length) + 1) // 2
    return first.astype(np.int32), second.astype(np.int32)


@pytest.mark.slow
def test_a_chain_of_levels_is_solved_though_it_is_the_worst_of_graphs() -> None:
    """The condition of its matrix is (2·length/π)², here 1.6 million."""
    first, second = chain(2000)
    effect = np.random.default_rng(4).normal(size=2001)
    w = np.ones(len(first))
    levels = joint(first, second, w, (2000, 2001))
    y = effect[second]
    sums = [np.bincount(first, y), np.bincount(second, y)]
    B = np.concatenate(sums)[None, :, None]
    X, _ = levels.effects(np.concatenate([B, 0 * B]), np.array([np.sqrt((y * y).sum())]))
    expected = effect - effect[0]
    # B has been rounded to float64.
    np.testing.assert_allclose(X[0, 2000:, 0], expected, atol=1e-8)
    np.testing.assert_allclose(X[0, :2000, 0], effect[0], atol=1e-8)


def test_an_iteration_that_does_not_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it reached is in the message."""
    monkeypatch.setattr(joint_elimination, "MAX_STEPS", 3)
    first, second = chain(200)
    levels = joint(first, second, np.ones(400), (200, 201))
    B = np.concatenate([np.bincount(first, second), np.bincount(second, second)]).astype(np.float64)
    B = B[None, :, None]
    norm = np.array([np.sqrt(np.square(second, dtype=np.float64).sum())])
    with pytest.raises(UserError, match="link the levels of two absorbed factors too weakly"):
        levels.effects(np.concatenate([B, 0 * B]), norm)
