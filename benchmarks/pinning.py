"""What the same bits cost: steps of eager SGD with the code path and the threads pinned, beside
torch as it comes.

    python -m benchmarks.pinning

Each measurement is a process of its own, since the libraries read their switches once; pinned and
free take turns. Prints the ratio of steps per second (pinned over free: below 1, pinning costs) as
min–median–max over the turns.
"""

import statistics
import subprocess
import sys

SHAPES = ((2, 32), (16, 256), (100, 256), (100, 8192))
"""M, B"""
TURNS = 5
PROGRAM = """
import sys, time
if sys.argv[1] == "pinned":
    from linreg.process.torch_setup import torch
else:
    import torch
num_features, batch_size = int(sys.argv[2]), int(sys.argv[3])
model, loss_of = torch.nn.Linear(num_features, 1), torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
X, y = torch.randn(batch_size, num_features), torch.randn(batch_size, 1)
def steps(number):
    for _ in range(number):
        optimizer.zero_grad()
        loss_of(model(X), y).backward()
        optimizer.step()
steps(200)
began = time.perf_counter()
steps(2000)
print(2000 / (time.perf_counter() - began))
"""


def main() -> None:
    """Print a line per shape."""
    for num_features, batch_size in SHAPES:
        ratios = []
        for _ in range(TURNS):
            free, pinned = (
                steps_per_second(how, num_features, batch_size) for how in ("free", "pinned")
            )
            ratios.append(pinned / free)
        ratios.sort()
        print(
            f"M={num_features} B={batch_size}: {ratios[0]:.2f}–{statistics.median(ratios):.2f}–{ratios[-1]:.2f},"
            f" {pinned:.0f} steps/s pinned",
            flush=True,
        )


def steps_per_second(how: str, num_features: int, batch_size: int) -> float:
    """Measure in a new process; torch as it comes uses as many threads as there are cores."""
    command = [sys.executable, "-c", PROGRAM, how, str(num_features), str(batch_size)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
