"""Converting CSV to typed Parquet, compared with pyarrow's CSV reader, polars and duckdb.

pyarrow's streaming reader is told the types, and its rows go to the same Parquet writer as ours;
polars and duckdb write Parquet, compressed by default.
"""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from linreg.data.csv.convert import csv_to_parquet
from linreg.data.csv.dialect import read_header
from linreg.data.synthetic import draw, num_chunks
from linreg.data.tables.parquet import TableWriter
from linreg.params.generate import Generate

ROWS_AT_A_TIME = 500_000
HAS_POLARS = importlib.util.find_spec("polars") is not None
_NOTE = "open_csv, which is told the types, to the same Parquet writer"
NO_POLARS = "polars: skipped, as it is not installed"


def compare(num_rows: int, turns: int) -> Iterator[Ratio]:
    """Compare the conversion with which ingest begins; the target is 80 % of pyarrow's speed.

    `csv` has 3 columns of float32, `csv6` 6 of float64, `csv_mixed` whole numbers, prices, floats,
    a category and dates, `csv_text` 4 columns of text and a number.
    """
    if not HAS_POLARS:
        print(NO_POLARS)
    works = {
        "csv": write_lesson,
        "csv6": write_doubles,
        "csv_mixed": write_mixed,
        "csv_text": write_text,
    }
    for work, write in works.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.csv"
            write(path, num_rows)
            yield from _compare(path, work, num_rows, turns)
            if work == "csv_mixed":
                for codec, suffix in (("gzip", ".gz"), ("zstd", ".zst")):
                    yield _compare_compressed(path, work + suffix, codec, num_rows, turns)


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


def write_mixed(path: Path, num_rows: int) -> None:
    """Write a whole number, a price, a float, a category and a date."""
    random = np.random.default_rng(2)
    regions = np.array(["north", "south", "east", "west", "centre"])
    first_day = np.datetime64("2015-01-01")

    def tables() -> Iterator[pa.Table]:
        for start in range(0, num_rows, ROWS_AT_A_TIME):
            n = min(ROWS_AT_A_TIME, num_rows - start)
            yield pa.table(
                {
                    "id": random.integers(0, 1_000_000, n),
                    "price": np.round(random.gamma(2, 50, n), 2),
                    "x": random.standard_normal(n),
                    "region": regions[random.integers(0, 5, n)],
                    "day": pa.array(first_day + random.integers(0, 3000, n)),
                }
            )

    _write(path, tables())


def write_text(path: Path, num_rows: int) -> None:
    """Write four columns of text, some with many values, and a float."""
    random = np.random.default_rng(3)

    def texts(pattern: str, most: int, n: int) -> list[str]:
        return [pattern.format(k) for k in random.integers(0, most, n)]

    def tables() -> Iterator[pa.Table]:
        for start in range(0, num_rows, ROWS_AT_A_TIME):
            n = min(ROWS_AT_A_TIME, num_rows - start)
            yield pa.table(
                {
                    "city": texts("City of {}", 20_000, n),
                    "note": texts("a longer text, number {} of them", 300_000, n),
                    "region": texts("region {}", 5, n),
                    "code": texts("A{:05d}", 90_000, n),
                    "y": random.standard_normal(n),
                }
            )

    _write(path, tables())


def _write(path: Path, tables: Iterator[pa.Table]) -> None:
    with path.open("wb") as file:
        for index, table in enumerate(tables):
            pa.csv.write_csv(table, file, pa.csv.WriteOptions(include_header=index == 0))


def _compare(path: Path, work: str, num_rows: int, turns: int) -> Iterator[Ratio]:
    ours, by_arrow = _conversions(path)

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
        "pyarrow.csv": (by_arrow, 0.8, _NOTE)
    }
    if HAS_POLARS:
        peers["polars"] = (convert_by_polars, 1.0, "scan_csv → sink_parquet")
    if importlib.util.find_spec("duckdb"):
        peers["duckdb"] = (convert_by_duckdb, 1.0, "COPY read_csv TO Parquet, two threads")
    M = len(read_header(path).names) - 1
    for against, (peer, bar, note) in peers.items():
        times = in_turns(lambda: seconds(ours), lambda peer=peer: seconds(peer), turns)  # type: ignore[misc]
        yield ratio_of(work, M, against, times, num_rows, bar=bar, note=note)


def _compare_compressed(path: Path, work: str, codec: str, num_rows: int, turns: int) -> Ratio:
    compressed = path.with_suffix(f".{codec}")
    with path.open("rb") as rows, pa.CompressedOutputStream(str(compressed), codec) as target:
        while piece := rows.read(1 << 22):
            target.write(piece)
    ours, by_arrow = _conversions(compressed, codec)
    times = in_turns(lambda: seconds(ours), lambda: seconds(by_arrow), turns)
    M = len(read_header(path).names) - 1
    return ratio_of(work, M, "pyarrow.csv", times, num_rows, bar=0.8, note=_NOTE)


def _conversions(
    path: Path, codec: str | None = None
) -> tuple[Callable[[], object], Callable[[], None]]:
    """Return the conversion of a file by us, and by pyarrow's streaming reader to our types."""
    names = read_header(path).names

    def convert() -> Sequence[Path]:
        return csv_to_parquet([read_header(path)], names, path.parent).paths

    schema = pq.read_schema(convert()[0])
    options = pyarrow.csv.ConvertOptions(column_types=schema, strings_can_be_null=True)

    def convert_by_arrow() -> None:
        with (
            pa.input_stream(str(path), compression=codec) as file,
            pyarrow.csv.open_csv(file, convert_options=options) as reader,
            TableWriter(path.with_suffix(".parquet"), reader.schema, checksums=False) as writer,
        ):
            for rows in reader:
                writer.write(rows)

    return convert, convert_by_arrow
