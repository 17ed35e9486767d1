"""Converting CSV to typed Parquet, compared with pyarrow's CSV reader, polars and duckdb.

pyarrow's reader discards the rows; polars and duckdb write Parquet, compressed by default.
"""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from linreg.data.csv.convert import csv_to_parquet
from linreg.data.synthetic import draw, num_chunks
from linreg.params.params import Generate

ROWS_AT_A_TIME = 500_000
HAS_POLARS = importlib.util.find_spec("polars") is not None
NO_POLARS = "polars: skipped, as it is not installed"


def compare(num_rows: int, turns: int) -> Iterator[Ratio]:
    """Compare the conversion with which ingest begins; the target is 80 % of the reader's speed.

    `csv` has 3 columns of float32, `csv6` has 6 of float64.
    """
    if not HAS_POLARS:
        print(NO_POLARS)
    for work, M, write in (("csv", 2, write_lesson), ("csv6", 5, write_doubles)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.csv"
            write(path, num_rows)
            yield from _compare(path, work, M, num_rows, turns)


def write_lesson(path: Path, num_rows: int) -> None:
    """Write rows of the lesson: x1, x2, y, up to 9 digits each."""
    params = Generate(rows=num_rows)
    _write(path, (pa.table(draw(params, chunk)) for chunk in range(num_chunks(params))))


def write_doubles(path: Path, num_rows: int) -> None:
    """Write x1 … x5 and y, up to 17 digits each."""
    random = np.random.default_rng(1)

    def tables() -> Iterator[pa.Table]:
        for start in range(0, num_rows, ROWS_AT_A_TIME):
            X = random.standard_normal((5, min(ROWS_AT_A_TIME, num_rows - start)))
            columns = {f"x{j}": x for j, x in enumerate(X, 1)}
            yield pa.table({**columns, "y": X.sum(axis=0) + random.standard_normal(X.shape[1])})

    _write(path, tables())


def _write(path: Path, tables: Iterator[pa.Table]) -> None:
    with path.open("wb") as file:
        for index, table in enumerate(tables):
            pa.csv.write_csv(table, file, pa.csv.WriteOptions(include_header=index == 0))


def _compare(path: Path, work: str, M: int, num_rows: int, turns: int) -> Iterator[Ratio]:
    names = [*(f"x{j}" for j in range(1, M + 1)), "y"]

    def convert() -> None:
        csv_to_parquet([path], names, path.parent)

    def read() -> None:
        for _ in pa.csv.open_csv(path):
            pass

    def convert_by_polars() -> None:
        import polars

        polars.scan_csv(path).sink_parquet(path.with_suffix(".parquet"))

    def convert_by_duckdb() -> None:
        import duckdb

        files = str(path), str(path.with_suffix(".parquet"))
        copy = "COPY (SELECT * FROM read_csv(?)) TO ? (FORMAT parquet)"
        with duckdb.connect() as database:
            database.execute("SET threads = 2")
            database.execute(copy, files)

    peers: dict[str, tuple[Callable[[], None], float, str]] = {
        "pyarrow.csv": (read, 0.8, "ours also writes Parquet")
    }
    if HAS_POLARS:
        peers["polars"] = (convert_by_polars, 1.0, "scan_csv → sink_parquet")
    if importlib.util.find_spec("duckdb"):
        peers["duckdb"] = (convert_by_duckdb, 1.0, "COPY read_csv TO Parquet, two threads")
    for against, (peer, bar, note) in peers.items():
        times = in_turns(lambda: seconds(convert), lambda peer=peer: seconds(peer), turns)  # type: ignore[misc]
        yield ratio_of(work, M, against, times, num_rows, bar=bar, note=note)
