import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.formats.table_kind import TableKind
from linreg.data.source import open_source
from linreg.data.tables.parquet import TRUTH, write_table
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions


def write(path: Path, columns: dict[str, Any] | pa.Table, **options: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def test_a_folder_is_read_in_the_order_of_the_files_names(tmp_path: Path) -> None:
    for name, x in (("b", 3), ("a", 1), ("a10", 2)):
        write(tmp_path / "f" / f"{name}.parquet", {"x": [x]})
    (tmp_path / "f" / "_SUCCESS").write_text("")
    (tmp_path / "f" / ".hidden").write_text("")
    (tmp_path / "f" / "sub").mkdir()
    assert [path.name for path in open_source(tmp_path / "f").files] == [
        "a.parquet",
        "a10.parquet",
        "b.parquet",
    ]


def test_the_format_of_a_file_is_recognized_by_its_content(tmp_path: Path) -> None:
    parquet = open_source(write(tmp_path / "data.csv", {"x": [1]}))
    assert (parquet.kind, parquet.columns) == (TableKind.PARQUET, ("x",))
    (tmp_path / "data.parquet").write_text("x\n2\n")
    csv = open_source(tmp_path / "data.parquet")
    assert (csv.kind, csv.columns) == (TableKind.CSV, ("x",))


def test_a_folder_holds_one_kind_of_file(tmp_path: Path) -> None:
    write(tmp_path / "f" / "a.parquet", {"x": [1]})
    (tmp_path / "f" / "b.csv").write_text("x\n1\n")
    found = r"found .*a\.parquet \(Parquet\) and .*b\.csv \(CSV\)"
    with pytest.raises(UserError, match=rf"must hold tables of one kind; {found}"):
        open_source(tmp_path / "f")


def test_only_a_named_index_of_pandas_is_a_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=[5, 9])
    frame.to_parquet(tmp_path / "t.parquet")
    assert open_source(tmp_path / "t.parquet").columns == ("x", "")
    frame.rename_axis("id").to_parquet(tmp_path / "named.parquet")
    assert open_source(tmp_path / "named.parquet").columns == ("x", "id")


def test_a_duplicate_column_name_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.parquet",
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]),
    )
    with pytest.raises(
        UserError, match=r"t\.parquet: column x: duplicate column name; rename one of them"
    ):
        open_source(path)


def test_the_error_about_an_absent_source_names_the_parameter(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"nothing\.csv: there is no such file \(ingest\.source\); check the path"
    ):
        open_source(tmp_path / "nothing.csv")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("")
    with pytest.raises(
        UserError,
        match=r"is a folder without files; found \.hidden; put CSV or Parquet files into it",
    ):
        open_source(tmp_path)


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", {"x": [1]})
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(UserError, match=r"t\.parquet: cannot be read as Parquet"):
        open_source(path)


def test_only_generated_files_hold_the_true_coefficients(tmp_path: Path) -> None:
    truth = {"theta": {"x1": 2.0}, "b": 4.2}
    table = pa.table({"x1": [1.0]}).replace_schema_metadata({TRUTH: json.dumps(truth)})
    assert open_source(write(tmp_path / "t.parquet", table)).truth == truth
    assert open_source(write(tmp_path / "u.parquet", {"x1": [1.0]})).truth is None
    (tmp_path / "t.csv").write_text("x1\n1\n")
    assert open_source(tmp_path / "t.csv").truth is None


@pytest.mark.parametrize("change", ["append", "replace", "delete"])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x\n1\n")
    source = open_source(path)
    source.require_unchanged()
    if change == "append":
        path.write_text("x\n1\n2\n")
    else:
        path.unlink()
    if change == "replace":
        (tmp_path / "other").write_text("x\n2\n")
        (tmp_path / "other").rename(path)
    with pytest.raises(UserError, match=r"t\.csv: was changed while it was being read"):
        source.require_unchanged()


def test_a_folder_that_lacks_a_sealed_table_is_refused(tmp_path: Path) -> None:
    for name in "ab":
        table = pa.table({"x": [1.0]})
        write_table(tmp_path / f"{name}.parquet", table.schema, [table])
    assert len(open_source(tmp_path).files) == 2
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(UserError, match=r"a\.parquet: there is no such file, but there is its"):
        open_source(tmp_path)


def test_names_are_only_for_csv_files(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1\n2\n")
    assert open_source(tmp_path / "t.csv", ReadOptions(names=("x",))).columns == ("x",)
    for name in ("a", "b"):
        write(tmp_path / f"tables/{name}.parquet", {"x": [1]})
    with pytest.raises(UserError, match=r"tables/a\.parquet: is Parquet, whose columns have names"):
        open_source(tmp_path / "tables", ReadOptions(names=("x",)))


def test_metadata_of_the_truth_that_is_not_json_is_refused(tmp_path: Path) -> None:
    table = pa.table({"x": [1.0]}).replace_schema_metadata({TRUTH: "{"})
    source = open_source(write(tmp_path / "t.parquet", table))
    with pytest.raises(UserError, match=r"has metadata linreg\.truth that is not JSON"):
        _ = source.truth


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("t.parquet", "delimiter", ";"),
        ("t.parquet", "skip", 1),
        ("t.parquet", "comment", "#"),
        ("t.parquet", "encoding", "cp1252"),
        ("t.jsonl", "delimiter", ";"),
        ("t.csv", "sheet", "Sales"),
    ],
)
def test_an_option_that_says_nothing_about_a_kind_of_file_is_refused_in_one_line(
    tmp_path: Path, name: str, option: str, value: Any
) -> None:
    write(tmp_path / "t.parquet", {"x": [1]})
    (tmp_path / "t.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
    (tmp_path / "t.csv").write_text("x\n1\n")
    source = open_source(tmp_path / name, ReadOptions(**{option: value}))
    with pytest.raises(UserError, match=f"ingest.{option} says nothing about; found {value!r}; "):
        source.require_options_with_meaning()
    open_source(tmp_path / name).require_options_with_meaning()
