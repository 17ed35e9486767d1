"""An epoch of SGD with momentum, shuffling included: one thread, rows in memory, ours and others.

The others are written as their documentation shows them. DataLoader and the row-by-row loop run on
fewer rows, and their times are scaled, as they are proportional to the number of rows.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import SGDRegressor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from benchmarks.eager import LEARNING_RATE, MOMENTUM, epoch, train
from benchmarks.machine import read_seconds
from benchmarks.rows import open_rows, write_rows
from linreg.data.rows import Rows
from linreg.fit.compiled import engine as compiled
from linreg.fit.coordinates.scaling import Scaling
from linreg.params.train import Train

BARS = {
    ("eager", 2): 30,
    ("eager", 16): 15,
    ("dataloader", 2): 200,
    ("dataloader", 16): 150,
    ("sklearn", 2): 8,
    ("sklearn", 16): 5,
    ("loop", 2): 2000,
    ("loop", 16): 1000,
}
FEWER_ROWS = {"dataloader": 100_000, "loop": 2_000}
WIDE = (16, 64, 128)
"""Numbers of features for which the rows are also just read: no epoch is faster than that."""
MOST_BYTES = 100_000_000
"""Rows that our engine keeps in memory from epoch to epoch."""
EPOCHS_PER_MEASUREMENT = 5
"""An epoch of ours takes some hundredths of a second: too short to be measured alone."""


def compare(num_rows: int, turns: int, batch_size: int = 256) -> Iterator[Ratio]:
    """Compare with all others for M = 2 and 16; with the fastest ones and a pure read for more."""
    torch.set_num_threads(1)
    for num_features in (2, *WIDE):
        rows_used = min(num_rows, MOST_BYTES // (4 * (num_features + 2)))
        with tempfile.TemporaryDirectory() as folder:
            write_rows(Path(folder) / "rows.parquet", rows_used, num_features)
            rows = open_rows(Path(folder) / "rows.parquet")
            yield from _of_rows(rows, num_features, turns, batch_size)
            if num_features in WIDE:
                yield from _against_a_read(rows, num_features, turns)


def _of_rows(rows: Rows, num_features: int, turns: int, batch_size: int) -> Iterator[Ratio]:
    ours = compiled_epochs(rows, batch_size)
    chunks = [rows.chunk(i) for i in range(rows.num_chunks)]
    # Row-major, which suits the others best.
    X = np.ascontiguousarray(np.concatenate([each.X for each in chunks]))
    y = np.concatenate([each.y for each in chunks])
    del chunks
    for against, theirs in _others(X, y, batch_size).items():
        if against in FEWER_ROWS and (against, num_features) not in BARS:
            continue
        note = f"on {FEWER_ROWS[against]} rows" if against in FEWER_ROWS else ""
        times = in_turns(ours, theirs, turns)
        bar = BARS.get((against, num_features))
        yield ratio_of("sgd", num_features, against, times, rows.num_rows, bar=bar, note=note)


def _against_a_read(rows: Rows, num_features: int, turns: int) -> Iterator[Ratio]:
    values = np.ones(rows.num_rows * (num_features + 2), np.float32)
    for batch_size in (32, 256):
        ours = compiled_epochs(rows, batch_size)
        times = in_turns(ours, lambda: read_seconds(values), turns)
        yield ratio_of(
            f"sgd B={batch_size}",
            num_features,
            "read",
            times,
            rows.num_rows,
            note="the rows read in their order, without any arithmetic",
        )


def compiled_epochs(rows: Rows, batch_size: int) -> Callable[[], float]:
    """Return a function that measures an epoch; the first call also reads the rows."""
    M = rows.chunk(0).X.shape[1]
    params = Train(
        engine="compiled", epochs=1000, batch_size=batch_size, lr=LEARNING_RATE, momentum=MOMENTUM
    )
    epochs = compiled.gradient_descent([rows], M, True, Scaling.identity(M), params)

    def some() -> None:
        for _ in range(EPOCHS_PER_MEASUREMENT):
            next(epochs)

    return lambda: seconds(some) / EPOCHS_PER_MEASUREMENT


def _others(
    X: NDArray[np.float64], y: NDArray[np.float64], batch_size: int
) -> dict[str, Callable[[], float]]:
    features, targets = torch.from_numpy(X).float(), torch.from_numpy(y).float()[:, None]
    num_rows, num_features = X.shape

    def data_loader() -> float:
        rows = min(FEWER_ROWS["dataloader"], num_rows)
        loader = DataLoader(
            TensorDataset(features[:rows], targets[:rows]), batch_size=batch_size, shuffle=True
        )
        return seconds(lambda: train(num_features, loader)) * float(num_rows / rows)

    def row_by_row() -> float:
        rows = min(FEWER_ROWS["loop"], num_rows)
        order = torch.randperm(rows).tolist()
        pairs = ((features[row], targets[row]) for row in order)
        return seconds(lambda: train(num_features, pairs)) * float(num_rows / rows)

    def scikit_learn() -> float:
        model = SGDRegressor(
            max_iter=1, tol=None, alpha=0.0, learning_rate="constant", eta0=LEARNING_RATE
        )
        return seconds(lambda: model.fit(X, y))

    return {
        "eager": lambda: seconds(lambda: epoch(features, targets, batch_size)),
        "dataloader": data_loader,
        "sklearn": scikit_learn,
        "loop": row_by_row,
    }
