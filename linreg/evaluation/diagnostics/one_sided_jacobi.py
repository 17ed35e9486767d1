"""Singular values and right singular vectors by rotations of pairs of columns, without LAPACK."""

import numpy as np

from linreg.arrays import Floats

TOLERANCE = 2.0**-50
"""The cosine of two columns up to which they count as orthogonal."""
MAX_SWEEPS = 60


def singular_values(A: Floats) -> tuple[Floats, Floats]:
    """Return the singular values (p,) of A (p, p), the largest first, and V (p, p) by columns.

    Every pair of columns is rotated until it is orthogonal (M. Hestenes, J. SIAM 6, 1958). Of a
    matrix whose columns have about equal length, even the smallest value has nearly all its digits
    (J. Demmel and K. Veselić, SIAM J. Matrix Anal. 13, 1992), which those of AᵀA have not. Pairs
    are taken in a fixed order and sums have one too, so that the bits are the same on every CPU.
    """
    columns, V = A.T.copy(), np.eye(len(A))
    for _ in range(MAX_SWEEPS):
        is_done = True
        for i in range(len(A) - 1):
            for j in range(i + 1, len(A)):
                is_done &= not _rotate(columns, V, i, j)
        if is_done:
            break
    values = np.sqrt((columns * columns).sum(axis=1))
    order = np.argsort(-values, kind="stable")
    return values[order], V[order].T


def _rotate(columns: Floats, V: Floats, i: int, j: int) -> bool:
    """Make columns i and j orthogonal, and turn V with them; tell whether they were not."""
    a, b = columns[i], columns[j]
    of_a, of_b, product = (float((u * v).sum()) for u, v in ((a, a), (b, b), (a, b)))
    if abs(product) <= TOLERANCE * np.sqrt(of_a) * np.sqrt(of_b):
        return False
    ratio = (of_b - of_a) / (2 * product)
    tangent = (1.0 if ratio >= 0 else -1.0) / (abs(ratio) + np.sqrt(1 + ratio * ratio))
    cosine = 1 / np.sqrt(1 + tangent * tangent)
    sine = cosine * tangent
    for rows in (columns, V):
        first = cosine * rows[i] - sine * rows[j]
        rows[j] = sine * rows[i] + cosine * rows[j]
        rows[i] = first
    return True
