"""Which kind of table an address leads to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import fs

from linreg.data.fetch import delta_table, duckdb_table, iceberg_table, sqlite_table
from linreg.data.fetch.address import Address
from linreg.data.fetch.bucket import bucket
from linreg.data.fetch.postgresql_table import postgresql_table
from linreg.data.fetch.remote import Remote
from linreg.data.fetch.web_file import web_file
from linreg.params.fetch import SCHEMES, Fetch


@contextmanager
def open_remote(fetch: Fetch) -> Iterator[Remote]:
    """Open the table of an address; raises UserError for one that leads nowhere."""
    address = Address.of(fetch.url)
    if not address.scheme and not address.path.exists():
        raise address.error("there is no such file or folder", todo="check the path")
    kind = _kind(address)
    if kind == "database" and fetch.version is not None:
        raise address.error("is a database, whose tables have no version (fetch.NAME.version)")
    if fetch.sql and kind != "database":
        raise address.error("is no database, which a query could be sent to (fetch.NAME.sql)")
    match kind, address.scheme or local_kind(address.path):
        case _, "postgresql" | "postgres":
            with postgresql_table(fetch, address) as table:
                yield table
        case _, "sqlite":
            with sqlite_table.sqlite_table(fetch, address) as table:
                yield table
        case _, "duckdb":
            with duckdb_table.duckdb_table(fetch, address) as table:
                yield table
        case "delta", _:
            yield delta_table.DeltaTable(fetch, address)
        case "iceberg", _:
            yield iceberg_table.IcebergTable(fetch, address)
        case _, "http" | "https":
            with web_file(address) as file:
                yield file
        case _, "s3" | "gs":
            with bucket(address) as files:
                yield files
        case _, _:
            found = address.scheme or "a file or folder of another kind"
            todo = f"known: {', '.join(f'{each}://' for each in SCHEMES)}, and paths of SQLite and"
            todo += " DuckDB files, Delta and Iceberg tables"
            raise address.error("is not a database, a lake or an address", found, todo)


def local_kind(path: Path) -> str | None:
    """Return what a path leads to: sqlite, duckdb, delta or iceberg; None for anything else."""
    if path.is_dir():
        if (path / delta_table.LOG).is_dir():
            return "delta"
        is_iceberg = any((path / iceberg_table.METADATA).glob(f"*{iceberg_table.SUFFIX}"))
        return "iceberg" if is_iceberg else None
    if path.name.endswith(iceberg_table.SUFFIX):
        return "iceberg"
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(32)
    if start.startswith(sqlite_table.MAGIC):
        return "sqlite"
    is_duckdb = start[duckdb_table.MAGIC_AT :].startswith(duckdb_table.MAGIC)
    return "duckdb" if is_duckdb else None


def _kind(address: Address) -> str:
    """Return database, delta, iceberg or file."""
    if address.scheme in ("postgresql", "postgres", "sqlite", "duckdb"):
        return "database"
    if not address.scheme:
        kind = local_kind(address.path) or "file"
        return "database" if kind in ("sqlite", "duckdb") else kind
    if address.written.endswith(iceberg_table.SUFFIX):
        return "iceberg"
    if address.scheme in ("s3", "gs") and _has_delta_log(address):
        return "delta"
    return "file"


def _has_delta_log(address: Address) -> bool:
    with address.errors("cannot be read", OSError, ValueError):
        files, path = fs.FileSystem.from_uri(address.actual)
        log = files.get_file_info(f"{path.rstrip('/')}/{delta_table.LOG}")
    return bool(log.type == fs.FileType.Directory)
