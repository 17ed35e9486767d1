"""Products of columns in double-double, in a kernel: see `remainders`."""

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_kernels import product_error
from linreg.fit.exact.double_double.sum_numpy import LARGEST, SMALLEST
from linreg.fit.kernels import strict


@strict
def multiply(high: Floats, low: Floats, factor: Floats, out: Floats, out_low: Floats) -> None:
    """Set out + out_low to (high + low)·factor, all (n,).

    A product beyond SMALLEST and LARGEST is rounded to float64.
    """
    for i in range(len(high)):
        p = high[i] * factor[i]
        e = product_error(high[i], factor[i], p) + low[i] * factor[i]
        largest = max(abs(high[i]), abs(factor[i]), abs(p))
        if not (abs(p) > SMALLEST and largest < LARGEST):
            e = 0.0
        out[i] = p + e
        out_low[i] = e - (out[i] - p)
