"""The sums of `linreg.fit.sgd.portable_linear` in compiled kernels: the same bits in less time."""

from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.fit.kernels import strict
from linreg.process.torch_setup import torch

Tensor = torch.Tensor


@strict
def _predict(X: Any, weight: Any, bias: Any, predictions: Any) -> None:
    """Write ỹ (n, 1). All arrays are float32 or all float64; bias has 1 element or none."""
    for i in range(len(X)):
        total = 0.0
        for j in range(X.shape[1]):
            total += np.float64(X[i, j] * weight[0, j])
        predictions[i, 0] = total
        if len(bias):
            predictions[i, 0] += bias[0]


@strict
def _sum_up(X: Any, gradient: Any, totals: Floats, of_weight: Any, of_bias: Any) -> None:
    """Write the gradients of θ (1, M) and b (1,), given zeros (M,)."""
    total = 0.0
    for i in range(len(X)):
        total += np.float64(gradient[i, 0])
        for j in range(X.shape[1]):
            totals[j] += np.float64(X[i, j] * gradient[i, 0])
    for j in range(X.shape[1]):
        of_weight[0, j] = totals[j]
    of_bias[0] = total


def predictions(X: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ỹ (n, 1) of X (n, M), θ (1, M) and b (1,)."""
    found = X.new_empty(len(X), 1)
    b = X.new_empty(0) if bias is None else bias.detach()
    _predict(X.contiguous().numpy(), weight.detach().numpy(), b.numpy(), found.numpy())
    return found


def gradients(X: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of θ (1, M) and b (1,), of X (n, M) and that of ỹ (n, 1)."""
    of_weight, of_bias = X.new_empty(1, X.shape[1]), X.new_empty(1)
    arrays = X.contiguous().numpy(), gradient.contiguous().numpy()
    _sum_up(*arrays, np.zeros(X.shape[1]), of_weight.numpy(), of_bias.numpy())
    return of_weight, of_bias
