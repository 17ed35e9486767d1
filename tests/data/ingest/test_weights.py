from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.formula.schema import Schema
from linreg.files import read_json
from stages import ingest as stage


class Ingested(NamedTuple):
    """What the stage left."""

    frame: pd.DataFrame
    profile: Any
    schema: Schema


Ingest = Callable[..., Ingested]
Refuse = Callable[..., str]


@pytest.fixture
def ingest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Runs the stage on a CSV text or a file, with `model.weights`."""
    monkeypatch.chdir(tmp_path)

    def run(
        source: str | Path,
        formula: str = "y ~ .",
        missing: str = "error",
        weights: str = "w",
        by: str = "row",
        errors: str = "auto",
    ) -> Ingested:
        if isinstance(source, str):
            tmp_path.joinpath("table.csv").write_text(source)
            source = Path("table.csv")
        assert Path.cwd() == tmp_path  # the stage writes where it runs
        tmp_path.joinpath("params.yaml").write_text(
            f"ingest: {{source: '{source}', missing: {missing}}}\n"
            f"model: {{formula: '{formula}', weights: {weights}}}\nsplit: {{by: '{by}'}}\n"
            f"evaluate: {{errors: '{errors}'}}\n"
        )
        stage.main()
        folder = tmp_path / "data" / "ingested"
        frame = pq.read_table(folder / "table.parquet").to_pandas()
        return Ingested(
            frame, read_json(folder / "profile.json"), Schema.read(folder / "schema.json")
        )

    return run


@pytest.fixture
def refuse(ingest: Ingest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refuse:
    """Runs the stage on a mistake; returns its one line."""

    def run(*args: Any, **options: Any) -> str:
        with pytest.raises(SystemExit) as end:
            ingest(*args, **options)
        assert end.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert not (tmp_path / "data" / "ingested").exists()
        return line.removeprefix("error: ")

    return run


def test_the_weights_are_kept_and_excluded_from_the_dot(ingest: Ingest) -> None:
    found = ingest("y,w,x,z\n1,0.5,1,4\n2,0,2,5\n3,7,3,7\n")
    assert found.schema.formula == "y ~ x + z"
    assert found.schema.weights == "w"
    assert "w" not in found.schema.columns
    assert found.frame.to_dict("list") == {
        "y": [1, 2, 3],
        "w": [0.5, 0, 7],
        "x": [1, 2, 3],
        "z": [4, 5, 7],
    }
    assert (found.profile["columns"]["w"]["min"], found.profile["columns"]["w"]["max"]) == (0, 7)
    assert "w" not in found.profile["not_used"]


def test_without_the_parameter_the_same_column_is_a_feature(ingest: Ingest, tmp_path: Path) -> None:
    table = "y,w,x\n1,0.5,1\n2,0,2\n3,7,3\n"
    assert ingest(table).schema.formula == "y ~ x"
    tmp_path.joinpath("params.yaml").write_text(
        "ingest: {source: table.csv}\nmodel: {formula: 'y ~ .'}\n"
    )
    stage.main()
    schema = Schema.read(tmp_path / "data" / "ingested" / "schema.json")
    assert (schema.formula, schema.weights) == ("y ~ w + x", None)


def test_weights_that_the_formula_names_are_features_too(ingest: Ingest) -> None:
    found = ingest("y,w,x\n1,0.5,1\n2,0,2\n3,7,3\n", "y ~ w + x")
    assert (found.schema.formula, found.schema.weights) == ("y ~ w + x", "w")
    assert found.frame["w"].tolist() == [0.5, 0, 7]


def test_weights_may_be_integers_and_have_spaces_in_their_name(ingest: Ingest) -> None:
    found = ingest("y,number of cars,x\n1,3,1\n2,1,2\n3,2,3\n", weights="number of cars")
    assert found.schema.formula == "y ~ x"
    assert found.frame["number of cars"].tolist() == [3, 1, 2]


def test_the_dot_excludes_both_weights_and_the_column_to_split_by(ingest: Ingest) -> None:
    found = ingest("y,w,x,who\n1,1,1,a\n2,2,2,b\n3,1,3,a\n", by="group:who")
    assert found.schema.formula == "y ~ x"
    assert set(found.frame) == {"w", "who", "x", "y"}


def test_one_column_may_be_used_for_weights_and_split(ingest: Ingest) -> None:
    found = ingest("y,w,x\n1,1,1\n2,2,2\n3,1,3\n", by="group:w")
    assert found.schema.formula == "y ~ x"
    assert found.frame["w"].tolist() == [1, 2, 1]


def test_the_error_for_an_absent_column_names_the_parameter(refuse: Refuse) -> None:
    message = refuse("y,x\n1,1\n2,2\n")
    assert message.startswith(
        "table.csv: column w: is not in the file, but model.weights needs it; found y, x"
    )


@pytest.mark.parametrize("cell", ["-1", "-0.25", "-1e-300"])
def test_a_negative_weight_is_an_error_with_file_row_and_column(refuse: Refuse, cell: str) -> None:
    message = refuse(f"y,x,w\n1,1,1\n2,2,0\n3,3,{cell}\n4,4,2\n")
    assert message.startswith(
        "table.csv: row 3: column w: must not be negative, as it is a weight; found -"
    )
    assert float(message.split("found ")[1].split(";")[0]) == float(cell)


def test_the_error_shows_the_first_of_several_negative_weights(refuse: Refuse) -> None:
    message = refuse("y,x,w\n1,1,1\n2,2,-1\n3,3,-5\n")
    assert message.startswith(
        "table.csv: row 2: column w: must not be negative, as it is a weight; found -1"
    )


def test_a_negative_weight_is_found_after_missing_ones(refuse: Refuse) -> None:
    message = refuse("y,x,w\n1,1,\n2,2,NA\n3,3,-2\n4,4,1\n", missing="drop")
    assert message.startswith("table.csv: row 3: column w: must not be negative")


def test_a_negative_weight_is_counted_within_its_own_file(refuse: Refuse, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "a.csv").write_text("y,x,w\n1,1,1\n2,2,1\n")
    (folder / "b.csv").write_text("y,x,w\n3,3,1\n4,4,-3\n")
    assert refuse(folder).startswith(
        f"{folder}/b.csv: row 2: column w: must not be negative, as it is a weight; found -3"
    )


def test_a_negative_weight_in_parquet_is_an_error_with_its_row(
    refuse: Refuse, tmp_path: Path
) -> None:
    path = tmp_path / "table.parquet"
    table = pa.table({"y": [1.0, 2.0, 3.0, 4.0], "x": [1.0, 2.0, 3.0, 5.0], "w": [1, 2, 3, -4]})
    pq.write_table(table, path, row_group_size=2)
    assert refuse(path).startswith(
        f"{path}: row 4: column w: must not be negative, as it is a weight; found -4"
    )


@pytest.mark.parametrize("cells", ["0", "0.0", "-0.0"])
def test_weights_that_are_all_0_are_an_error(refuse: Refuse, cells: str) -> None:
    message = refuse(f"y,x,w\n1,1,{cells}\n2,2,{cells}\n3,3,{cells}\n")
    assert message.startswith("table.csv: column w: has no positive weight: each is 0 or missing; ")


def test_weights_that_are_all_0_or_missing_are_an_error(refuse: Refuse) -> None:
    message = refuse("y,x,w\n1,1,0\n2,2,\n3,3,0\n", missing="drop")
    assert message.startswith("table.csv: column w: has no positive weight: each is 0 or missing; ")


@pytest.mark.parametrize(
    ("cells", "type_name"),
    [
        (("a", "b", "a"), "string"),
        (("true", "false", "true"), "bool"),
        (("2020-01-01", "2020-01-02", "2020-01-03"), "date32"),
    ],
)
def test_weights_that_are_not_numeric_are_an_error_with_their_type(
    refuse: Refuse, cells: tuple[str, ...], type_name: str
) -> None:
    table = "y,x,w\n" + "".join(f"{i},{i},{cell}\n" for i, cell in enumerate(cells))
    message = refuse(table)
    assert message.startswith("table.csv: column w: must be numeric to be used as weights; found ")
    assert type_name in message
    assert "model.weights" in message


@pytest.mark.parametrize("cell", ["inf", "-inf", "1e999"])
def test_an_infinite_weight_is_an_error_with_its_row(refuse: Refuse, cell: str) -> None:
    assert refuse(f"y,x,w\n1,1,1\n2,2,{cell}\n3,3,1\n").startswith("table.csv: row 2: column w: ")


def test_a_missing_weight_is_an_error_with_its_row(refuse: Refuse) -> None:
    message = refuse("y,x,w\n1,1,1\n2,2,\n3,3,2\n")
    assert message == (
        "table.csv: row 2: column w: is missing, the first of 1 such cells; "
        "set ingest.missing to drop or mean, or fill the cells"
    )


@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_drop_and_mean_drop_a_row_without_weight(ingest: Ingest, missing: str) -> None:
    """A mean replaces no weight, but a missing feature in another row."""
    found = ingest("y,x,w\n1,1,1\n2,2,\n3,,2\n4,4,3\n", missing=missing)
    kept = [1, 3, 4] if missing == "mean" else [1, 4]
    assert found.frame["y"].tolist() == kept
    assert found.profile["dropped"]["w is missing"] == 1
    assert (
        sum(found.profile["dropped"].values())
        == 4 - len(kept)
        == found.profile["rows_read"] - found.profile["rows"]
    )
    assert not found.frame["w"].isna().any()


def test_columns_of_clusters_are_kept_and_excluded_from_the_dot(ingest: Ingest) -> None:
    text = "y,w,x,firm,year\n1,1,1,a,2001\n2,1,2,,2002\n3,1,3,b,2001\n"
    found = ingest(text, missing="mean", errors="cluster:firm,year")
    assert found.schema.formula == "y ~ x"
    assert set(found.frame.columns) == {"y", "x", "w", "firm", "year"}
    # A row without a cluster is dropped, also where numbers are filled.
    assert found.profile["dropped"] == {"firm is missing": 1}


def test_errors_for_columns_of_clusters_name_the_parameter(refuse: Refuse) -> None:
    text = "y,w,x,firm\n1,1,1,a\n2,1,2,\n"
    line = refuse(text, errors="cluster:frm")
    assert "column frm: is not in the file, but evaluate.errors needs it" in line
    assert "did you mean firm?" in line
    line = refuse(text, errors="cluster:firm")
    assert line.startswith("table.csv: row 2: column firm: is missing")


@pytest.mark.parametrize(("cell", "found"), [("0.5", "0.5"), ("1e300", "1e+300")])
def test_a_frequency_is_a_whole_number(refuse: Refuse, cell: str, found: str) -> None:
    line = refuse(f"y,w,x\n1,2.0,1\n2,0,2\n3,{cell},2\n", weights="{column: w, kind: frequency}")
    assert line.startswith("table.csv: row 3: column w: must be a whole number, as it is a freq")
    assert f"found {found};" in line


def test_the_kind_of_weights_is_in_the_schema(ingest: Ingest) -> None:
    text = "y,w,x\n1,2,1\n2,0,2\n3,1,2\n"
    assert ingest(text, weights="{column: w, kind: frequency}").schema.weights_kind == "frequency"
    schema = ingest(text, weights="{column: w}").schema
    assert (schema.weights, schema.weights_kind) == ("w", "analytic")
    assert schema == ingest(text, weights="w").schema
