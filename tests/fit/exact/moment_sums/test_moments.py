import math
import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.exact.double_double.sum_numpy import ROWS_PER_FLUSH, TILE
from linreg.fit.exact.moment_sums.moments import Moments


def drawn(n: int, num_features: int, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """X (n, M) with columns of very different scales, y, and weights, some of them 0."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, num_features)) * 10.0 ** random.integers(-6, 6, num_features)
    X += random.integers(0, 2, num_features) * 1000.0
    return X, random.standard_normal(n), random.integers(0, 4, n) * random.random(n)


def moments_of(
    X: Floats, y: Floats, w: Floats | None = None, cuts: list[int] | None = None
) -> Moments:
    """The moments of rows that are added in chunks, which end at `cuts`."""
    moments = Moments.zero(X.shape[1])
    edges = [0, *sorted(cuts or []), len(y)]
    for start, end in pairwise(edges):
        moments.add(X[start:end], y[start:end], None if w is None else w[start:end])
    return moments


def exact_gram(
    X: Floats, y: Floats, w: Floats | None = None
) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    """Σ w zᵢzⱼ and Σ |w zᵢzⱼ| in fractions, lower triangles."""
    num_columns = X.shape[1] + 2
    exact = [[Fraction(0)] * (i + 1) for i in range(num_columns)]
    absolute = [[Fraction(0)] * (i + 1) for i in range(num_columns)]
    weights = [1.0] * len(y) if w is None else w.tolist()
    for row, target, weight in zip(X.tolist(), y.tolist(), weights, strict=True):
        z = [Fraction(1), *map(Fraction, row), Fraction(target)]
        for i in range(num_columns):
            for j in range(i + 1):
                product = Fraction(weight) * z[i] * z[j]
                exact[i][j] += product
                absolute[i][j] += abs(product)
    return exact, absolute


def entries(moments: Moments) -> list[list[Fraction]]:
    """The lower triangle of the Gram matrix in the units of the data."""
    gram = moments.gram()
    return [[gram.entry(i, j) for j in range(i + 1)] for i in range(moments.num_features + 2)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [1, 2, 31, 33, 700])
def test_moments_agree_with_fractions_to_30_digits(n: int, weighted: bool) -> None:
    # Measured over 200 tables of up to 20,000 rows: 2^-102.6 of the sum of absolute terms.
    X, y, w = drawn(n, 3)
    found = entries(moments_of(X, y, w if weighted else None))
    exact, absolute = exact_gram(X, y, w if weighted else None)
    for i in range(5):
        for j in range(i + 1):
            assert abs(found[i][j] - exact[i][j]) <= absolute[i][j] / 2**102


def test_moments_are_exact_for_integers() -> None:
    random = np.random.default_rng(2)
    X, y = (
        random.integers(-(2**30), 2**30, (3000, 2)).astype(float),
        random.integers(-(2**30), 2**30, 3000).astype(float),
    )
    assert entries(moments_of(X, y)) == exact_gram(X, y)[0]


ROWS = drawn(2 * ROWS_PER_FLUSH + TILE + 5, 2)


@pytest.mark.very_slow
@given(st.lists(st.integers(0, len(ROWS[1])), max_size=6), st.booleans())
def test_the_lengths_of_chunks_do_not_change_a_bit(cuts: list[int], weighted: bool) -> None:
    X, y, w = ROWS
    weights = w if weighted else None
    np.testing.assert_array_equal(
        moments_of(X, y, weights, cuts).as_array(), moments_of(X, y, weights).as_array()
    )


def test_chunks_of_one_row_give_the_same_bits() -> None:
    X, y, w = (values[:100] for values in ROWS)
    np.testing.assert_array_equal(
        moments_of(X, y, w, list(range(1, 100))).as_array(), moments_of(X, y, w).as_array()
    )


@pytest.mark.very_slow
@given(st.lists(st.integers(0, len(ROWS[1])), min_size=1, max_size=4), st.booleans())
def test_merged_parts_give_the_same_float64(cuts: list[int], weighted: bool) -> None:
    X, y, w = ROWS
    edges = [0, *sorted(cuts), len(y)]
    merged = Moments.zero(2)
    for start, end in pairwise(edges):
        merged = merged.merged(
            moments_of(X[start:end], y[start:end], w[start:end] if weighted else None)
        )
    whole = moments_of(X, y, w if weighted else None)
    np.testing.assert_array_equal(merged.rounded(), whole.rounded())
    assert (merged.num_rows, merged.num_weighted) == (whole.num_rows, whole.num_weighted)


def test_the_order_of_the_rows_changes_no_bit_of_float64() -> None:
    X, y, w = ROWS
    order = np.random.default_rng(5).permutation(len(y))
    np.testing.assert_array_equal(
        moments_of(X[order], y[order], w[order]).rounded(), moments_of(X, y, w).rounded()
    )


def test_weight_2_is_a_row_twice_and_weight_0_no_row() -> None:
    X, y, _ = drawn(500, 3)
    w: Floats = np.arange(500) % np.float64(3)
    copies = np.repeat(np.arange(500), w.astype(int))
    weighted, repeated = moments_of(X, y, w), moments_of(X[copies], y[copies])
    np.testing.assert_array_equal(weighted.rounded(), repeated.rounded())
    assert weighted.num_rows == 500
    assert weighted.num_weighted == np.count_nonzero(w)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_rows_without_weights_have_weight_1_among_others(scale: float) -> None:
    X, y, w = drawn(90, 2)
    w *= scale
    mixed = moments_of(X[:40], y[:40])
    mixed.add(X[40:], y[40:], w[40:])
    swapped = moments_of(X[40:], y[40:], w[40:])
    swapped.add(X[:40], y[:40])
    joined = moments_of(X[:40], y[:40]).merged(moments_of(X[40:], y[40:], w[40:]))
    w[:40] = 1.0
    expected = moments_of(X, y, w).rounded()
    for found in (mixed, swapped, joined):
        np.testing.assert_array_equal(found.rounded(), expected)


@pytest.mark.parametrize("exponent", [-1000, -700, -300, 300, 700, 1010])
def test_scaling_columns_by_powers_of_two_scales_the_moments_exactly(exponent: int) -> None:
    X, y, w = (values[:50] for values in ROWS)
    scaled = X.copy()
    scaled[:, 0] = np.ldexp(np.round(X[:, 0] * 2**20) / 2**30, exponent)
    X = X.copy()
    X[:, 0] = np.round(X[:, 0] * 2**20)
    plain, found = entries(moments_of(X, y, w)), entries(moments_of(scaled, y, w))
    for i in range(4):
        for j in range(i + 1):
            assert found[i][j] == plain[i][j] * Fraction(2) ** (
                (exponent - 30) * ((i == 1) + (j == 1))
            )


def test_the_smallest_numbers_keep_every_digit() -> None:
    X = np.arange(50.0).reshape(50, 1)
    tiny, plain = entries(moments_of(X * 5e-324, X[:, 0])), entries(moments_of(X, X[:, 0]))
    assert tiny[1][1] == plain[1][1] * Fraction(5e-324) ** 2 > 0
    assert tiny[2][1] == plain[2][1] * Fraction(5e-324)


def test_a_column_may_have_tiny_and_huge_values() -> None:
    X = np.array([[1e-300], [1.0], [1e300], [-1e300], [2.0]])
    y = np.ones(5)
    whole, parts = moments_of(X, y), moments_of(X, y, cuts=[1, 2, 3, 4])
    joined = (
        moments_of(X[:1], y[:1]).merged(moments_of(X[1:3], y[1:3])).merged(moments_of(X[3:], y[3:]))
    )
    exact = exact_gram(X, y)[0]
    for found in (whole, parts, joined):
        # Σ x = 3 + 1e-300, with two terms of ±1e300.
        assert found.rounded()[1, 0] == 3.0
        assert abs(entries(found)[1][1] - exact[1][1]) <= exact[1][1] / 2**102
        assert math.isinf(found.rounded()[1, 1])


def test_no_rows_add_nothing() -> None:
    X, y, w = drawn(10, 2)
    moments = moments_of(X, y, w)
    before = moments.as_array()
    moments.add(X[:0], y[:0], w[:0])
    np.testing.assert_array_equal(moments.merged(Moments.zero(2)).as_array(), before)
    np.testing.assert_array_equal(Moments.zero(2).merged(moments).as_array(), before)
    assert entries(Moments.zero(2)) == [[Fraction(0)] * (i + 1) for i in range(4)]


def test_moments_can_be_sent_to_another_process() -> None:
    X, y, w = drawn(2000, 2)
    sent = Moments.from_array(2, moments_of(X, y, w).as_array())
    assert sent.num_rows == 2000
    sent.add(X, y)
    expected = moments_of(X, y, w).merged(moments_of(X, y))
    np.testing.assert_array_equal(sent.as_array(), expected.as_array())


def test_the_memory_layout_of_rows_changes_no_bit() -> None:
    X, y, w = drawn(300, 3)
    expected = moments_of(X, y, w).as_array()
    np.testing.assert_array_equal(moments_of(np.asfortranarray(X), y, w).as_array(), expected)
    np.testing.assert_array_equal(
        moments_of(np.repeat(X, 2, axis=0)[::2], np.repeat(y, 2)[::2], w).as_array(), expected
    )


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(UserError, match="weights: must not be negative; found -1"):
        Moments.zero(0).add(np.empty((2, 0)), np.ones(2), np.array([1.0, -1.0]))


PROGRAM = """
import numpy as np
from linreg.fit.exact.double_double.sum_kernels import add_rows
from linreg.fit.exact.moment_sums.moments import Moments
random = np.random.default_rng(3)
X, y = random.standard_normal((3000, 2)) * [1, 1e5], random.standard_normal(3000)
w = random.random(3000)
found = Moments.zero(2, expected_rows=10**9)
found.add(X, y, w)
found.add(X, y)
code = "".join(add_rows.inspect_asm().values())
print("vfm" in code, "ymm" in code, found.as_array().tobytes().hex())
"""


@pytest.mark.very_slow
def test_cpus_without_fma_and_vectors_give_the_same_bits(tmp_path: Path) -> None:
    outputs = []
    for cpu in ({}, {"NUMBA_CPU_NAME": "generic"}):
        environment = os.environ | cpu | {"NUMBA_CACHE_DIR": str(tmp_path / str(len(cpu)))}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(run.stdout.split())
    here, plain = outputs
    assert plain[:2] == ["False", "False"]
    assert here[2] == plain[2]
