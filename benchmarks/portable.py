"""The cost of a fixed order: a step with PortableLinear and PortableSGD, and with torch's own.

    python -m benchmarks.portable

All take turns in one process, with torch pinned as in the pipeline. Prints the CPU time of a step
with torch.nn.Linear and torch.optim.SGD, and how many times as long it takes with sums by
operations of torch, and in kernels: quartile–median–quartile over the turns.
"""

import statistics
import time
from collections.abc import Callable, Sequence

from linreg.fit.sgd import linear_kernels
from linreg.fit.sgd.portable_linear import TORCH_SUMS, PortableLinear, Sums
from linreg.fit.sgd.portable_sgd import PortableSGD
from linreg.process.torch_setup import torch

SHAPES = [(M, B) for B in (32, 256, 8192) for M in (2, 16, 100)]
"""M and B"""
TURNS = 40
KERNELS = Sums(linear_kernels.predictions, linear_kernels.gradients)


def main() -> None:
    """Print a line for each shape."""
    for num_features, batch_size in SHAPES:
        steps = [step_with(sums, num_features, batch_size) for sums in (None, TORCH_SUMS, KERNELS)]
        num_steps = max(10, 4_000_000 // (num_features * batch_size + 40_000))
        # The first turn warms up.
        _, *turns = [[seconds_of(step, num_steps) for step in steps] for _ in range(TURNS + 1)]
        own, by_torch, in_kernels = zip(*turns, strict=True)
        print(
            f"M={num_features} B={batch_size}: {1e6 * statistics.median(own) / num_steps:.0f} µs, "
            f"{ratios(by_torch, own)} by torch, {ratios(in_kernels, own)} in kernels",
            flush=True,
        )


def step_with(sums: Sums | None, num_features: int, batch_size: int) -> Callable[[], None]:
    """Return a step of training, by torch's own layer and optimizer where there are no sums."""
    X, y = torch.randn(batch_size, num_features), torch.randn(batch_size, 1)
    mean_squared_error = torch.nn.MSELoss()
    if sums is None:
        model = torch.nn.Linear(num_features, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    else:
        model = PortableLinear(num_features, 1)
        model.sums = sums
        optimizer = PortableSGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        mean_squared_error(model(X), y).backward()
        optimizer.step()

    return step


def seconds_of(step: Callable[[], None], num_steps: int) -> float:
    """Return the CPU time of some steps: other processes cost them less of it than of the clock."""
    start = time.thread_time()
    for _ in range(num_steps):
        step()
    return time.thread_time() - start


def ratios(times: Sequence[float], of: Sequence[float]) -> str:
    """Return the quartiles of the ratios of the turns."""
    quartiles = statistics.quantiles([a / b for a, b in zip(times, of, strict=True)])
    return "–".join(f"{each:.2f}" for each in quartiles)


if __name__ == "__main__":
    main()
