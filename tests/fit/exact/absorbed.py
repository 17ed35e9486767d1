"""Tables with firms and years, and fits of formulas that absorb them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables import parquet
from linreg.data.tables.parquet import write_table
from linreg.fit.exact.reference import ExactReference
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

Learn = Callable[..., Design]


def panel(num_rows: int = 600, firms: int = 40, years: int = 9, seed: int = 1) -> pd.DataFrame:
    """y of two numbers and a category, with effects of firm, year and plant; weights w."""
    random = np.random.default_rng(seed)
    firm, year = random.integers(0, firms, num_rows), random.integers(0, years, num_rows)
    plant = random.integers(0, 6, num_rows)
    x1 = random.normal(size=num_rows) + 0.3 * (firm % 7)
    x2 = 5 + random.uniform(size=num_rows) + 0.1 * year
    zone = random.integers(0, 3, num_rows)
    y = 1.5 * x1 - 0.4 * x2 + zone + np.sqrt(firm) + np.cos(year) + 0.2 * plant
    return pd.DataFrame(
        {
            "y": y + random.normal(size=num_rows) * (0.5 + 0.1 * zone),
            "x1": x1,
            "x2": x2,
            "zone": np.array(["north", "south", "west"])[zone],
            "firm": [f"f{each:03d}" for each in firm],
            "year": 1990 + year,
            "plant": plant,
            "w": random.uniform(0.2, 3.0, num_rows),
        }
    )


def as_arrow(frame: pd.DataFrame) -> pa.Table:
    """The columns with the types that ingest leaves."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    types = {pa.large_string(): pa.string()}
    fields = [(field.name, types.get(field.type, field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


def shards_of(
    folder: Path,
    learn: Learn,
    formula: str,
    frame: pd.DataFrame,
    num_shards: int = 1,
    rows_per_group: int = 131_072,
    weights: str | None = None,
) -> list[Rows]:
    """The rows as shards on disk, in their order."""
    table = as_arrow(frame)
    design = learn(formula, table, weights=weights)
    paths = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
        for index, own in enumerate(np.array_split(np.arange(len(table)), num_shards)):
            paths.append(folder / f"of-{num_shards}-{rows_per_group}-{index}.parquet")
            write_table(paths[-1], table.schema, [table.take(own)])
    return [Rows(path, design) for path in paths]


def reference(shards: list[Rows], workers: Workers = ALONE, **params: Any) -> ExactReference:
    """The exact solution."""
    design = shards[0]._design
    options = (design.names, design.schema.intercept, Train(solver="exact", **params), workers)
    return ExactReference.compute(shards, *options, design.roundoffs)
