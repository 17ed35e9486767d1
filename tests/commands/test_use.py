"""`linreg use`: what it writes into params.yaml, what it prints, and the pipeline afterwards."""

import difflib
import gzip
import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.cli import main
from linreg.data.csv.delimiter import DELIMITERS
from linreg.data.formula.formula import parse_formula
from linreg.params.file import load_params
from linreg.params.params import Params
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
    printed = use("auto-mpg.csv", "--target", "mpg")
    params = written(folder)
    assert params.ingest.source == "auto-mpg.csv"
    assert params.model.formula == (
        "mpg ~ cylinders + displacement + horsepower + weight + acceleration + modelyear + origin"
    )
    assert (params.ingest.missing, params.train.scale) == ("drop", "whiten")
    gates = {name: (gate.min, gate.max) for name, gate in params.evaluate.gates.items()}
    assert gates == {"test_r2": (0, None), "gap": (None, 0.01)}
    assert "the loss is expected to end at" in flat(printed)
    for words in ("car_name is free text", "C(origin)", "6 rows, 1.5%, have a missing cell"):
        assert words in flat(printed)
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert "To test on the newest rows, add --split-by time:sold" in printed
    assert written(folder).model.formula == "price ~ size + age + zone"


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_column_without_a_name_is_a_warning_and_not_read(
    folder: Path, use: Callable[..., str]
) -> None:
    HOUSES.to_csv("houses.csv")
    assert "A column has no name" in use("houses.csv")
    assert written(folder).model.formula == "price ~ size + age + zone"


def test_names_are_quoted_in_the_formula_and_a_back_quote_in_one_is_written_twice(
    folder: Path, use: Callable[..., str]
) -> None:
    HOUSES.rename(columns={"size": "size, m²", "age": "a`ge", "price": "the price"}).to_csv(
        "h.csv", index=False
    )
    use("h.csv")
    assert written(folder).model.formula == "`the price` ~ `size, m²` + `a``ge` + zone"


@pytest.mark.parametrize("names", [("1", "0"), ("~", "a:b"), ("class", "µg"), ("log(size)", ".")])
def test_a_name_that_means_something_in_a_formula_is_that_of_a_column(
    folder: Path, use: Callable[..., str], names: tuple[str, str]
) -> None:
    HOUSES.rename(columns=dict(zip(("size", "age"), names, strict=True))).to_csv("h.csv")
    use("h.csv", "--target", "price")
    parsed = parse_formula(str(written(folder).model.formula), [])
    assert parsed.columns == ("price", *names, "zone")


@pytest.mark.slow
def test_a_table_is_surveyed_in_the_rows_that_a_condition_leaves(
    folder: Path, use: Callable[..., str]
) -> None:
    HOUSES.to_csv("houses.csv", index=False)
    where = "zone == 'north' and age > 20"
    rows = ((HOUSES["zone"] == "north") & (HOUSES["age"] > 20)).sum()
    printed = flat(use("houses.csv", "--target", "price", "--where", where))
    assert f"{N - rows} of {N} rows are left out" in printed
    assert "zone is 'north' in every row" in printed
    assert written(folder).ingest.where == where
    # It stays, until another one is given, or another table.
    use("houses.csv")
    assert written(folder).ingest.where == where
    use("houses.csv", "--where", "")
    assert written(folder).ingest.where is None
    use("houses.csv", "--where", where)
    HOUSES.to_csv("other.csv", index=False)
    use("other.csv")
    assert written(folder).ingest.where is None
    assert "leaves none of the" in use("houses.csv", "--where", "age > 1e9")
    assert "needs a column sqft" in use("houses.csv", "--where", "sqft > 1")


@pytest.mark.slow
def test_columns_that_determine_the_target_are_a_warning_with_the_relation(
    folder: Path, use: Callable[..., str]
) -> None:
    houses = HOUSES.assign(tax=RNG.normal(5, 2, N).round(2))
    houses["price"] = (houses["size"] + 2 * houses["tax"] - houses["age"]).round(2)
    houses.to_csv("houses.csv", index=False)
    given = ("houses.csv", "--target", "price")
    assert "price = size − age + 2·tax" not in flat(use(*given, "--without", "tax"))
    printed = flat(use(*given))
    assert "The features determine the target exactly: price = size − age + 2·tax." in printed
    assert written(folder).model.formula == "price ~ size + age + zone + tax"


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_every_printed_command_has_all_options_that_were_given(
    folder: Path, use: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("my data") / "houses.csv"
    HOUSES.to_csv(elsewhere, index=False, header=False)
    given = ["--names", "size,age,zone,price", "--without", "age", "--levels", "zone=south"]
    given += ["--split-by", "row", "--missing", "drop", "--sentinels", "size=-1", "--dry-run"]
    printed = use(str(elsewhere), *given)
    commands = [line for line in printed.splitlines() if line.startswith("  linreg use ")]
    assert len(commands) == 3  # another target, a copy, and without --dry-run
    for command in commands:
        words = shlex.split(command)
        assert words[2] == str(elsewhere)
        assert set(given) - {"--dry-run"} < set(words)
    assert "--dry-run" not in commands[-1]
    assert "Target" not in use(*shlex.split(commands[-1])[2:])
    assert written(folder).model.formula == "price ~ size + zone"
    assert written(folder).model.levels == {"zone": ("south",)}
    assert written(folder).ingest.sentinels == {"size": (-1,)}


@pytest.mark.slow
def test_the_reference_levels_are_named(folder: Path, use: Callable[..., str]) -> None:
    conditions = RNG.choice(["poor", "fair", "good"], N)
    HOUSES.assign(condition=conditions).to_csv("houses.csv", index=False)
    printed = use("houses.csv", "--target", "price")
    assert "  zone       north\n  condition  poor < fair < good\n" in printed
    assert written(folder).model.levels == {"condition": ("poor", "fair", "good")}
    printed = use("houses.csv", "--target", "price", "--levels", "zone=south,north")
    assert "  zone       south\n" in printed
    assert written(folder).model.levels == {
        "condition": ("poor", "fair", "good"),
        "zone": ("south", "north"),
    }
    assert "has no level 'west' (--levels); found north, old town, south" in use(
        "houses.csv", "--target", "price", "--levels", "zone=west"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split-by", "group:who"], "column who: there is no such column (--split-by)"),
        (["--split-by", "who"], "--split-by: must be row, group:COLUMN or time:COLUMN; found who"),
        (["--levels", "zone"], "--levels, --sentinels: must be COLUMN=A,B; found zone"),
        (["--levels", "zon=a"], "column zon: there is no such column (--levels)"),
        (["--levels", "size=a"], "column size: has no level 'a' (--levels); found double"),
        (["--sentinels", "ag=9"], "there is no such column (--sentinels)"),
        (["--sentinels", "age=x"], "must be values of type int64 (--sentinels); found x"),
        (["--without", "ag"], "column ag: there is no such column (--without)"),
    ],
)
def test_an_option_that_does_not_fit_the_table_is_an_error_and_nothing_is_written(
    folder: Path, use: Callable[..., str], options: list[str], message: str
) -> None:
    HOUSES.to_csv("houses.csv", index=False)
    before = (folder / "params.yaml").read_bytes()
    assert message in use("houses.csv", *options)
    assert (folder / "params.yaml").read_bytes() == before


INTERRUPT, END_OF_FILE = "\x03", "\x04"


def answered(folder: Path, typed: str, *arguments: str) -> tuple[int, str]:
    """Run the command on a terminal, type an answer to its question, and return code and output."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        command = [sys.executable, "-m", "linreg", "use", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        os.execve(command[0], command, environment)  # noqa: S606 - there is no shell to need
    shown, is_typed = b"", False
    # Linux ends the output of a terminal that nobody holds with an error.
    with suppress(OSError):
        for _ in range(60):
            if not select.select([terminal], [], [], 1)[0]:
                # Python does not see an interrupt that comes just before it waits for input.
                if is_typed and typed == INTERRUPT:
                    os.write(terminal, typed.encode())
                continue
            shown += os.read(terminal, 4096)
            if not is_typed and b"Number or name: " in shown:
                os.write(terminal, typed.encode())
                is_typed = True
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), shown.decode().replace("\r\n", "\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "target"), [("mpg\n", "mpg"), ("4\n", "horsepower"), ("0\nno\n5\n", "weight")]
)
def test_on_a_terminal_the_target_is_asked_for(folder: Path, typed: str, target: str) -> None:
    shutil.copy(ROOT / "data/examples/auto-mpg.csv", folder)
    code, shown = answered(folder, typed, "auto-mpg.csv")
    assert code == 0
    assert "Which column is to be predicted?\n   1  mpg\n   2  cylinders\n" in shown
    assert shown.count("Type a number from 1 to 7") == typed.count("\n") - 1
    assert written(folder).model.formula.startswith(f"{target} ~ ")


@pytest.mark.slow
def test_on_a_terminal_the_question_may_be_left_unanswered(folder: Path) -> None:
    shutil.copy(ROOT / "data/examples/auto-mpg.csv", folder)
    before = (folder / "params.yaml").read_bytes()
    code, shown = answered(folder, END_OF_FILE, "auto-mpg.csv")
    assert (code, shown.splitlines()[-1].startswith("error: ")) == (2, True)
    code, _ = answered(folder, INTERRUPT, "auto-mpg.csv")
    assert code == 130
    assert (folder / "params.yaml").read_bytes() == before


REFUSED: dict[str, tuple[bytes, list[str], str]] = {
    "several candidates": (
        b"a,b,year\n1.5,2,1999\n2,5,2000\n3,4,2001\n",
        [],
        "does not show which column is to be predicted; found a, b; name it: --target COLUMN",
    ),
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
    "a web page": (b"<!DOCTYPE html>\n<html></html>", [], "is a web page or XML, not a table"),
    "half of a gzip file": (gzip.compress(b"a,b\n1,2\n" * 99)[:-9], [], "t.csv: "),
    "no workbook": (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", [], "t.csv: "),
    "no JSON": (b'[{"a": 1}, {"a"', [], "t.csv: "),
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
    assert (
        _reproduced(project, "data/examples/auto-mpg.csv", "--target", "mpg") < 0.02
    )  # 0.0039 measured


@pytest.mark.very_slow
def test_the_pipeline_runs_after_use_on_a_file_without_header_and_with_missing_cells(
    project: Project,
) -> None:
    houses = HOUSES.copy()
    houses.loc[::4, "size"] = np.nan
    houses.to_csv(project.folder / "data/own.csv", index=False, header=False, sep=";", decimal=",")
    assert _reproduced(project, "data/own.csv", "--names", "size,age,zone,price") < 0.05


@pytest.mark.very_slow
def test_the_pipeline_runs_after_use_where_the_default_rate_diverges(project: Project) -> None:
    zones = ["island"] * 6 + ["main land"] * 5994
    size = RNG.normal(size=6000)
    rows = pd.DataFrame({"size": size, "zone": zones, "price": 5 * size + RNG.normal(size=6000)})
    rows.to_csv(project.folder / "data/far.csv", index=False)
    assert _reproduced(project, "data/far.csv") < 0.05
    assert load_params(project.folder / "params.yaml").train.lr < 0.01


@pytest.mark.very_slow
def test_the_pipeline_runs_after_use_with_groups_sentinels_and_levels_in_an_order(
    project: Project,
) -> None:
    """And a sentinel in a row to predict is a missing cell, too."""
    answers = ["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"]
    answer = RNG.choice(answers, 600)
    age = RNG.integers(18, 90, 600)
    rows = pd.DataFrame(
        {
            "patient id": np.repeat(np.arange(150), 4),
            "Q1. Do you sleep well?": answer,
            "age": np.where(np.arange(600) % 9, age, -999),
            "y": np.vectorize(answers.index)(answer) + age / 20 + RNG.normal(size=600),
        }
    )
    rows.to_csv(project.folder / "data/answers.csv", index=False)
    assert _reproduced(project, "data/answers.csv") < 0.05
    params = load_params(project.folder / "params.yaml")
    assert params.split.by == "group:patient id"
    model = project.json("models/model/model.json")
    assert {name for name in model["theta"] if name.startswith("Q1")} == {
        f"Q1. Do you sleep well?[T.{level}]" for level in answers[1:]
    }
    assert project.json("models/evaluation/inference.json")["reference_levels"] == {
        "Q1. Do you sleep well?": "Strongly disagree"
    }
    rows.head(9).drop(columns="y").to_csv(project.folder / "new.csv", index=False)
    project.run("linreg", "predict", "models/model", "new.csv", "predictions.csv")
    reasons = pd.read_csv(project.folder / "predictions.csv")["reason"]
    assert (reasons == "filled with the mean: age").tolist() == [True] + [False] * 8


@pytest.mark.very_slow
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
        [sys.executable, "-c", program, "use", "long.parquet", "--target", "x0", "--dry-run"],
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
