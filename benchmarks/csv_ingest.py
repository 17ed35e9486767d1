"""Converting CSV to typed Parquet, compared with pyarrow's CSV reader, which discards the rows."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from linreg.data.csv.convert import csv_to_parquet
from linreg.data.synthetic import draw, num_chunks
from linreg.params import Generate


def compare(num_rows: int, turns: int) -> Iterator[Ratio]:
    """Compare the conversion with which ingest begins; the target is 80 % of the reader's speed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        _write(path, num_rows)
        names = ["x1", "x2", "y"]

        def read() -> None:
            for _ in pa.csv.open_csv(path):
                pass

        times = in_turns(
            lambda: seconds(lambda: csv_to_parquet([path], names, Path(folder))),
            lambda: seconds(read),
            turns,
        )
        yield ratio_of(
            "csv", 2, "pyarrow.csv", times, num_rows, bar=0.8, note="ours also writes Parquet"
        )


def _write(path: Path, num_rows: int) -> None:
    params = Generate(rows=num_rows)
    with path.open("wb") as file:
        for chunk in range(num_chunks(params)):
            pa.csv.write_csv(
                pa.Table.from_batches([draw(params, chunk)]),
                file,
                pa.csv.WriteOptions(include_header=chunk == 0),
            )
