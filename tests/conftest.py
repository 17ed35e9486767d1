import json
import os
import signal
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import settings
from numpy.typing import NDArray

import linreg.tracking.mlflow  # noqa: F401 - what it sets for MLflow, before a test imports that
from linreg.data.formula.design import Design
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.schema import Column, Schema, kind_of
from linreg.data.rows import Rows
from linreg.data.tables import parquet as table
from linreg.data.tables.parquet import write_table
from linreg.process.workers import Workers
from tests import fork_server

# A slow machine is no mistake, and the same examples everywhere make a failure one that others can
# see.
settings.register_profile("linreg", deadline=None, derandomize=True)
settings.load_profile("linreg")
# A shell has what it starts in the background ignore Ctrl-C, and whatever that starts in turn.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Where several processes share the tests, let them share the server of commands, too."""
    if getattr(config.option, "numprocesses", None):
        fork_server.share()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the tests, have the files that may take longest begin first.

    Otherwise one process would end with a long test while the others have nothing left. Each of two
    begins with a half of the list and takes from the other's when it is done.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return

    def longest(tests: list[pytest.Item]) -> float:
        markers = [test.get_closest_marker("timeout") for test in tests]
        return max((marker.args[0] for marker in markers if marker), default=0)

    files = defaultdict[Path, list[pytest.Item]](list)
    for item in items:
        files[item.path].append(item)
    order = sorted(files.values(), key=longest, reverse=True)
    items[:] = chain.from_iterable(order[0::2] + order[1::2])


@pytest.fixture(scope="session")
def learn() -> Callable[..., Design]:
    """Learns the design of a formula from a table whose columns have the types that ingest
    leaves.
    """

    def learn(formula: str, *tables: pa.Table, fill_missing: bool = False, **model: Any) -> Design:
        types = {field.name: field.type for field in tables[0].schema}
        categories = frozenset(
            name for name, type_ in types.items() if kind_of(type_) == "category"
        )
        parsed = parse_formula(formula, list(types), categories)
        columns = {
            name: Column(str(types[name]), kind_of(types[name]))
            for name in types
            if name in parsed.columns
        }
        options = {"fill_missing": fill_missing, **model}
        schema = Schema(formula=str(parsed), columns=columns, **design_spec(parsed), **options)
        return Design.fit(schema, tables)

    return learn


@pytest.fixture
def shards_of(
    tmp_path: Path, learn: Callable[..., Design], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Rows]]:
    """Writes X (n, M), y (n,) and weights as shards on disk, in the order of the rows.

    The formula is `y ~ x1 + … + xM`.
    """

    def shards_of(
        X: NDArray[np.float64],
        y: NDArray[np.float64],
        num_shards: int = 1,
        rows_per_group: int = 131_072,
        w: NDArray[np.float64] | None = None,
    ) -> list[Rows]:
        names = [f"x{j}" for j in range(1, X.shape[1] + 1)]
        rows = pa.table({**dict(zip(names, X.T, strict=True)), "y": y})
        design = learn(f"y ~ {' + '.join(names) or 1}", rows)
        if w is not None:
            rows = rows.append_column("w", pa.array(w))
            design = replace(design, schema=replace(design.schema, weights="w"))
        monkeypatch.setattr(table, "ROWS_PER_GROUP", rows_per_group)
        paths = []
        for index, of_shard in enumerate(np.array_split(np.arange(len(y)), num_shards)):
            paths.append(tmp_path / f"of-{num_shards}-{rows_per_group}-shard-{index:05d}.parquet")
            write_table(paths[-1], rows.schema, [rows.take(of_shard)])
        return [Rows(path, design) for path in paths]

    return shards_of


class Threads(Workers):
    """One of several workers that are threads: what they exchange is what processes exchange, and
    as they do it.
    """

    def __init__(self, rank: int, barrier: threading.Barrier, said: list[bytes]) -> None:
        super().__init__(rank, barrier.parties)
        self._barrier, self._said = barrier, said

    def gather(self, value: Any) -> list[Any]:
        return [json.loads(data) for data in self._exchange(json.dumps(value).encode())]

    def gather_array(self, values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        return [np.frombuffer(data) for data in self._exchange(values.astype(np.float64).tobytes())]

    def _exchange(self, data: bytes) -> list[bytes]:
        self._said[self.rank] = data
        self._barrier.wait(60)
        everyones = list(self._said)
        self._barrier.wait(60)  # nobody says the next thing before all have heard this one
        return everyones


@pytest.fixture(scope="session")
def together() -> Callable[..., list[Any]]:
    """Calls work(workers) in several workers at once and returns what each of them has found, by
    rank.
    """

    def together(num_workers: int, work: Callable[[Workers], Any]) -> list[Any]:
        barrier, said = threading.Barrier(num_workers), [b""] * num_workers

        def one(rank: int) -> Any:
            try:
                return work(Threads(rank, barrier, said))
            except BaseException:
                barrier.abort()  # or the others would wait for it
                raise

        with ThreadPoolExecutor(num_workers) as pool:
            futures = [pool.submit(one, rank) for rank in range(num_workers)]
        errors = [error for each in futures if (error := each.exception()) is not None]
        for error in sorted(
            errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)
        ):
            raise error
        return [each.result() for each in futures]

    return together
