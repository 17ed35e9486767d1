"""Files of a real S3 server on this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.fetch.fetched import fetch_table
from linreg.errors import UserError
from linreg.files import read_document
from linreg.params.fetch import Fetch

ROWS = pa.table({"x": [1, 2, 3], "g": ["a", "b", "a"]})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    client = pytest.importorskip("boto3").client("s3")
    client.create_bucket(Bucket="shop")
    return client


def refusal(url: str, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        fetch_table(Fetch(url=url), folder)
    assert not folder.exists()
    assert "a-secret" not in str(caught.value)
    return str(caught.value)


def test_a_file_arrives_as_it_is_and_again_only_when_its_etag_is_another(
    s3: Any, tmp_path: Path
) -> None:
    s3.put_object(Bucket="shop", Key="one/t.csv", Body=b"x\n1\n")
    fetch = Fetch(url="s3://shop/one/t.csv")
    fetched = fetch_table(fetch, tmp_path / "out")
    assert fetched.source.name == "t.csv"
    assert fetched.source.read_bytes() == b"x\n1\n"
    etag = s3.head_object(Bucket="shop", Key="one/t.csv")["ETag"]
    assert read_document(tmp_path / "out/fetched.json")["etag"] == {"t.csv": etag}
    assert fetch_table(fetch, tmp_path / "out").news == "unchanged"
    s3.put_object(Bucket="shop", Key="one/t.csv", Body=b"x\n2\n")
    assert fetch_table(fetch, tmp_path / "out").source.read_bytes() == b"x\n2\n"


@pytest.mark.parametrize("end", ["", "/"])
def test_a_prefix_is_a_folder_of_all_its_files(s3: Any, end: str, tmp_path: Path) -> None:
    pq.write_table(ROWS, tmp_path / "t.parquet")
    for name in ("b.parquet", "a.parquet", "_SUCCESS", ".hidden"):
        s3.upload_file(str(tmp_path / "t.parquet"), "shop", f"many/{name}")
    fetch = Fetch(url=f"s3://shop/many{end}")
    fetched = fetch_table(fetch, tmp_path / "out")
    assert sorted(each.name for each in fetched.source.iterdir()) == ["a.parquet", "b.parquet"]
    assert fetch_table(fetch, tmp_path / "out").news == "unchanged"
    s3.upload_file(str(tmp_path / "t.parquet"), "shop", "many/c.parquet")
    assert len(list(fetch_table(fetch, tmp_path / "out").source.iterdir())) == 3
    s3.delete_object(Bucket="shop", Key="many/c.parquet")


def test_a_delta_table_in_a_bucket_is_read_as_one(s3: Any, tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    options = {"AWS_ALLOW_HTTP": "true", "AWS_S3_ALLOW_UNSAFE_RENAME": "true"}
    for _ in range(2):
        deltalake.write_deltalake(
            "s3://shop/delta", ROWS, mode="overwrite", storage_options=options
        )
    fetched = fetch_table(Fetch(url="s3://shop/delta"), tmp_path / "out")
    assert pq.read_table(fetched.source).to_pylist() == ROWS.to_pylist()


def test_what_is_not_there_is_one_line(s3: Any, tmp_path: Path) -> None:
    expected = "there is no such file or prefix; check the address"
    assert refusal("s3://shop/nosuch.csv", tmp_path / "out") == f"s3://shop/nosuch.csv: {expected}"
    assert refusal("s3://nosuch/t.csv", tmp_path / "out") == f"s3://nosuch/t.csv: {expected}"
