"""Reading the Arrow streams in which rows wait on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa


@contextmanager
def open_stream(path: Path) -> Iterator[pa.RecordBatchStreamReader]:
    """Open a file that `pa.ipc.new_stream` wrote.

    Given the path itself, pyarrow would map the file into memory, in the end all of it.
    """
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        yield stream
