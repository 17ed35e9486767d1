"""`recursion` compiled, for many steps: rates and lengths are arrays of float64."""

from collections.abc import Callable

from linreg.fit.kernels import strict
from linreg.setup.training.recursion import noise_at_the_end

noise_at_the_end_compiled: Callable[..., float] = strict(noise_at_the_end)
