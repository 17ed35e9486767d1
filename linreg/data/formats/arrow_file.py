"""Arrow (Feather) files, read by record batch: the file and the stream format."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from linreg.data.tables.parquet import errors_about
from linreg.errors import UserError

_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
_NO_COLUMN = pa.ipc.IpcReadOptions(included_fields=[])


class ArrowFile:
    """A file of Arrow record batches, with the interface of TableFile: a batch is a row group.

    A stream has to be read from its beginning; to read batches in their order takes one pass.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: pa.RecordBatchStreamReader | None = None
        self._next = 0
        with errors_about(path, "Arrow"):
            with pa.OSFile(str(path)) as file:
                self._is_stream = file.read(6) != b"ARROW1"
                if self._is_stream:
                    _require_end(file, path)
            self.schema: pa.Schema = self._open().schema
            self._lengths = self._lengths_of_batches()
        self.num_row_groups = len(self._lengths)
        self.num_rows = sum(self._lengths)

    def row_group_length(self, index: int) -> int:
        """Return the number of rows of a batch, without reading it."""
        return self._lengths[index]

    def row_group(self, index: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a batch: all columns, or those named."""
        names = list(self.schema.names if columns is None else columns)
        with errors_about(self.path, "Arrow"):
            if not self._is_stream:
                # In the order of the file, whichever order is asked for.
                fields = [self.schema.get_field_index(name) for name in names]
                options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
                batch = self._open(options).get_batch(index)
            else:
                batch = self._batch_of_stream(index)
            return pa.Table.from_batches([batch]).select(names)

    def _batch_of_stream(self, index: int) -> pa.RecordBatch:
        if self._reader is None or index < self._next:
            self._reader, self._next = self._open(), 0
        for _ in range(index - self._next):
            self._reader.read_next_batch()
        self._next = index + 1
        return self._reader.read_next_batch()

    def _open(
        self, options: pa.ipc.IpcReadOptions | None = None
    ) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
        open_ = pa.ipc.open_stream if self._is_stream else pa.ipc.open_file
        return open_(pa.OSFile(str(self.path)), options=options)

    def _lengths_of_batches(self) -> list[int]:
        reader = self._open(_NO_COLUMN)
        if not self._is_stream:
            return [reader.get_batch(index).num_rows for index in range(reader.num_record_batches)]
        lengths = []
        with suppress(StopIteration):
            while True:
                lengths.append(reader.read_next_batch().num_rows)
        return lengths


def _require_end(file: pa.NativeFile, path: Path) -> None:
    """Raise UserError for a stream that ends after a whole batch, but not as streams end."""
    size = file.size()
    file.seek(max(0, size - 8))
    if file.read(8) != _END_OF_STREAM:
        what = "is an Arrow stream that ends without the mark of its end"
        raise UserError(path, what, todo="it may be cut off: make it again")
