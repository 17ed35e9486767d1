"""`linreg use`: what it writes into params.yaml, what it prints, and the pipeline afterwards."""

import difflib
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.cli import main
from linreg.data.csv.dialect import DELIMITERS
from linreg.params import Params
from linreg.params_file import load_params
from tests.project import Project, copy_of_the_project

ROOT = Path(__file__).parents[2]
N = 240
RNG = np.random.default_rng(11)
HOUSES = pd.DataFrame(
    {
        "size": RNG.normal(90, 25, N).round(1),
        "age": RNG.integers(0, 80, N),
        "zone": RNG.choice(["north", "south", "old town"], N),
    }
)
HOUSES["price"] = (
    3 * HOUSES["size"] - HOUSES["age"] + 40 * (HOUSES["zone"] == "north") + RNG.normal(0, 9, N)
).round(2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the command, with nothing but params.yaml."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def use(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs the command; returns what it prints, or its error."""

    def use(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["linreg", "use", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == (2 if printed.err else 0)
        assert "Traceback" not in printed.err
        assert len(printed.err.splitlines()) <= 1
        return printed.out + printed.err

    return use


def written(folder: Path) -> Params:
    return load_params(folder / "params.yaml")


def flat(text: str) -> str:
    """What was printed without its line breaks."""
    return " ".join(text.split())


def test_the_example_of_the_readme_is_set_up(folder: Path, use: Callable[..., str]) -> None:
    shutil.copy(ROOT / "data/examples/auto-mpg.csv", folder)
    printed = use("auto-mpg.csv")
    params = written(folder)
    assert params.ingest.source == "auto-mpg.csv"
    assert params.model.formula == (
        "mpg ~ cylinders + displacement + horsepower + weight + acceleration + modelyear + origin"
    )
    assert (params.ingest.missing, params.train.scale) == ("drop", "whiten")
    gates = {name: (gate.min, gate.max) for name, gate in params.evaluate.gates.items()}
    assert gates == {"test_r2": (0, None), "gap": (None, 0.01)}
    assert "the loss is expected to end at" in flat(printed)
    for words in (
        "Target: mpg, guessed from its name.",
        "car_name is free text",
        "C(origin)",
        "6 rows, 1.5%, have a missing cell",
        "git checkout",
    ):
        assert words in flat(printed)
    assert max(map(len, printed.splitlines())) <= 80


def test_comments_and_all_other_lines_are_kept_byte_for_byte(
    folder: Path, use: Callable[..., str]
) -> None:
    HOUSES.to_csv("houses.csv", index=False)
    before = (folder / "params.yaml").read_bytes().decode()
    use("houses.csv")
    after = (folder / "params.yaml").read_bytes().decode()
    changed = {
        line[2:].strip().split(":")[0]
        for line in difflib.ndiff(before.split("\n"), after.split("\n"))
        if line[0] in "+-"
    }
    of_training = {"scale", "schedule", "average", "batch_size", "epochs", "lr"}
    assert changed <= {"source", "formula", "gates", "test_r2", *of_training}
    assert {"source", "formula", "scale"} <= changed
    for line in before.splitlines():
        assert "#" not in line or line[line.index("#") :] in after


def test_a_second_use_changes_nothing_and_keeps_the_users_gates(
    folder: Path, use: Callable[..., str]
) -> None:
    HOUSES.to_csv("houses.csv", index=False)
    assert "Written to params.yaml" in use("houses.csv")
    path = folder / "params.yaml"
    path.write_text(path.read_text().replace("{test_r2: {min: 0}}", "{gap: {max: 0.5}}"))
    once = path.read_bytes()
    assert "Already in params.yaml" in use("houses.csv")
    assert path.read_bytes() == once


def test_a_dry_run_writes_nothing(folder: Path, use: Callable[..., str]) -> None:
    HOUSES.to_csv("houses.csv", index=False)
    before = sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())
    assert "Nothing was written." in use("houses.csv", "--dry-run", "--copy")
    assert (
        sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()) == before
    )


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_formula_is_the_same_for_any_delimiter_and_for_a_folder_of_files(
    folder: Path, use: Callable[..., str], delimiter: str
) -> None:
    (folder / "parts").mkdir()
    for index, rows in enumerate(np.array_split(np.arange(N), 3)):
        HOUSES.iloc[rows].to_csv(
            f"parts/{index}.csv", index=False, sep=delimiter, encoding="utf-8-sig"
        )
    assert "CSV, 3 files, 240 rows, 4 columns" in use("parts")
    assert written(folder).model.formula == "price ~ size + age + zone"
    assert written(folder).ingest.source == "parts"


def test_decimal_commas_with_semicolons_are_numbers(folder: Path, use: Callable[..., str]) -> None:
    HOUSES.to_csv("houses.csv", index=False, sep=";", decimal=",")
    use("houses.csv")
    assert written(folder).model.formula == "price ~ size + age + zone"


def test_columns_of_parquet_that_a_formula_cannot_use_are_left_out(
    folder: Path, use: Callable[..., str]
) -> None:
    table = pa.Table.from_pandas(HOUSES, preserve_index=False)
    table = table.append_column("photos", pa.array([[1, 2]] * N))
    table = table.append_column("sold", pa.array(pd.date_range("2024-01-01", periods=N)))
    pq.write_table(table, folder / "houses.parquet")
    printed = flat(use("houses.parquet"))
    assert (
        "photos has the type list<element: int64>, which is neither number, text nor time. Not read"
        in printed
    )
    assert "split.by: time:sold" in printed
    assert written(folder).model.formula == "price ~ size + age + zone"


def test_a_file_without_a_header_needs_names_and_they_are_remembered(
    folder: Path, use: Callable[..., str]
) -> None:
    HOUSES.to_csv("houses.csv", index=False, header=False)
    error = use("houses.csv")
    assert "has no header" in error
    assert "linreg use FILE --names a,b,c,d" in error
    printed = use("houses.csv", "--names", "size,age,zone,price")
    assert "240 rows" in printed
    assert written(folder).ingest.names == ("size", "age", "zone", "price")
    once = (folder / "params.yaml").read_bytes()
    use("houses.csv")  # it is known now
    assert (folder / "params.yaml").read_bytes() == once
    HOUSES.to_csv("other.csv", index=False)
    use("other.csv")
    assert written(folder).ingest.names is None


def test_a_column_without_a_name_is_a_warning_and_not_read(
    folder: Path, use: Callable[..., str]
) -> None:
    HOUSES.to_csv("houses.csv")
    assert "A column has no name" in use("houses.csv")
    assert written(folder).model.formula == "price ~ size + age + zone"


def test_names_are_quoted_in_the_formula_and_one_with_a_back_quote_is_left_out(
    folder: Path, use: Callable[..., str]
) -> None:
    HOUSES.rename(columns={"size": "size, m²", "age": "a`ge", "price": "the price"}).to_csv(
        "h.csv", index=False
    )
    assert "which a formula cannot have" in flat(use("h.csv"))
    assert written(folder).model.formula == "`the price` ~ `size, m²` + zone"


def test_columns_that_determine_the_target_are_a_warning_with_the_relation(
    folder: Path, use: Callable[..., str]
) -> None:
    houses = HOUSES.assign(tax=RNG.normal(5, 2, N).round(2))
    houses["price"] = (houses["size"] + 2 * houses["tax"] - houses["age"]).round(2)
    houses.to_csv("houses.csv", index=False)
    assert "price = size − age + 2·tax" not in flat(use("houses.csv", "--without", "tax"))
    printed = flat(use("houses.csv"))
    assert "The features determine the target exactly: price = size − age + 2·tax." in printed
    assert written(folder).model.formula == "price ~ size + age + zone + tax"


def test_a_column_that_leaks_the_target_is_left_out(folder: Path, use: Callable[..., str]) -> None:
    HOUSES.assign(euros=(HOUSES["price"] * 0.92).round(2)).to_csv("houses.csv", index=False)
    assert "euros leaks the target price" in flat(use("houses.csv", "--target", "price"))
    assert written(folder).model.formula == "price ~ size + age + zone"


def test_collinear_columns_are_left_out_with_their_relation(
    folder: Path, use: Callable[..., str]
) -> None:
    north = HOUSES["zone"].map({"north": "yes", "south": "no", "old town": "no"})
    HOUSES.assign(both=HOUSES["size"] + HOUSES["age"], is_north=north).to_csv(
        "houses.csv", index=False
    )
    printed = flat(use("houses.csv", "--target", "price"))
    assert "both = size + age" in printed
    assert "is_north[T.yes] = " in printed
    assert written(folder).model.formula == "price ~ size + age + zone"


@pytest.mark.parametrize(("share", "policy"), [(0.0, "error"), (0.02, "drop"), (0.3, "mean")])
def test_the_policy_for_missing_cells_depends_on_the_share_of_incomplete_rows(
    folder: Path, use: Callable[..., str], share: float, policy: str
) -> None:
    houses = HOUSES.copy()
    houses.loc[: int(share * N) - 1, "size"] = np.nan
    houses.to_csv("houses.csv", index=False)
    use("houses.csv")
    assert written(folder).ingest.missing == policy


def test_a_wide_table_becomes_a_dot_and_is_printed_in_part(
    folder: Path, use: Callable[..., str]
) -> None:
    wide = pd.DataFrame(RNG.normal(size=(300, 50)), columns=[f"v{j}" for j in range(50)])
    wide.assign(y=wide.sum(axis=1) + RNG.normal(size=300)).to_csv("wide.csv", index=False)
    printed = use("wide.csv")
    assert written(folder).model.formula == "y ~ ."
    assert "… and 22 more columns: 22 features" in printed
    use("wide.csv", "--without", "v3")
    assert "v3" not in written(folder).model.formula.split(" + ")


def test_auxiliary_columns_are_not_features_and_parameters_with_absent_ones_are_reset(
    folder: Path, use: Callable[..., str]
) -> None:
    path = folder / "params.yaml"
    path.write_text(
        path.read_text()
        .replace("by: row", "by: group:zone")
        .replace("weights: null", "weights: age")
    )
    HOUSES.to_csv("houses.csv", index=False)
    use("houses.csv")
    params = written(folder)
    assert params.model.formula == "price ~ size"
    assert (params.split.by, params.model.weights) == ("group:zone", "age")
    HOUSES.drop(columns=["zone", "age"]).to_csv("other.csv", index=False)
    assert "the column that it named is not in this file" in flat(use("other.csv"))
    assert (written(folder).split.by, written(folder).model.weights) == ("row", None)


def test_a_file_outside_of_the_repository_is_copied_on_request(
    folder: Path, use: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "houses.csv"
    HOUSES.to_csv(elsewhere, index=False)
    assert "outside of this repository" in flat(use(str(elsewhere)))
    assert written(folder).ingest.source == str(elsewhere)
    assert "once you commit it: git add data/own/houses.csv" in flat(use(str(elsewhere), "--copy"))
    assert written(folder).ingest.source == "data/own/houses.csv"
    assert (folder / "data/own/houses.csv").read_bytes() == elsewhere.read_bytes()
    elsewhere.write_text("a,b\n1,2\n")
    assert "exists already, with other content" in use(str(elsewhere), "--copy")


REFUSED: dict[str, tuple[bytes, list[str], str]] = {
    "nothing": (b"", [], "is empty"),
    "a header alone": (b"a,b\n", [], "has columns and no rows"),
    "no number": (
        b"a,b\nx,y\nz,w\n",
        [],
        "has no column of numbers to predict; found a (row names), b (row names)",
    ),
    "another delimiter": (
        b"a:b\n1:2\n3:4\n",
        [],
        "has one column only; found a:b; if ':' separates cells",
    ),
    "no such target": (
        b"a,b\n1,2\n2,5\n",
        ["--target", "c"],
        "column c: there is no such column; found a, b",
    ),
    "no such column": (
        b"a,b\n1,2\n2,5\n",
        ["--without", "c"],
        "column c: there is no such column (--without)",
    ),
    "too few names": (
        b"1,2\n2,5\n",
        ["--names", "a"],
        "has 2 columns, but ingest.names names 1; found 1, 2",
    ),
    "names of its own": (
        b"a,b\n1,2\n",
        ["--names", "a,b"],
        "has a header with the names in ingest.names",
    ),
    "a web page": (b"<!DOCTYPE html>\n<html></html>", [], "is a web page or XML, not a table"),
    "gzip": (
        gzip.compress(b"a,b\n1,2\n"),
        [],
        "is compressed with gzip; unpack it: `gunzip --keep t.csv`",
    ),
    "Excel": (
        b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml",
        [],
        "is an Excel workbook; save the sheet as CSV",
    ),
    "JSON": (b'[{"a": 1}]', [], "is JSON, not a table"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_table_that_cannot_be_used_is_an_error_and_nothing_is_written(
    folder: Path, use: Callable[..., str], what: str
) -> None:
    content, options, message = REFUSED[what]
    (folder / "t.csv").write_bytes(content)
    before = (folder / "params.yaml").read_bytes()
    assert message in use("t.csv", *options)
    assert (folder / "params.yaml").read_bytes() == before
    assert not list(folder.rglob(".use.scratch"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of_the_project(tmp_path_factory.mktemp("project"), sends=False)


def _reproduced(project: Project, *arguments: str) -> float:
    """Set a file up, run the pipeline, and return the gap."""
    project.run("linreg", "use", *arguments)
    project.run("dvc", "repro")
    project.run("linreg", "summary")
    assert project.json("models/evaluation/gates.json")["passed"]
    return float(project.json("models/evaluation/metrics.json")["gap"])


@pytest.mark.slow
def test_the_pipeline_runs_after_use_on_the_example(project: Project) -> None:
    assert _reproduced(project, "data/examples/auto-mpg.csv") < 0.02  # 0.0039 measured


@pytest.mark.slow
def test_the_pipeline_runs_after_use_on_a_file_without_header_and_with_missing_cells(
    project: Project,
) -> None:
    houses = HOUSES.copy()
    houses.loc[::4, "size"] = np.nan
    houses.to_csv(project.folder / "data/own.csv", index=False, header=False, sep=";", decimal=",")
    assert _reproduced(project, "data/own.csv", "--names", "size,age,zone,price") < 0.05


@pytest.mark.slow
def test_the_pipeline_runs_after_use_where_the_default_rate_diverges(project: Project) -> None:
    zones = ["island"] * 6 + ["main land"] * 5994
    size = RNG.normal(size=6000)
    rows = pd.DataFrame({"size": size, "zone": zones, "price": 5 * size + RNG.normal(size=6000)})
    rows.to_csv(project.folder / "data/far.csv", index=False)
    assert _reproduced(project, "data/far.csv") < 0.05
    assert load_params(project.folder / "params.yaml").train.lr < 0.01


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Rows that take 240 MB as numbers, in a process that may have 1.2 GB of address space beyond
    its libraries.
    """
    rows = pa.table({f"x{j}": RNG.normal(size=500_000) for j in range(12)})
    with pq.ParquetWriter(tmp_path / "long.parquet", rows.schema) as writer:
        for _ in range(5):
            writer.write_table(rows, row_group_size=100_000)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    # The peak of getrusage would include that of the process from which this one is forked.
    program = (
        "import sys; from linreg.cli import main\n"
        "try: main()\n"
        "except SystemExit as end:\n"
        "    lines = open('/proc/self/status')\n"
        "    peak = next(line.split()[1] for line in lines if 'VmHWM' in line)\n"
        "    print(peak, end.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "use", "long.parquet", "--dry-run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    peak, code = done.stdout.splitlines()[-1].split()
    assert code == "0", done.stderr
    assert "2500000 rows" in done.stdout
    assert int(peak) < 600_000  # kB; 2.5 million rows of 12 numbers are 240 MB, their hashes 20 MB
