"""Rows per second of an epoch by number of rows and of features, and the bound by memory."""

import tempfile
from pathlib import Path

import matplotlib as mpl
import torch

from benchmarks.compare import seconds
from benchmarks.eager import epoch
from benchmarks.rows import open_rows, write_rows
from benchmarks.sgd import compiled_epochs

mpl.use("Agg")
import matplotlib.pyplot as plt

BATCH_SIZE = 256
TURNS = 3


def draw(path: Path, bandwidth: float) -> None:
    """Measure and draw; `bandwidth` is that of memory, in bytes per second."""
    lengths = [10_000, 100_000, 1_000_000, 5_000_000]
    widths = [1, 2, 4, 8, 16, 32, 64, 128]
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True, layout="constrained")
    for panel, label, points in (
        (panels[0], "rows n (M = 2)", [(rows, 2) for rows in lengths]),
        (panels[1], "features M (n = 200,000)", [(200_000, width) for width in widths]),
    ):
        x = [rows if panel is panels[0] else width for rows, width in points]
        ours, theirs = zip(*(_speeds(rows, width) for rows, width in points), strict=True)
        panel.plot(
            x,
            [bandwidth / (4 * (width + 1)) for _, width in points],
            "k:",
            label="memory bandwidth, one thread",
        )
        panel.plot(x, ours, "o-", color="#0072b2", label="linreg, compiled engine")
        panel.plot(x, theirs, "s--", color="#d55e00", label="PyTorch, eager slices")
        panel.set(xscale="log", yscale="log", xlabel=label)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel(f"rows/s, one epoch, B = {BATCH_SIZE}")
    panels[1].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _speeds(num_rows: int, num_features: int) -> tuple[float, float]:
    """Return the rows per second of our epoch and of the textbook loop, each the best of some."""
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder) / "rows.parquet", num_rows, num_features)
        ours = compiled_epochs(open_rows(Path(folder) / "rows.parquet"), BATCH_SIZE)
        ours()
        X, y = torch.randn(num_rows, num_features), torch.randn(num_rows, 1)
        turns = 1 if num_rows > 200_000 else TURNS
        theirs = min(seconds(lambda: epoch(X, y, BATCH_SIZE)) for _ in range(turns))
        return num_rows / min(ours() for _ in range(TURNS)), num_rows / theirs
