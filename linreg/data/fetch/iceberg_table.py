"""An Iceberg table, read by pyiceberg: the files of one snapshot, in the order of their names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from linreg.data.fetch.address import Address
from linreg.data.fetch.extras import import_extra
from linreg.data.fetch.remote import Rows, Saved, as_plain, plain_schema
from linreg.params.fetch import Fetch

METADATA = "metadata"
SUFFIX = ".metadata.json"


class IcebergTable:
    """One snapshot of an Iceberg table, found by its metadata file."""

    def __init__(self, fetch: Fetch, address: Address) -> None:
        self._address = address
        tables = import_extra("pyiceberg.table", "lake", address)
        place = address.actual if address.scheme else str(newest_metadata(address))
        # pyiceberg raises errors of many kinds, from a dozen modules.
        with address.errors("cannot be read as an Iceberg table", Exception):
            self._table = tables.StaticTable.from_metadata(place)
        snapshot = self._table.current_snapshot()
        self._snapshot = fetch.version or (snapshot and snapshot.snapshot_id)
        if fetch.version and self._table.snapshot_by_id(fetch.version) is None:
            found = ", ".join(str(each.snapshot_id) for each in self._table.snapshots()[-5:])
            raise address.error(f"has no snapshot {fetch.version}", found)

    def fingerprint(self) -> str | None:
        """Return the id of the snapshot, and of the schema, which may change alone."""
        return f"{self._snapshot}, schema {self._table.schema().schema_id}"

    def save(self, folder: Path) -> Saved:
        """Write the rows; raises UserError for what pyiceberg cannot apply."""
        scan = self._table.scan(snapshot_id=self._snapshot)
        what = "uses a feature of Iceberg that its reader does not know"
        with self._address.errors(what, ValueError, NotImplementedError, pa.ArrowException):
            as_arrow = import_extra("pyiceberg.io.pyarrow", "lake", self._address)
            schema, left_out = plain_schema(
                as_arrow.schema_to_pyarrow(scan.projection()), self._address.written
            )
            rows = self._batches(scan, schema, as_arrow) if self._snapshot else iter(())
            saved = Rows(_plain(schema), rows, left_out).save(folder, self._address)
        return Saved(saved.source, {**saved.facts, "snapshot": self._snapshot})

    def _batches(self, scan: Any, schema: pa.Schema, io: Any) -> Iterator[pa.RecordBatch]:
        reader = io.ArrowScan(scan.table_metadata, scan.io, scan.projection(), scan.row_filter)
        with self._address.errors("lacks a file, or has a damaged one", OSError, pa.ArrowException):
            for task in sorted(scan.plan_files(), key=lambda each: str(each.file.file_path)):
                for batch in reader.to_record_batches([task]):
                    yield as_plain(batch, _plain(schema))


def newest_metadata(address: Address) -> Path:
    """Return the metadata file of a table: the address itself, or the newest in its folder."""
    if address.path.is_file():
        return address.path
    files = list((address.path / METADATA).glob(f"*{SUFFIX}"))
    if not files:
        raise address.error(f"has no file {METADATA}/*{SUFFIX}")
    return max(files, key=lambda each: (_number(each), each.name))


def _number(file: Path) -> int:
    digits = file.name.lstrip("v").partition("-")[0].partition(".")[0]
    return int(digits) if digits.isdecimal() else -1


def _plain(schema: pa.Schema) -> pa.Schema:
    # pyiceberg notes the numbers of its columns in the metadata.
    return pa.schema([(each.name, each.type) for each in schema])
