"""The autograd engine compared with the textbook loop on slices of a permuted tensor.

    python -m benchmarks.autograd linreg|eager ROWS BATCH_SIZE

Prints the seconds of one epoch, shuffling included, after an epoch that is not counted. Each runs
in a process of its own: linreg.process.torch_setup switches off parts of torch, which the textbook
loop has.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import Ratio, ratio_of, seconds

NUM_FEATURES = 2


def compare(num_rows: int, turns: int) -> Iterator[Ratio]:
    """Compare them for small and large batches."""
    for batch_size in (32, 256):
        times = [
            tuple(_measure(name, num_rows, batch_size) for name in ("linreg", "eager"))
            for _ in range(turns)
        ]
        ours, theirs = (list(each) for each in zip(*times, strict=True))
        yield ratio_of(
            f"autograd B={batch_size}", NUM_FEATURES, "eager", (ours, theirs), num_rows, bar=1
        )


def _measure(name: str, num_rows: int, batch_size: int) -> float:
    """Return the seconds that a process of its own prints."""
    command = [sys.executable, "-m", "benchmarks.autograd", name, str(num_rows), str(batch_size)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def linreg(num_rows: int, batch_size: int) -> float:
    """Measure an epoch of the autograd engine, after the one that reads the rows."""
    from benchmarks.rows import open_rows, write_rows
    from linreg.fit.coordinates.scaling import Scaling
    from linreg.fit.sgd.autograd import gradient_descent
    from linreg.params.train import Train

    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder) / "rows.parquet", num_rows, NUM_FEATURES)
        rows = open_rows(Path(folder) / "rows.parquet")
        params = Train(epochs=2, batch_size=batch_size, lr=1e-3)
        epochs = gradient_descent(
            [rows], NUM_FEATURES, True, Scaling.identity(NUM_FEATURES), params
        )
        next(epochs)
        return seconds(lambda: next(epochs))


def eager(num_rows: int, batch_size: int) -> float:
    """Measure an epoch of eager PyTorch on one thread."""
    import torch

    from benchmarks.eager import epoch

    torch.set_num_threads(1)
    X, y = torch.randn(num_rows, NUM_FEATURES), torch.randn(num_rows, 1)
    epoch(X, y, batch_size)
    return seconds(lambda: epoch(X, y, batch_size))


if __name__ == "__main__":
    print({"linreg": linreg, "eager": eager}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3])))
