"""Tables with categories of many levels, as shards that are read compact or with all zeros."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula import design_info
from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables import parquet
from linreg.data.tables.parquet import write_table

Learn = Callable[..., Design]


def drawn(num_rows: int = 900, seed: int = 1) -> pa.Table:
    """y of two numbers, a category of 110 levels and one of 40, and weights w."""
    random = np.random.default_rng(seed)
    g, h = np.arange(num_rows) % 110, random.integers(0, 40, num_rows)
    random.shuffle(g)
    x, z = random.normal(size=(2, num_rows))
    y = 0.7 + x - 0.5 * z + random.normal(size=110)[g] + random.normal(size=40)[h]
    return pa.table(
        {
            "x": x,
            "z": z,
            "g": [f"g{level:03d}" for level in g],
            "h": [f"h{level:02d}" for level in h],
            "y": y + 0.3 * random.normal(size=num_rows),
            "w": random.uniform(0.1, 3.0, num_rows),
        }
    )


FORMULA = "y ~ x + g + z + h"


def compact_and_dense(
    folder: Path,
    learn: Learn,
    table: pa.Table,
    formula: str = FORMULA,
    num_shards: int = 1,
    rows_per_group: int = 131_072,
    weighted: bool = False,
) -> tuple[list[Rows], list[Rows]]:
    """The same shards twice: with categories as codes, and as arrays."""
    design = learn(formula, table)
    schema = replace(design.schema, weights="w") if weighted else design.schema
    compact, dense = (Design(schema, design.statistics) for _ in range(2))
    assert compact.layout.categories
    paths = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
        patch.setattr(design_info, "WIDE", 10**9)
        assert not dense.layout.categories
        for index, rows in enumerate(np.array_split(np.arange(table.num_rows), num_shards)):
            paths.append(folder / f"shard-{index:05d}.parquet")
            write_table(paths[-1], table.schema, [table.take(rows)])
    return [Rows(path, compact) for path in paths], [Rows(path, dense) for path in paths]
