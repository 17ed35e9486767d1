from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from linreg.data import table
from linreg.data.design import Design
from linreg.data.formula import parse_formula, plan
from linreg.data.rows import Rows
from linreg.data.schema import Column, Schema, kind_of
from linreg.data.table import write_table

# A slow machine is no mistake, and the same examples everywhere make a failure one that others can see.
settings.register_profile("linreg", deadline=None, derandomize=True)
settings.load_profile("linreg")


@pytest.fixture(scope="session")
def learn() -> Callable[..., Design]:
    """Learns the design of a formula from a table whose columns have the types that ingest leaves."""

    def learn(formula: str, *tables: pa.Table, fill_missing: bool = False) -> Design:
        types = {field.name: field.type for field in tables[0].schema}
        categories = frozenset(name for name, type_ in types.items() if kind_of(type_) == "category")
        parsed = parse_formula(formula, list(types), categories)
        columns = {name: Column(str(types[name]), kind_of(types[name])) for name in types if name in parsed.columns}
        schema = Schema(formula=str(parsed), columns=columns, **plan(parsed), fill_missing=fill_missing)
        return Design.learn(schema, tables)

    return learn


@pytest.fixture
def shards_of(
    tmp_path: Path, learn: Callable[..., Design], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Rows]]:
    """Writes X (n, M) and y (n,) as shards on disk, in the order of the rows: `y ~ x1 + … + xM`."""

    def shards_of(
        X: NDArray[np.float64], y: NDArray[np.float64], num_shards: int = 1, rows_per_group: int = 131_072
    ) -> list[Rows]:
        names = [f"x{j}" for j in range(1, X.shape[1] + 1)]
        rows = pa.table({**dict(zip(names, X.T, strict=True)), "y": y})
        design = learn(f"y ~ {' + '.join(names) or 1}", rows)
        monkeypatch.setattr(table, "ROWS_PER_GROUP", rows_per_group)
        paths = []
        for index, of_shard in enumerate(np.array_split(np.arange(len(y)), num_shards)):
            paths.append(tmp_path / f"of-{num_shards}-{rows_per_group}-shard-{index:05d}.parquet")
            write_table(paths[-1], rows.schema, [rows.take(of_shard)])
        return [Rows(path, design) for path in paths]

    return shards_of
