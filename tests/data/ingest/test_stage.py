import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.formula.schema import Schema
from linreg.data.tables.parquet import TRUTH
from linreg.files import read_document, write_document
from stages import ingest as stage

AUTO_MPG = Path(__file__).parents[3] / "data" / "examples" / "auto-mpg.csv"


class Ingested(NamedTuple):
    """What the stage left, and what it said."""

    frame: pd.DataFrame
    profile: Any
    schema: Schema
    said: str


Ingest = Callable[..., Ingested]
Refuse = Callable[..., str]


def write_params(folder: Path, source: Path | str, formula: str, missing: str, by: str) -> None:
    quoted = formula.replace("'", "''")
    folder.joinpath("params.yaml").write_text(
        f"ingest: {{source: '{source}', missing: {missing}}}\n"
        f"model: {{formula: '{quoted}'}}\nsplit: {{by: '{by}'}}\n"
    )


@pytest.fixture
def ingest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ingest:
    """Runs the stage on a CSV text or a file."""
    monkeypatch.chdir(tmp_path)

    def run(source: str | Path, formula: str, missing: str = "error", by: str = "row") -> Ingested:
        if isinstance(source, str):
            tmp_path.joinpath("table.csv").write_text(source)
            source = Path("table.csv")
        assert Path.cwd() == tmp_path  # the stage writes where it runs
        write_params(tmp_path, source, formula, missing, by)
        stage.main()
        folder = tmp_path / "data" / "ingested"
        assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["ingested"]
        profile = read_document(folder / "profile.json")
        names = {"_table.seal", "profile.json", "schema.json", "table.parquet"}
        if profile["dropped"]:
            names |= {"dropped.parquet", "_dropped.seal"}
        assert {path.name for path in folder.iterdir()} == names
        frame = pq.read_table(folder / "table.parquet").to_pandas()
        return Ingested(
            frame, profile, Schema.read(folder / "schema.json"), capsys.readouterr().out
        )

    return run


@pytest.fixture
def refuse(ingest: Ingest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refuse:
    """Runs the stage on a mistake; returns its one line."""

    def run(source: str | Path, formula: str, missing: str = "error", by: str = "row") -> str:
        with pytest.raises(SystemExit) as end:
            ingest(source, formula, missing, by)
        assert end.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert not (tmp_path / "data" / "ingested").exists()
        assert line.startswith("error: ")
        return line.removeprefix("error: ")

    return run


# auto-mpg as it was published: 398 rows, 6 of them with `?` for the horsepower, a free-text name,
# CRLF


def published() -> pd.DataFrame:
    return pd.read_csv(AUTO_MPG, na_values="?")


def test_the_first_of_six_missing_cells_of_auto_mpg_is_an_error(refuse: Refuse) -> None:
    first = int(np.flatnonzero(published()["horsepower"].isna())[0]) + 1
    assert first == 33
    assert refuse(AUTO_MPG, "mpg ~ weight + horsepower") == (
        f"{AUTO_MPG}: row 33: column horsepower: is missing, the first of 6 such cells; "
        "set ingest.missing to drop or mean, or fill the cells"
    )


def test_a_missing_cell_of_an_unused_column_is_no_error(ingest: Ingest) -> None:
    found = ingest(AUTO_MPG, "mpg ~ weight")
    assert len(found.frame) == 398
    assert list(found.frame) == ["mpg", "weight"]
    assert "horsepower" in found.profile["not_used"]


def test_drop_drops_the_incomplete_rows_and_counts_them(ingest: Ingest) -> None:
    found = ingest(AUTO_MPG, "mpg ~ .", missing="drop")
    expected = published().drop(columns="car_name").dropna().reset_index(drop=True)
    pd.testing.assert_frame_equal(found.frame, expected, check_dtype=False)
    assert (found.profile["rows_read"], found.profile["rows"]) == (398, 392)
    assert found.profile["dropped"] == {"horsepower is missing": 6}
    assert "ingest: 6 rows dropped, horsepower is missing" in found.said.splitlines()


def test_mean_keeps_the_incomplete_rows_unfilled(ingest: Ingest) -> None:
    found = ingest(AUTO_MPG, "mpg ~ .", missing="mean")
    pd.testing.assert_frame_equal(
        found.frame, published().drop(columns="car_name"), check_dtype=False
    )
    assert found.profile["dropped"] == {}
    assert found.schema.fill_missing


def test_a_column_that_the_formula_does_not_name_is_told(ingest: Ingest) -> None:
    many = ",".join(f"c{number}" for number in range(20))
    cells = ",1" * 20
    found = ingest(f"y,x,z,{many}\n1,2,3{cells}\n2,3,4{cells}\n3,5,5{cells}\n", "y ~ x")
    columns = ", ".join(f"c{number}" for number in range(11))
    assert found.said.splitlines()[-1] == f"ingest: not in the formula: z, {columns} and 9 more"


@pytest.mark.parametrize("truth", ['{"b": 1, "theta": {"x": 1, "z": 2}}', "[1]", '{"theta": 5}'])
def test_a_true_coefficient_that_the_formula_leaves_out_is_told(
    truth: str, ingest: Ingest, tmp_path: Path
) -> None:
    """What generate.theta says of z; other files may have anything in that place."""
    columns = {"y": [1.0, 2.0, 4.0], "x": [1.0, 2.0, 3.0], "z": [0.0, 1.0, 0.0]}
    table = pa.table(columns).replace_schema_metadata({TRUTH: truth})
    pq.write_table(table, tmp_path / "table.parquet")
    said = ingest(tmp_path / "table.parquet", "y ~ x").said
    assert ("of which the formula leaves out z" in said) == ("z" in truth)
    assert "ingest: not in the formula: z\n" in said


def test_the_dot_excludes_free_text_and_the_reason_is_printed(ingest: Ingest) -> None:
    found = ingest(AUTO_MPG, "mpg ~ .", missing="drop")
    assert "car_name" not in found.schema.formula
    assert found.profile["not_used"] == {"car_name": "free text, 305 different values in 398 cells"}
    assert (
        found.said.splitlines()[-1]
        == "ingest: column car_name not used: free text, 305 different values in 398 cells"
    )


def test_the_profile_has_the_statistics_that_pandas_finds(ingest: Ingest) -> None:
    columns = ingest(AUTO_MPG, "mpg ~ .", missing="drop").profile["columns"]
    for name, series in published().drop(columns="car_name").items():
        found = columns[str(name)]
        assert (found["min"], found["max"], found["missing"]) == (
            series.min(),
            series.max(),
            series.isna().sum(),
        )
        assert found["mean"] == pytest.approx(series.mean(), rel=1e-14)
        assert found["sd"] == pytest.approx(series.std(), rel=1e-14)


def test_free_text_in_the_formula_is_an_error_with_its_first_cell(
    refuse: Refuse, ingest: Ingest
) -> None:
    message = refuse(AUTO_MPG, "mpg ~ car_name")
    assert (
        "row 1: column car_name: 'chevrolet chevelle malibu': is text with few repeated values, "
        "not a category"
    ) in message
    assert ingest(AUTO_MPG, "mpg ~ C(car_name)").schema.category_columns == {"car_name"}


# what the formula asks of a column


def test_a_text_target_is_an_error_with_the_cell_that_made_it_text(refuse: Refuse) -> None:
    message = refuse("y,x\n1,1\n2,2\nthree,3\n", "y ~ x")
    assert message.startswith(
        "table.csv: row 3: column y: 'three': must be a number, as it is the target"
    )


@pytest.mark.parametrize("formula", ["y ~ log(x)", "y ~ I(x * 2)", "y ~ z + log(x):z"])
def test_text_in_an_expression_is_an_error_with_the_cell_that_made_it_text(
    refuse: Refuse, formula: str
) -> None:
    message = refuse("y,x,z\n1,1,1\n2,2 apples,2\n3,3,3\n", formula)
    assert message.startswith(
        "table.csv: row 2: column x: '2 apples': must be a number, as it is used in "
    )


def test_a_typo_in_a_column_of_numbers_is_an_error_with_its_row(refuse: Refuse) -> None:
    lines = "\n".join(f"{i},{i * 2}" for i in range(50))
    message = refuse(f"y,x\n{lines}\n50,1OO\n51,3\n", "y ~ x")
    assert message.startswith(
        "table.csv: row 51: column x: '1OO': is not a number, unlike 51 of the column's 52 cells"
    )


def test_the_error_for_an_absent_column_names_the_parameter_that_needs_it(refuse: Refuse) -> None:
    table = "y,x,a b\n1,1,1\n"
    assert refuse(table, "y ~ x + q") == (
        "table.csv: column q: is not in the file, but model.formula needs it; found y, x, a b; "
        "correct the name; names with spaces go in `back-quotes`"
    )
    assert refuse(table, "y ~ x", by="group:q").startswith(
        "table.csv: column q: is not in the file, but split.by needs it"
    )


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e999"])
def test_an_infinite_number_is_an_error_with_its_row(refuse: Refuse, cell: str) -> None:
    message = refuse(f"y,x\n1,1\n2,{cell}\n3,3\n", "y ~ x", missing="drop")
    assert message.startswith("table.csv: row 2: column x: ")
    assert "inf" in message


@pytest.mark.parametrize(
    ("formula", "x", "found"),
    [
        ("y ~ log(x)", "0", "log(x)"),
        ("y ~ log(x)", "-1", "log(x)"),
        ("y ~ I(1 / (x - 2))", "2", "I(1 / (x - 2))"),
        ("y ~ exp(x)", "1000", "exp(x)"),
        ("log(x) ~ y", "0", "log(x)"),
        ("y ~ sqrt(x):z", "-4", "sqrt(x)"),
    ],
)
def test_an_expression_that_is_not_finite_is_an_error_with_row_and_values(
    refuse: Refuse, formula: str, x: str, found: str
) -> None:
    message = refuse(f"y,x,z\n1,5,1\n2,{x},2\n3,5,3\n", formula)
    assert message == (
        f"table.csv: row 2: {found}: is not finite; found x = {x}; "
        "change model.formula or leave the row out"
    )


@pytest.mark.parametrize("formula", ["y ~ x:z", "y ~ C(g) + x:z:C(g)", "log(y) ~ x * I(z + 0)"])
def test_a_product_that_is_not_finite_is_an_error_with_row_and_values(
    refuse: Refuse, formula: str
) -> None:
    message = refuse("y,x,z,g\n1,5,1,a\n2,,2,a\n3,1e200,-1e200,b\n", formula, missing="drop")
    text = "x:I(z + 0)" if "I(" in formula else "x:z"
    assert message == (
        f"table.csv: row 3: {text}: is not finite; found x = {1e200:.17g}, z = {-1e200:.17g}; "
        "change model.formula or leave the row out"
    )


def test_a_row_is_counted_within_its_own_file(refuse: Refuse, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "a.csv").write_text("y,x\n1,1\n2,2\n")
    (folder / "b.csv").write_text("y,x\n3,0\n4,4\n")
    assert refuse(folder, "y ~ log(x)").startswith(f"{folder}/b.csv: row 1: log(x): is not finite")


def test_the_error_for_a_missing_cell_lists_the_other_incomplete_columns(refuse: Refuse) -> None:
    message = refuse("y,x,z\n1,,1\n2,,\n3,3,3\n", "y ~ x + z")
    assert message.startswith(
        "table.csv: row 1: column x: is missing, the first of 2 such cells (and in z); "
        "set ingest.missing"
    )


def test_a_dropped_row_is_counted_once_for_its_first_missing_column(ingest: Ingest) -> None:
    found = ingest("y,x,z\n1,,1\n2,,\n,3,3\n4,4,\n5,5,5\n", "y ~ x + z", missing="drop")
    assert (
        sum(found.profile["dropped"].values())
        == 4
        == found.profile["rows_read"] - found.profile["rows"]
    )
    assert found.profile["dropped"] == {"y is missing": 1, "x is missing": 2, "z is missing": 1}
    assert found.frame.to_dict("list") == {"y": [5], "x": [5], "z": [5]}


def test_mean_drops_rows_without_target_or_category_but_no_others(ingest: Ingest) -> None:
    table = "y,x,g,k\n1,1,a,1\n,2,a,1\n3,,a,1\n4,4,,1\n5,5,b,\n6,6,b,2\n7,7,b,2\n"
    found = ingest(table, "y ~ x + g + C(k)", missing="mean")
    assert found.profile["dropped"] == {"y is missing": 1, "g is missing": 1, "k is missing": 1}
    assert found.frame["y"].tolist() == [1, 3, 6, 7]
    assert math.isnan(found.frame["x"][1])


def test_drop_and_mean_drop_a_row_without_the_column_to_split_by(ingest: Ingest) -> None:
    table = "y,x,who\n1,1,a\n2,2,\n3,3,b\n4,4,a\n5,5,b\n"
    for missing in ("drop", "mean"):
        found = ingest(table, "y ~ x", missing=missing, by="group:who")
        assert found.profile["dropped"] == {"who is missing": 1}
        assert found.frame["who"].tolist() == ["a", "b", "a", "b"]


def test_the_column_to_split_by_is_kept_and_excluded_from_the_dot(ingest: Ingest) -> None:
    found = ingest("y,x,day\n1,1,2020-01-01\n2,2,2020-01-02\n", "y ~ .", by="time:day")
    assert found.schema.formula == "y ~ x"
    assert list(found.frame) == ["y", "x", "day"]
    assert ingest("y,x,who\n1,1,1\n2,2,2\n", "y ~ .", by="group:who").schema.formula == "y ~ x"


def test_a_time_cannot_be_a_feature(ingest: Ingest, refuse: Refuse) -> None:
    table = "y,x,day\n1,1,2020-01-01\n2,2,2020-01-02\n"
    assert (
        "column day: must be a number or a category to be in the formula; found date32[day]"
        in refuse(table, "y ~ x + day")
    )
    assert ingest(table, "y ~ .").profile["not_used"] == {"day": "a time"}


@pytest.mark.parametrize("table", ["y,x\n", "y,x\n,1\n2,\n"])
def test_a_table_without_complete_rows_is_an_error(refuse: Refuse, table: str) -> None:
    message = refuse(table, "y ~ x", missing="drop")
    assert message.startswith("table.csv: has no row to train on; found ")


def test_a_column_without_values_is_an_error(refuse: Refuse) -> None:
    assert "x" in refuse("y,x\n1,\n2,\n", "y ~ x", missing="mean")


def test_the_dot_stands_for_numbers_and_categories_in_the_order_of_the_file(ingest: Ingest) -> None:
    table = "b,y,k,g\n" + "".join(
        f"{'true' if i % 2 else 'false'},{i},{i % 3},{'uvw'[i % 3]}\n" for i in range(12)
    )
    found = ingest(table, "y ~ .")
    assert found.schema.formula == "y ~ b + k + g"
    assert {name: column.kind for name, column in found.schema.columns.items()} == {
        "b": "category",
        "y": "number",
        "k": "number",
        "g": "category",
    }


def test_the_schema_is_read_back_as_it_was_written(ingest: Ingest, tmp_path: Path) -> None:
    schema = ingest(
        AUTO_MPG, "log(mpg) ~ C(origin)*weight + I(horsepower**2)", missing="mean"
    ).schema
    write_document(tmp_path / "again.json", schema.as_data())
    assert Schema.read(tmp_path / "again.json") == schema


def test_the_same_table_gives_the_same_bytes(ingest: Ingest, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "ingested"
    ingest(AUTO_MPG, "mpg ~ .", missing="mean")
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    ingest(AUTO_MPG, "mpg ~ .", missing="mean")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["12%", "7", "12%", "7%"],
            "column x: '12%': is a formatted number, which makes the column text; write plain",
        ),
        (
            ["5 kg", "3 lb", "5 kg", "4 lb"],
            "column x: '5 kg': is a formatted number, which makes the column text",
        ),
        (
            ["1", "2", "few", "1"],
            "row 3: column x: 'few': is not a number, unlike 3 of the column's 4 cells; correct",
        ),
    ],
)
def test_formatted_numbers_do_not_silently_become_a_category(
    refuse: Refuse, cells: list[str], message: str
) -> None:
    rows = "\n".join(f'{i},"{cell}"' for i, cell in enumerate(cells))
    assert message in refuse(f"y,x\n{rows}\n", "y ~ x")


def test_a_similar_name_or_another_delimiter_is_suggested(refuse: Refuse) -> None:
    assert refuse("y,Size\n1,2\n", "y ~ size").endswith("did you mean Size?")
    assert "if ':' separates cells: `linreg use FILE --delimiter ':'`" in refuse(
        "y:size\n1:2\n", "y ~ size"
    )
