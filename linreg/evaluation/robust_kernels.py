"""The sums of `linreg.evaluation.robust`, in a kernel."""

from linreg.arrays import Floats
from linreg.fit.kernels import strict


@strict
def add_squares(factors: Floats, a: Floats, sums: Floats) -> None:
    """Add Σ (factor·aⱼ)² to sums (2, M + 1, 2) in double-double, for factors (2, n), a (M + 1, n).

    It goes row by row, so that the end of a chunk does not show in the sums.
    """
    for r in range(factors.shape[1]):
        for kind in range(2):
            for j in range(len(a)):
                value = factors[kind, r] * a[j, r]
                value *= value
                s = sums[kind, j, 0] + value
                z = s - sums[kind, j, 0]
                sums[kind, j, 1] += (sums[kind, j, 0] - (s - z)) + (value - z)
                sums[kind, j, 0] = s
