"""A Delta table, read by deltalake: the files of one version, in the order of their names."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from linreg.data.fetch.address import Address
from linreg.data.fetch.extras import import_extra
from linreg.data.fetch.remote import Rows, Saved, as_plain, plain_schema
from linreg.params.fetch import Fetch

LOG = "_delta_log"
ROWS_AT_ONCE = 65_536


class DeltaTable:
    """One version of a Delta table."""

    def __init__(self, fetch: Fetch, address: Address) -> None:
        self._address = address
        deltalake = import_extra("deltalake", "lake", address)
        self._error = deltalake.exceptions.DeltaError
        place = address.actual if address.scheme else str(address.path)
        # A server without TLS has to be allowed.
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        options = {"AWS_ALLOW_HTTP": "true"} if plain else None
        with address.errors("cannot be read as a Delta table", self._error, OSError, ValueError):
            self._table = deltalake.DeltaTable(place, fetch.version, storage_options=options)

    def fingerprint(self) -> str | None:
        """Return the number of the version."""
        return str(self._table.version())

    def save(self, folder: Path) -> Saved:
        """Write the rows; raises UserError for what deltalake cannot apply, as deletion vectors."""
        with self._address.errors(
            "uses a feature of Delta that its reader does not know",
            self._error,
            pa.ArrowException,
            NotImplementedError,
        ):
            data = self._table.to_pyarrow_dataset()
            schema, left_out = plain_schema(data.schema, self._address.written)
            saved = Rows(schema, self._batches(data, schema), left_out).save(folder, self._address)
        return Saved(saved.source, {**saved.facts, "version": self._table.version()})

    def _batches(self, data: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self._address.errors("lacks a file, or has a damaged one", OSError, pa.ArrowException):
            for file in sorted(data.get_fragments(), key=lambda each: each.path):
                batches = file.to_batches(
                    schema=data.schema,
                    columns=schema.names,
                    batch_size=ROWS_AT_ONCE,
                    use_threads=False,
                    batch_readahead=1,
                )
                for batch in batches:
                    yield as_plain(batch, schema)
