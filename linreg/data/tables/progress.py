"""How far reading has come, on a terminal, once it takes longer than a second."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import pyarrow as pa

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def told(tables: Iterable[Rows], what: str, total: int | None = None) -> Iterator[Rows]:
    """Yield the tables; their rows are counted on stderr, against `total` where it is known."""
    if not sys.stderr.isatty():
        yield from tables
        return
    from tqdm import tqdm

    with tqdm(desc=what, total=total, unit=" rows", unit_scale=True, delay=1, leave=False) as bar:
        for rows in tables:
            yield rows
            bar.update(rows.num_rows)
