"""The cost of reproducible bits: SGD with pinned kernels and threads, and with torch's defaults.

    python -m benchmarks.pinning

Each measurement is a process of its own, since libraries read their settings once; the two take
turns. Prints the ratio of steps per second, pinned over default, as min–median–max over the turns:
below 1, pinning costs time.
"""

import statistics
import subprocess
import sys

SHAPES = ((2, 32), (16, 256), (100, 256), (100, 8192))
"""M and B"""
TURNS = 5
PROGRAM = """
import sys, time
if sys.argv[1] == "pinned":
    from linreg.process.torch_setup import torch
else:
    import torch
num_features, batch_size = int(sys.argv[2]), int(sys.argv[3])
model = torch.nn.Linear(num_features, 1)
mean_squared_error = torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
X, y = torch.randn(batch_size, num_features), torch.randn(batch_size, 1)
def steps(number):
    for _ in range(number):
        optimizer.zero_grad()
        mean_squared_error(model(X), y).backward()
        optimizer.step()
steps(200)
start = time.perf_counter()
steps(2000)
print(2000 / (time.perf_counter() - start))
"""


def main() -> None:
    """Print a line for each shape."""
    for num_features, batch_size in SHAPES:
        ratios = []
        for _ in range(TURNS):
            default = steps_per_second("default", num_features, batch_size)
            pinned = steps_per_second("pinned", num_features, batch_size)
            ratios.append(pinned / default)
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        print(
            f"M={num_features} B={batch_size}: {low:.2f}–{middle:.2f}–{high:.2f}, "
            f"{pinned:.0f} steps/s pinned",
            flush=True,
        )


def steps_per_second(how: str, num_features: int, batch_size: int) -> float:
    """Measure in a new process; by default torch uses as many threads as there are cores."""
    command = [sys.executable, "-c", PROGRAM, how, str(num_features), str(batch_size)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
