"""Rows of SQLite, DuckDB and PostgreSQL: those that the database has, and the same bytes again."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.fetch.fetched import fetch_table
from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table
from linreg.errors import UserError
from linreg.files import file_hash, read_document
from linreg.params.fetch import Fetch
from tests.data.fetch.servers import PASSWORD, PROGRAMS, free_port, postgresql

ROOT = Path(__file__).parents[3]


class Database(NamedTuple):
    """An empty database: its address, and how to change it."""

    url: str
    execute: Any


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    if shutil.which("initdb", path=PROGRAMS) is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("adbc_driver_postgresql")
    with postgresql() as server:
        yield server.port


def postgresql_database(port: int) -> Database:
    from adbc_driver_postgresql import dbapi

    def execute(*commands: str) -> None:
        actual = f"postgresql://analyst:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
        with closing(dbapi.connect(actual)) as connection, connection.cursor() as cursor:
            for command in commands:
                cursor.execute(command)
            connection.commit()

    execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    url = f"postgresql://analyst:{{DB_PASSWORD}}@127.0.0.1:{port}/postgres"
    return Database(url, execute)


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Database:
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    if request.param == "postgresql":
        return postgresql_database(request.getfixturevalue("server"))
    path = tmp_path / "tables.db"
    if request.param == "sqlite":
        connect: Any = sqlite3.connect
    else:
        connect = pytest.importorskip("duckdb").connect

    def execute(*commands: str) -> None:
        with closing(connect(str(path))) as connection:
            for command in commands:
                connection.execute(command)
            if request.param == "sqlite":
                connection.commit()

    return Database(str(path), execute)


def rows_of(url: str, sql: str, folder: Path, **more: Any) -> pa.Table:
    return pq.read_table(fetch_table(Fetch(url=url, sql=sql, **more), folder).source)


def refusal(url: str, folder: Path, **asked: Any) -> str:
    with pytest.raises(UserError) as caught:
        fetch_table(Fetch(url=url, **asked), folder)
    assert not folder.exists()
    assert PASSWORD not in str(caught.value)
    assert quote(PASSWORD, safe="") not in str(caught.value)
    return str(caught.value)


SALES = (
    "CREATE TABLE sales (price double precision, area integer, zone text)",
    "INSERT INTO sales VALUES (2.5, 3, 'north'), (1.25, NULL, NULL), (2.5, 1, 'süd'), (0, 2, 'a')",
)
SORTED = [
    {"price": 0.0, "area": 2, "zone": "a"},
    {"price": 1.25, "area": None, "zone": None},
    {"price": 2.5, "area": 1, "zone": "süd"},
    {"price": 2.5, "area": 3, "zone": "north"},
]


@pytest.mark.parametrize(
    "sql",
    ["sales", '"sales"', "SELECT * FROM sales;", "SELECT * FROM sales -- all of them", "a_view"],
)
def test_a_query_a_table_and_a_view_give_their_rows_sorted_by_all_columns(
    database: Database, sql: str, tmp_path: Path
) -> None:
    database.execute(*SALES, "CREATE VIEW a_view AS SELECT * FROM sales")
    assert rows_of(database.url, sql, tmp_path / "out").to_pylist() == SORTED


def test_the_same_rows_are_the_same_bytes_in_whatever_order_they_were_inserted(
    database: Database, tmp_path: Path
) -> None:
    database.execute(*SALES)
    first = fetch_table(Fetch(url=database.url, sql="sales"), tmp_path / "out")
    before = file_hash(first.source)
    database.execute("CREATE TABLE copy AS SELECT * FROM sales ORDER BY zone DESC")
    database.execute("DELETE FROM sales", "INSERT INTO sales SELECT * FROM copy")
    second = fetch_table(Fetch(url=database.url, sql="sales"), tmp_path / "out")
    assert file_hash(second.source) == before
    assert second.news == "the same again"
    database.execute("UPDATE sales SET area = 4 WHERE area = 3")
    third = fetch_table(Fetch(url=database.url, sql="sales"), tmp_path / "out")
    assert third.news == "fetched"
    assert file_hash(third.source) != before


def test_what_was_fetched_is_recorded(database: Database, tmp_path: Path) -> None:
    database.execute(*SALES)
    fetched = fetch_table(Fetch(url=database.url, sql="sales"), tmp_path / "out")
    record = read_document(tmp_path / "out/fetched.json")
    assert record["asked"] == {"url": database.url, "sql": "sales"}
    assert record["rows"] == 4
    assert record["content"] == file_hash(fetched.source)
    assert list(record["columns"]) == ["area", "price", "zone"]
    files = [each.read_bytes() for each in (tmp_path / "out").iterdir()]
    assert not any(PASSWORD.encode() in each for each in files)


def test_rows_are_read_again_only_if_the_fingerprint_differs(
    database: Database, tmp_path: Path
) -> None:
    database.execute(*SALES)
    fetch = Fetch(url=database.url, sql="sales", fingerprint="SELECT max(area) FROM sales;")
    assert fetch_table(fetch, tmp_path / "out").news == "fetched"
    database.execute("UPDATE sales SET price = 9 WHERE area = 1")
    assert fetch_table(fetch, tmp_path / "out").news == "unchanged"
    database.execute("UPDATE sales SET area = 9 WHERE area = 1")
    fetched = fetch_table(fetch, tmp_path / "out")
    assert fetched.news == "fetched"
    assert 9.0 in pq.read_table(fetched.source)["price"].to_pylist()


def test_another_query_or_a_changed_file_is_fetched_again_whatever_the_fingerprint(
    database: Database, tmp_path: Path
) -> None:
    database.execute(*SALES)
    same: dict[str, Any] = {"url": database.url, "fingerprint": "SELECT 1"}
    fetch_table(Fetch(sql="sales", **same), tmp_path / "out")
    fewer = fetch_table(Fetch(sql="SELECT price FROM sales", **same), tmp_path / "out")
    assert pq.read_schema(fewer.source).names == ["price"]
    fewer.source.write_bytes(fewer.source.read_bytes()[:-1] + b"x")
    again = fetch_table(Fetch(sql="SELECT price FROM sales", **same), tmp_path / "out")
    assert again.news == "fetched"
    assert pq.read_table(again.source).num_rows == 4


def test_numbers_of_many_types_are_the_same_in_the_pipeline(
    database: Database, tmp_path: Path
) -> None:
    """Against the literals: what is decimal here is read by way of its digits."""
    database.execute(*SALES)
    query = (
        "SELECT 123456789012345678 AS big, 0.1 + 0.2 AS tenth, CAST(1e300 AS double precision)"
        " AS huge, 12345678.12345678 AS exact, CAST(NULL AS integer) AS unknown, -5 AS below"
    )
    fetched = fetch_table(Fetch(url=database.url, sql=query), tmp_path / "out")
    source = open_source(fetched.source)
    table = open_typed_table(source, source.columns, tmp_path / "scratch")
    (chunk,) = table.chunks()
    row = chunk.rows.to_pylist()[0]
    assert row["big"] == 123456789012345678
    assert row["tenth"] == pytest.approx(0.3, rel=1e-15)
    assert (row["huge"], row["exact"], row["below"]) == (1e300, 12345678.12345678, -5)
    assert row["unknown"] is None


def test_an_empty_result_is_a_table_without_rows(database: Database, tmp_path: Path) -> None:
    database.execute(*SALES)
    assert rows_of(database.url, "SELECT * FROM sales WHERE 1 = 0", tmp_path / "o").num_rows == 0


def test_columns_with_odd_names_keep_them(database: Database, tmp_path: Path) -> None:
    database.execute(*SALES)
    names = ["a b", 'say "hi"', "Größe", "select", "1"]
    columns = ", ".join(f'1 AS "{name.replace(chr(34), chr(34) * 2)}"' for name in names)
    assert rows_of(database.url, f"SELECT {columns}", tmp_path / "out").column_names == names


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sales",
        "DROP TABLE sales",
        "SELECT * FROM sales; DROP TABLE sales",
        "SELECT 1) AS a; DELETE FROM sales; --",
        "INSERT INTO sales VALUES (1, 1, 'b') RETURNING price",
    ],
)
@pytest.mark.parametrize("key", ["sql", "fingerprint"])
def test_nothing_but_one_query_is_executed(
    database: Database, sql: str, key: str, tmp_path: Path
) -> None:
    database.execute(*SALES)
    message = refusal(database.url, tmp_path / "out", **{"sql": "sales", key: sql})
    assert "refuses the query" in message
    assert rows_of(database.url, "sales", tmp_path / "rows").to_pylist() == SORTED


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("nosuch", "nosuch"),
        ("SELECT nosuch FROM sales", "nosuch"),
        ("SELEC price FROM sales", "syntax error"),
    ],
)
def test_what_is_wrong_with_a_query_is_said_in_the_words_of_the_database(
    database: Database, sql: str, words: str, tmp_path: Path
) -> None:
    database.execute(*SALES)
    message = refusal(database.url, tmp_path / "out", sql=sql)
    assert message.startswith(f"{database.url}: refuses the query; found ")
    assert words in message
    assert "\n" not in message


def test_a_database_needs_a_query(database: Database, tmp_path: Path) -> None:
    database.execute(*SALES)
    assert "linreg use … --sql 'SELECT …'" in refusal(database.url, tmp_path / "out")


@pytest.mark.slow
def test_a_long_table_arrives_in_row_groups_of_the_usual_length(
    database: Database, tmp_path: Path
) -> None:
    database.execute(
        "CREATE TABLE long AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 200000) SELECT i, i * 0.5 AS half FROM n"
    )
    source = fetch_table(Fetch(url=database.url, sql="long"), tmp_path / "out").source
    metadata = pq.ParquetFile(source).metadata
    assert [metadata.row_group(i).num_rows for i in range(2)] == [131072, 200000 - 131072]
    rows = pq.read_table(source)
    assert rows["i"].to_pylist() == list(range(1, 200001))
    assert float(rows["half"][-1].as_py()) == 100000


def test_cells_of_sqlite_decide_the_type_of_their_column(tmp_path: Path) -> None:
    """A column may hold fractions only after any number of whole ones, or of NULL."""
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        connection.execute("CREATE TABLE t (a, b, c INTEGER, d)")
        rows = [(None, 1, i, None) for i in range(3000)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [*rows, ("x", 0.5, 3000, None)])
        connection.commit()
    table = rows_of(str(tmp_path / "t.db"), "SELECT * FROM t", tmp_path / "out")
    assert [str(each) for each in table.schema.types] == ["string", "double", "int64", "null"]
    assert sum(table["b"].to_pylist()) == 3000.5


def test_a_column_of_sqlite_with_numbers_and_text_is_refused_with_a_cell(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        connection.execute("CREATE TABLE t (a REAL)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1.5,), ("N/A",)])
        connection.commit()
    message = refusal(str(tmp_path / "t.db"), tmp_path / "out", sql="t")
    assert "column a: holds numbers and text; found 'N/A'" in message
    query = "SELECT NULLIF(a, 'N/A') AS a FROM t"
    table = rows_of(str(tmp_path / "t.db"), query, tmp_path / "out")
    assert table["a"].to_pylist() == [None, 1.5]


def test_types_of_postgresql(server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    database = postgresql_database(server)
    query = """SELECT 1.50::numeric AS price, 'NaN'::numeric AS gap, true AS sold,
        date '2024-02-29' AS day, timestamp '2024-02-29 12:30:00.5' AS at,
        timestamptz '2024-02-29 12:30:00+02' AS moment, 'x'::char(3) AS code,
        '{"a": 1}'::jsonb AS document, point(1, 2) AS place, 7::smallint AS small"""
    fetched = fetch_table(Fetch(url=database.url, sql=query), tmp_path / "out")
    (row,) = pq.read_table(fetched.source).to_pylist()
    assert row.pop("gap") != 0
    assert row == {
        "price": 1.5,
        "sold": True,
        "day": date(2024, 2, 29),
        "at": datetime(2024, 2, 29, 12, 30, 0, 500000),
        "moment": datetime(2024, 2, 29, 10, 30, tzinfo=UTC),
        "code": "x  ",
        "small": 7,
    }
    assert [line.split(";")[0] for line in fetched.lines()[1:]] == [
        "column document is left out",
        "column place is left out",
    ]


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT '1'::money AS m", "column m: has the type money"),
        ("SELECT timestamp 'infinity' AS t", "column t: holds infinity"),
        ("SELECT 1 / (i - 2) AS q FROM generate_series(1, 3) AS i", "division by zero"),
        ("SELECT 1 AS a, 2 AS a", "has two columns of one name; found a"),
    ],
)
def test_what_would_arrive_as_another_value_is_refused(
    server: int, sql: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    assert what in refusal(postgresql_database(server).url, tmp_path / "out", sql=sql)


def test_a_server_that_refuses_or_is_not_there_is_one_line_without_the_password(
    server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql_database(server).url
    message = refusal(url, tmp_path / "out", sql="t")
    assert message.endswith("needs the environment variable DB_PASSWORD; export DB_PASSWORD=…")
    monkeypatch.setenv("DB_PASSWORD", "wrong one")
    message = refusal(url, tmp_path / "out", sql="t")
    assert "password authentication failed" in message
    assert "wrong" not in message
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    elsewhere = url.replace(str(server), str(free_port()))
    assert "Connection refused" in refusal(elsewhere, tmp_path / "out", sql="t")
    nowhere = url.replace("/postgres", "/nosuch")
    assert 'database "nosuch" does not exist' in refusal(nowhere, tmp_path / "out", sql="t")


def test_a_password_of_the_usual_variable_is_used(
    server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://analyst@127.0.0.1:{server}/postgres"
    assert "no password supplied" in refusal(url, tmp_path / "out", sql="SELECT 1 AS a")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert rows_of(url, "SELECT 1 AS a", tmp_path / "out")["a"].to_pylist() == [1]


def test_a_library_that_is_absent_is_one_line_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None in sys.modules is how Python is told that there is no such module."""
    (tmp_path / "t.duckdb").write_bytes(b"12345678DUCK" + bytes(100))
    (tmp_path / "lake/_delta_log").mkdir(parents=True)
    (tmp_path / "ice/metadata").mkdir(parents=True)
    (tmp_path / "ice/metadata/v1.metadata.json").write_text("{}")
    for module, url, extra in (
        ("duckdb", str(tmp_path / "t.duckdb"), "sql"),
        ("adbc_driver_postgresql.dbapi", "postgresql://u@127.0.0.1/db", "sql"),
        ("deltalake", str(tmp_path / "lake"), "lake"),
        ("pyiceberg.table", str(tmp_path / "ice"), "lake"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        sql = {"sql": "t"} if extra == "sql" else {}
        message = refusal(url, tmp_path / "out", **sql)
        assert message.startswith(f"{url}: is read by {module.split('.')[0].replace('_', '-')},")
        assert message.endswith(f"pip install 'linreg[{extra}]'")


PEAK = """
import sys
from pathlib import Path
from linreg.data.fetch.fetched import fetch_table
from linreg.params.fetch import Fetch
fetch_table(Fetch(url=sys.argv[1], sql=sys.argv[2]), Path(sys.argv[3]))
print(next(line.split()[1] for line in open("/proc/self/status") if "VmHWM" in line))
"""


@pytest.mark.very_slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_memory_does_not_grow_with_the_table(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})"
        " SELECT i, i * 0.5 AS half, 'row ' || i AS name FROM n"
    )
    if kind == "sqlite":
        url = str(tmp_path / "t.db")
        sqlite3.connect(url).execute("CREATE TABLE t (a)").connection.close()
    else:
        monkeypatch.setenv("DB_PASSWORD", PASSWORD)
        url = postgresql_database(request.getfixturevalue("server")).url
    peaks = []
    # A driver reads some batches ahead, which the shorter table fills, too.
    for most in (1_200_000, 3_600_000):
        out = tmp_path / f"out-{most}"
        arguments = [sys.executable, "-c", PEAK, url, numbers.format(most=most), str(out)]
        done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
        assert read_document(out / "fetched.json")["rows"] == most
        peaks.append(int(done.stdout))
    # In kB; the rows in between are 90 MB as Arrow has them.
    assert peaks[1] < peaks[0] + 25_000
