"""torch.nn.Linear with the same bits on every CPU.

torch leaves sums of products to a BLAS. The order in which that adds, and whether it rounds a
product before, depend on the processor: x86-64 and ARM differ in the last bit. Here the order is
part of the definition. For X (n, M), θ (1, M), b (1,) and g = ∂L/∂ỹ (n, 1),

    ỹ_i = Σ_j x_ij θ_j + b        ∂L/∂θ_j = Σ_i x_ij g_i        ∂L/∂b = Σ_i g_i

A product is rounded to the dtype of the tensors. The products of a sum are added one after the
other, by columns j or by rows i, in float64. The sum is rounded to the dtype, and so is ỹ after the
addition of b.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from linreg.process.torch_setup import torch

Tensor = torch.Tensor


class Sums(NamedTuple):
    """A way to compute the sums above: all have the same bits.

    predictions  returns ỹ (n, 1), given X, θ and b, or None for no b
    gradients    returns those of θ (1, M) and b (1,), given X and g
    """

    predictions: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    gradients: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def _predictions(X: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    # The last of the running sums. torch computes those in order and in float64, but torch.sum as
    # many side by side as fit into a register of the processor.
    running = (X * weight).cumsum(1)
    sums = running.narrow(1, -1, 1) if X.shape[1] else X.new_zeros(len(X), 1)
    return sums if bias is None else sums + bias


def _gradients(X: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    of_weight = (X * gradient).cumsum(0).narrow(0, -1, 1)
    return of_weight, gradient.cumsum(0).select(0, -1)


TORCH_SUMS = Sums(_predictions, _gradients)
"""By operations of torch: for short trainings, which numba's import would take longer than."""
KERNELS_PAY_OFF = 2e8
"""Products of a training from which on kernels save more than the second that importing numba and
loading them takes."""
PRODUCTS_PER_STEP = 2000
"""What kernels save per step besides, in products; measured for M = 2 to 100 and n = 32 to 8192."""


def fastest_sums(num_steps: int, batch_size: int, num_features: int) -> Sums:
    """Return the fastest way for a training on a CPU."""
    if num_steps * (batch_size * num_features + PRODUCTS_PER_STEP) < KERNELS_PAY_OFF:
        return TORCH_SUMS
    from linreg.fit.sgd import linear_kernels

    return Sums(linear_kernels.predictions, linear_kernels.gradients)


class PortableLinear(torch.nn.Linear):
    """torch.nn.Linear of one output, with the sums above on a CPU; on a GPU it is torch's own.

    sums  how they are computed; to be changed at any time
    """

    def __init__(self, in_features: int, out_features: int, *args: Any, **options: Any) -> None:
        assert out_features == 1
        super().__init__(in_features, out_features, *args, **options)
        self.sums = TORCH_SUMS

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Return ỹ (n, 1) of X (n, M)."""
        return linear(input, self.weight, self.bias, self.sums)


def linear(X: Tensor, weight: Tensor, bias: Tensor | None, sums: Sums) -> Tensor:
    """Return ỹ (n, 1): torch.nn.functional.linear, with these sums on a CPU."""
    if X.is_cpu:
        found: Tensor = _Linear.apply(X, weight, bias, sums)  # type: ignore[no-untyped-call]
        return found
    return torch.nn.functional.linear(X, weight, bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor, weight: Tensor, bias: Tensor | None, sums: Sums) -> Tensor:
        ctx.save_for_backward(X, weight)
        ctx.has_bias, ctx.gradients = bias is not None, sums.gradients
        return sums.predictions(X, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None]:
        X, weight = ctx.saved_tensors
        of_X = gradient * weight if ctx.needs_input_grad[0] else None
        of_weight, of_bias = ctx.gradients(X, gradient)
        return of_X, of_weight, of_bias if ctx.has_bias else None, None
