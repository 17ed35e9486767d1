"""A progress bar on a terminal, for reading that takes longer than a second."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import pyarrow as pa

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def with_progress(tables: Iterable[Rows], title: str, total: int | None = None) -> Iterator[Rows]:
    """Yield the tables and show on stderr how many of their `total` rows have been yielded.

    Without `total` the rows are only counted.
    """
    if not sys.stderr.isatty():
        yield from tables
        return
    from tqdm import tqdm

    with tqdm(desc=title, total=total, unit=" rows", unit_scale=True, delay=1, leave=False) as bar:
        for rows in tables:
            yield rows
            bar.update(rows.num_rows)
