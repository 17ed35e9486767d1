"""What row groups, encodings and compressions of a Parquet file cost in time and bytes.

    python -m benchmarks.parquet_layout

For three float32 columns of normal numbers, as `generate` draws them. Prints for each layout the
size and the rows per second that one thread writes and reads: medians over turns of all layouts.
"""

import functools
import statistics
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.compare import seconds
from linreg.data.synthetic import draw, num_chunks
from linreg.params.generate import Generate

NUM_ROWS = 8 << 20
TURNS = 5
ROW_GROUPS = (16_384, 131_072, 1 << 20, 4 << 20)
PLAIN: dict[str, Any] = {"use_dictionary": False, "compression": "none"}
ENCODINGS: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "plain, page checksums": PLAIN | {"write_page_checksum": True},
    "plain, snappy": PLAIN | {"compression": "snappy"},
    "plain, zstd": PLAIN | {"compression": "zstd"},
    "byte stream split, zstd": PLAIN | {"compression": "zstd", "use_byte_stream_split": True},
    "dictionary, snappy": {},
}


def main() -> None:
    """Print a line for each layout."""
    params = Generate(rows=NUM_ROWS)
    table = pa.Table.from_batches(
        [draw(params, chunk) for chunk in range(num_chunks(params))]
    ).combine_chunks()
    layouts = [(group, "plain, page checksums") for group in ROW_GROUPS]
    layouts += [(131_072, name) for name in ENCODINGS if name != "plain, page checksums"]
    times: dict[tuple[int, str], list[tuple[float, float]]] = {layout: [] for layout in layouts}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        sizes = {}
        for _ in range(TURNS):
            for group, name in layouts:
                write = functools.partial(
                    pq.write_table, table, path, row_group_size=group, **ENCODINGS[name]
                )
                times[group, name].append((seconds(write), seconds(lambda: _read(path))))
                sizes[group, name] = path.stat().st_size
    for (group, name), each in times.items():
        write, read = (NUM_ROWS / statistics.median(column) for column in zip(*each, strict=True))
        size = sizes[group, name] / NUM_ROWS
        print(
            f"{group:>9} rows per row group, {name}: {size:.2f} bytes per row, "
            f"write {write:.3g} rows/s, read {read:.3g} rows/s"
        )


def _read(path: Path) -> None:
    file = pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True)
    for group in range(file.metadata.num_row_groups):
        file.read_row_group(group, use_threads=False)


if __name__ == "__main__":
    main()
