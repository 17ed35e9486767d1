"""Delta and Iceberg tables, written by their own libraries: one version, as a whole."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.fetch.fetched import Fetched, fetch_table
from linreg.errors import UserError
from linreg.files import read_document
from linreg.params.fetch import Fetch

FIRST = pa.table({"x": [1, 2, 3], "g": ["a", "b", "a"], "y": [0.5, 1.5, None]})
SECOND = pa.table({"x": [4, 5], "g": ["b", "c"], "y": [2.5, 3.5], "z": [7, 8]})
BOTH = [*FIRST.append_column("z", pa.nulls(3, pa.int64())).to_pylist(), *SECOND.to_pylist()]


def by_x(fetched: Fetched) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(fetched.source).to_pylist()
    return sorted(rows, key=lambda row: row["x"])


def refusal(folder: Path, **asked: Any) -> str:
    with pytest.raises(UserError) as caught:
        fetch_table(Fetch(**asked), folder)
    assert not folder.exists()
    return str(caught.value)


@pytest.fixture
def delta(tmp_path: Path) -> str:
    deltalake = pytest.importorskip("deltalake")
    path = tmp_path / "delta"
    deltalake.write_deltalake(path, FIRST, partition_by=["g"])
    deltalake.write_deltalake(path, SECOND, mode="append", schema_mode="merge")
    return str(path)


@pytest.fixture
def iceberg(tmp_path: Path) -> Any:
    sql = pytest.importorskip("pyiceberg.catalog.sql")
    (tmp_path / "lake").mkdir()
    uri = f"sqlite:///{tmp_path}/catalog.db"
    catalog = sql.SqlCatalog("test", uri=uri, warehouse=f"file://{tmp_path}/lake")
    catalog.create_namespace("shop")
    table = catalog.create_table("shop.sales", schema=FIRST.schema)
    table.append(FIRST)
    with table.update_schema() as update:
        update.union_by_name(SECOND.schema)
    table.append(SECOND)
    yield table
    catalog.close()


def folder_of(table: Any) -> str:
    return str(Path(table.metadata_location.removeprefix("file://")).parents[1])


def test_a_delta_table_has_its_newest_rows_partition_columns_and_new_columns(
    delta: str, tmp_path: Path
) -> None:
    fetched = fetch_table(Fetch(url=delta), tmp_path / "out")
    assert by_x(fetched) == BOTH
    assert read_document(tmp_path / "out/fetched.json")["version"] == 1
    assert fetch_table(Fetch(url=delta), tmp_path / "out").news == "unchanged"


def test_a_version_of_a_delta_table_can_be_chosen(delta: str, tmp_path: Path) -> None:
    assert by_x(fetch_table(Fetch(url=delta, version=0), tmp_path / "out")) == FIRST.to_pylist()
    message = refusal(tmp_path / "other", url=delta, version=9)
    assert message.startswith(f"{delta}: cannot be read as a Delta table; found ")


def test_rows_that_were_deleted_or_replaced_are_not_read(delta: str, tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    fetch_table(Fetch(url=delta), tmp_path / "out")
    deltalake.DeltaTable(delta).delete("x = 4")
    fetched = fetch_table(Fetch(url=delta), tmp_path / "out")
    assert fetched.news == "fetched"
    assert [row["x"] for row in by_x(fetched)] == [1, 2, 3, 5]


def test_deletion_vectors_are_refused(delta: str, tmp_path: Path) -> None:
    features = ["deletionVectors"]
    protocol: dict[str, Any] = {"minReaderVersion": 3, "minWriterVersion": 7}
    protocol |= {"readerFeatures": features, "writerFeatures": features}
    log = Path(delta) / "_delta_log/00000000000000000002.json"
    log.write_text(json.dumps({"protocol": protocol}) + "\n")
    message = refusal(tmp_path / "out", url=delta)
    assert "uses a feature of Delta that its reader does not know" in message
    assert "deletionVectors" in message


def test_a_missing_file_of_a_lake_is_one_line(delta: str, tmp_path: Path) -> None:
    shutil.rmtree(Path(delta) / "g=a")
    assert refusal(tmp_path / "out", url=delta).startswith(f"{delta}: ")


def test_an_iceberg_table_is_found_by_its_folder_or_metadata(iceberg: Any, tmp_path: Path) -> None:
    fetched = fetch_table(Fetch(url=folder_of(iceberg)), tmp_path / "out")
    assert by_x(fetched) == BOTH
    record = read_document(tmp_path / "out/fetched.json")
    assert record["snapshot"] == iceberg.current_snapshot().snapshot_id
    assert fetch_table(Fetch(url=folder_of(iceberg)), tmp_path / "out").news == "unchanged"
    metadata = iceberg.metadata_location.removeprefix("file://")
    assert by_x(fetch_table(Fetch(url=metadata), tmp_path / "other")) == BOTH


def test_a_snapshot_of_an_iceberg_table_can_be_chosen(iceberg: Any, tmp_path: Path) -> None:
    first = iceberg.snapshots()[0].snapshot_id
    url = folder_of(iceberg)
    assert by_x(fetch_table(Fetch(url=url, version=first), tmp_path / "out")) == FIRST.to_pylist()
    assert "has no snapshot 5; found " in refusal(tmp_path / "other", url=url, version=5)


def test_deletes_in_an_iceberg_table_are_noticed(iceberg: Any, tmp_path: Path) -> None:
    fetch_table(Fetch(url=folder_of(iceberg)), tmp_path / "out")
    iceberg.delete("x = 2")
    fetched = fetch_table(Fetch(url=folder_of(iceberg)), tmp_path / "out")
    assert [row["x"] for row in by_x(fetched)] == [1, 3, 4, 5]


def test_a_lake_takes_no_query(delta: str, tmp_path: Path) -> None:
    assert "is no database" in refusal(tmp_path / "out", url=delta, sql="SELECT 1")
