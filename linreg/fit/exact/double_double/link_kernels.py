"""Products with the Gram matrix of the indicators of two factors, in kernels.

That matrix is [D₁ C; Cᵀ D₂]: D₁ and D₂ are diagonal, the weights of the levels of each factor, and
C has the weights of the pairs of levels, of which only those with rows are kept. Pairs come by
levels of the first factor: those of level i are numbers starts[i] to starts[i + 1] − 1.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes
from linreg.fit.exact.double_double.sum_kernels import add_to_total, product_error
from linreg.fit.kernels import strict

Starts = NDArray[np.int64]
Numbers = NDArray[np.int64]


@strict
def subtract_product(
    starts: Starts, seconds: Codes, pairs: Floats, diagonal: Floats, x: Floats, r: Floats
) -> None:
    """Subtract [D₁ C; Cᵀ D₂]·x from r, both (2, L) in double-double, the first factor's first.

    seconds   (P,) the levels of the second factor
    pairs     (2, P) C
    diagonal  (2, L) D₁ and D₂
    """
    num_first = len(starts) - 1
    for i in range(len(diagonal[0])):
        _subtract(r, i, diagonal[0, i], diagonal[1, i], x[0, i], x[1, i])
    for i in range(num_first):
        for k in range(starts[i], starts[i + 1]):
            j = num_first + seconds[k]
            _subtract(r, i, pairs[0, k], pairs[1, k], x[0, j], x[1, j])
            _subtract(r, j, pairs[0, k], pairs[1, k], x[0, i], x[1, i])
    for i in range(len(diagonal[0])):
        high = r[0, i] + r[1, i]
        r[1, i] -= high - r[0, i]
        r[0, i] = high


@strict
def _subtract(r: Floats, i: int, a: float, a_lo: float, x: float, x_lo: float) -> None:
    """Subtract (a + a_lo)·(x + x_lo) from a number in double-double."""
    p = -a * x
    e = product_error(-a, x, p) - (a * x_lo + a_lo * x)
    s = r[0, i] + p
    z = s - r[0, i]
    r[1, i] += ((r[0, i] - (s - z)) + (p - z)) + e
    r[0, i] = s


@strict
def correction(
    starts: Starts,
    seconds: Codes,
    pairs: Floats,
    diagonal: Floats,
    r: Floats,
    reduction: float,
    max_steps: int,
    d: Floats,
) -> int:
    """Set d (L,) to about [D₁ C; Cᵀ D₂]⁻¹·r, in float64; returns the number of steps.

    The first factor is eliminated, and what is left, D₂ − Cᵀ·D₁⁻¹·C, solved by conjugate gradients
    that are preconditioned by D₂ (Y. Saad, Iterative Methods for Sparse Linear Systems, 2003,
    algorithm 9.1), until the residual is at most `reduction` times what it was.

    pairs (P,), diagonal (L,), r (L,)  as above, in float64
    """
    num_first = len(starts) - 1
    num_second = len(diagonal) - num_first
    inverse = np.empty(len(diagonal))
    for i in range(len(diagonal)):
        inverse[i] = 1.0 / diagonal[i] if diagonal[i] > 0.0 else 0.0
    own, inverse_own = diagonal[num_first:], inverse[num_first:]
    x = np.zeros(num_second)
    residual = r[num_first:].copy()
    for i in range(num_first):
        value = inverse[i] * r[i]
        for k in range(starts[i], starts[i + 1]):
            residual[seconds[k]] -= pairs[k] * value
    p, q = np.empty(num_second), np.empty(num_second)
    square = 0.0
    for j in range(num_second):
        p[j] = inverse_own[j] * residual[j]
        square += residual[j] * p[j]
    wanted = square * reduction * reduction
    step = 0
    while step < max_steps and square > wanted:
        for j in range(num_second):
            q[j] = own[j] * p[j]
        for i in range(num_first):
            value = 0.0
            for k in range(starts[i], starts[i + 1]):
                value += pairs[k] * p[seconds[k]]
            value *= inverse[i]
            for k in range(starts[i], starts[i + 1]):
                q[seconds[k]] -= pairs[k] * value
        curvature = 0.0
        for j in range(num_second):
            curvature += p[j] * q[j]
        if not curvature > 0.0:
            break
        length = square / curvature
        before, square = square, 0.0
        for j in range(num_second):
            x[j] += length * p[j]
            residual[j] -= length * q[j]
            square += residual[j] * inverse_own[j] * residual[j]
        for j in range(num_second):
            p[j] = inverse_own[j] * residual[j] + square / before * p[j]
        step += 1
    for i in range(num_first):
        value = r[i]
        for k in range(starts[i], starts[i + 1]):
            value -= pairs[k] * x[seconds[k]]
        d[i] = inverse[i] * value
    for j in range(num_second):
        d[num_first + j] = x[j]
    return step


@strict
def merge_runs(
    numbers: Numbers,
    sums: Floats,
    other_numbers: Numbers,
    other_sums: Floats,
    out_numbers: Numbers,
    out_sums: Floats,
) -> int:
    """Merge sums of three parts by ascending numbers, and return how many numbers there are.

    numbers (n,), sums (n, 3), others likewise; out_numbers (n + others,), out_sums  the result
    """
    i = j = count = 0
    while i < len(numbers) or j < len(other_numbers):
        is_first = j == len(other_numbers) or (i < len(numbers) and numbers[i] <= other_numbers[j])
        if is_first:
            out_numbers[count], out_sums[count] = numbers[i], sums[i]
            if j < len(other_numbers) and numbers[i] == other_numbers[j]:
                for part in range(3):
                    add_to_total(out_sums[count], other_sums[j, part])
                j += 1
            i += 1
        else:
            out_numbers[count], out_sums[count] = other_numbers[j], other_sums[j]
            j += 1
        count += 1
    return count


@strict
def unite(first: Codes, second: Codes, parents: Codes) -> None:
    """Unite the connected components of a graph by its edges (P,), in a forest (nodes,) of parents.

    The root of each component becomes its smallest node (R. Tarjan, J. ACM 22, 1975).
    """
    for k in range(len(first)):
        a, b = first[k], second[k]
        while parents[a] != a:
            parents[a] = parents[parents[a]]
            a = parents[a]
        while parents[b] != b:
            parents[b] = parents[parents[b]]
            b = parents[b]
        if a < b:
            parents[b] = a
        elif b < a:
            parents[a] = b
    for node in range(len(parents)):
        parents[node] = parents[parents[node]]
