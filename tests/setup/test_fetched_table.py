"""A table elsewhere: which parameters `linreg use` writes for it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.params.fetch import Fetch
from linreg.params.file import load_params
from linreg.setup.fetched_table import fetch_for_use, is_fetched, unused_tables
from linreg.setup.options import UseOptions


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("fetch: {}\n")
    with closing(sqlite3.connect("shop.db")) as connection:
        connection.execute("CREATE TABLE sales (price REAL, area REAL)")
        connection.execute("INSERT INTO sales VALUES (1.5, 2)")
        connection.commit()
    return tmp_path


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("sales", "sales"),
        ("main.sales", "sales"),
        ('"sales"', "sales"),
        ("SELECT price, area FROM sales", "shop"),
    ],
)
def test_a_table_has_the_name_that_it_has_in_its_database_or_that_of_the_database(
    sql: str, name: str
) -> None:
    fetched, settings = fetch_for_use(UseOptions("shop.db", sql=sql), load_params())
    assert fetched.source == Path(f"data/fetched/{name}/table.parquet")
    assert settings[f"fetch.{name}"].value == {"url": "shop.db", "sql": sql}


def test_another_table_of_the_same_name_gets_a_number_and_the_same_one_its_own(
    folder: Path,
) -> None:
    (folder / "params.yaml").write_text("fetch: {sales: {url: other.db, sql: sales}}\n")
    _, settings = fetch_for_use(UseOptions("shop.db", sql="sales"), load_params())
    assert list(settings) == ["fetch.sales-2"]
    (folder / "params.yaml").write_text("fetch: {sales: {url: shop.db, sql: sales}}\n")
    query = UseOptions("shop.db", sql="sales", fingerprint="SELECT count(*) FROM sales")
    _, settings = fetch_for_use(query, load_params())
    assert list(settings) == ["fetch.sales"]


def test_a_file_of_rows_is_not_fetched_and_what_is_none_is(folder: Path) -> None:
    Path("t.csv").write_text("x,y\n1,2\n")
    (folder / "lake/_delta_log").mkdir(parents=True)
    assert not is_fetched(UseOptions(Path("t.csv")))
    assert not is_fetched(UseOptions(folder))
    assert is_fetched(UseOptions(Path("lake")))
    assert is_fetched(UseOptions(Path("shop.db")))
    assert is_fetched(UseOptions("https://example.org/t.csv"))


@pytest.mark.parametrize("url", ["ftp://host/t.csv", "mysql://u:pw@host/db", "hdfs://host/t"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="begins with none of postgresql://, ") as caught:
        fetch_for_use(UseOptions(url), load_params())
    assert "pw" not in str(caught.value)


def test_a_table_that_is_fetched_for_nothing_is_named() -> None:
    params = load_params().model_copy(update={"fetch": {"a": Fetch(url="x"), "b": Fetch(url="y")}})
    assert list(unused_tables(params, "data/fetched/a/table.parquet")) == ["b"]
    assert list(unused_tables(params, "data/fetched/a/many")) == ["b"]
    assert list(unused_tables(params, "t.csv")) == ["a", "b"]


def test_the_command_that_is_printed_has_all_about_the_table() -> None:
    options = UseOptions("postgresql://u:{PW}@h/db", sql="SELECT 1", fingerprint="f", at_version=3)
    assert options.command() == (
        "linreg use 'postgresql://u:{PW}@h/db' --sql 'SELECT 1' --fingerprint f --at-version 3"
    )
