"""Rows sorted by the target, as exports often are: the shuffle of two levels trains as well as a
uniform one.

The split stage shuffles the rows of a shard, once; an epoch shuffles chunks, and
the rows of each.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.split import external_shuffle
from linreg.data.split.external_shuffle import ExternalShuffle
from linreg.data.tables import parquet as table
from linreg.data.tables.parquet import TableFile, write_table
from linreg.fit.compiled import engine as compiled
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.exact.reference import ExactReference
from linreg.params.train import Train

NUM_ROWS, WINDOW, BUCKET = 8000, 500, 2000
SEEDS = range(40)


def sorted_rows() -> pa.Table:
    random = np.random.default_rng(7)
    X = random.normal(size=(NUM_ROWS, 2))
    y = 1.0 + X @ [2.0, -3.0] + random.normal(size=NUM_ROWS)
    order = np.argsort(y)
    return pa.table({"x1": X[order, 0], "x2": X[order, 1], "y": y[order]})


@pytest.fixture
def gap_of(learn: Callable[..., Design]) -> Callable[[Path, int], float]:
    """The excess loss after three epochs over a file."""
    design = learn("y ~ x1 + x2", sorted_rows())

    def gap_of(path: Path, seed: int) -> float:
        rows = Rows(path, design)
        params = Train(engine="compiled", batch_size=32, lr=0.01, epochs=3, seed=seed)
        exact = ExactReference.compute([rows], design.names, True, params)
        *_, last = compiled.gradient_descent([rows], 2, True, Scaling.identity(2), params)
        found = exact.loss.convergence(last.theta, last.b)["gap"]
        assert found is not None
        return found

    return gap_of


def groups(path: Path) -> Iterator[pa.Table]:
    return TableFile(path).row_groups()


@pytest.mark.very_slow
def test_sorted_rows_train_as_well_as_in_a_uniformly_random_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gap_of: Callable[[Path, int], float]
) -> None:
    rows = sorted_rows()
    uniform, in_chunks = tmp_path / "uniform.parquet", tmp_path / "chunks.parquet"
    write_table(
        uniform, rows.schema, [rows]
    )  # one chunk: an epoch's order is uniform over all rows
    monkeypatch.setattr(table, "ROWS_PER_GROUP", WINDOW)
    monkeypatch.setattr(external_shuffle, "ROWS_PER_BUCKET", BUCKET)
    write_table(in_chunks, rows.schema, [rows])

    gaps: dict[str, list[float]] = {"uniform": [], "split": [], "neighbours": []}
    for seed in SEEDS:
        shuffled = tmp_path / f"split-{seed}.parquet"
        shuffle = ExternalShuffle(NUM_ROWS, seed, 0, rows.schema, tmp_path)
        for index, group in enumerate(groups(in_chunks)):
            shuffle.add(group, index)
        shuffle.close()
        shuffle.write(shuffled)
        for name, path in (("uniform", uniform), ("split", shuffled), ("neighbours", in_chunks)):
            gaps[name].append(gap_of(path, seed))
    means = {name: float(np.mean(each)) for name, each in gaps.items()}
    # Measured 1.16 over these 40 seeds and 0.98 over 400; left as neighbours, rows end 200 times as
    # far.
    assert 0.7 < means["split"] / means["uniform"] < 1.4
    assert means["neighbours"] > 5 * means["uniform"]
