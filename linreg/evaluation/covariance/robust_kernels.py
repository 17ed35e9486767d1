"""The sums of `linreg.evaluation.covariance.robust`, in a kernel."""

from linreg.arrays import Floats
from linreg.fit.kernels import strict


@strict
def add_products(factors: Floats, a: Floats, sums: Floats) -> None:
    """Add Σ (f·aᵢ)(f·aⱼ), j ≤ i, to sums (kinds, M + 1, M + 1, 2) in double-double.

    factors  (kinds, n) the f of each row
    a        (M + 1, n)

    It goes row by row, so that the end of a chunk does not show in the sums.
    """
    for r in range(factors.shape[1]):
        for kind in range(len(factors)):
            for i in range(len(a)):
                left = factors[kind, r] * a[i, r]
                if left == 0.0:
                    continue
                for j in range(i + 1):
                    value = left * (factors[kind, r] * a[j, r])
                    s = sums[kind, i, j, 0] + value
                    z = s - sums[kind, i, j, 0]
                    sums[kind, i, j, 1] += (sums[kind, i, j, 0] - (s - z)) + (value - z)
                    sums[kind, i, j, 0] = s
