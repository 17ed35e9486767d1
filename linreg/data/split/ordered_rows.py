"""Rows of several processes written in the order of the table."""

from pathlib import Path

import pyarrow as pa

from linreg.data.split.scratch_stream import open_stream
from linreg.data.tables.parquet import new_table
from linreg.process.workers import ALONE, Workers


class OrderedRows:
    """Collects rows in bounded memory and writes them in the order of the table.

    Several processes may add rows, each those of its own range of row groups.
    """

    def __init__(
        self, name: str, schema: pa.Schema, scratch: Path, workers: Workers = ALONE
    ) -> None:
        self._schema = schema
        self._paths = [scratch / f"{name}-from-{rank}.arrow" for rank in range(workers.size)]
        self._stream = pa.ipc.new_stream(self._paths[workers.rank], schema)

    def add(self, rows: pa.Table) -> None:
        """Append rows; each process adds its own in order."""
        self._stream.write_table(rows)

    def close(self) -> None:
        """Finish this process's rows."""
        self._stream.close()

    def write(self, path: Path) -> None:
        """Write all rows, once every process has closed, and delete the collected ones."""
        with new_table(path, self._schema) as output:
            for part in self._paths:
                with open_stream(part) as stream:
                    for batch in stream:
                        output.write(batch)
                part.unlink()
