"""docs/tables.md: its commands print what it shows, and its tables say what happens.

`$ cat FILE` shows a file of the example, which is written before the commands run.
"""

import contextlib
import gzip
import io
import re
import shlex
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.cli import build_parser
from linreg.commands import use
from linreg.data.cells.words import MISSING, MISSING_AMONG_VALUES
from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table
from linreg.errors import UserError
from linreg.params.fetch import Fetch
from linreg.params.ingest import Ingest, ReadOptions
from tests.data.dialects.reading import ingest_file
from tests.docs.test_pages import examples_of, not_shown, run
from tests.project import ROOT, Project, copy_of_the_project

PAGE = ROOT / "docs/tables.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = "\n".join(f"{k},{k}.5" for k in range(1, 9)) + "\n"
CAT = "cat "


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("project"), sends=False)
    for command, shown in examples_of(PAGE):
        if command.startswith(CAT):
            path = project.folder / command.removeprefix(CAT)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shown.rstrip("\n") + "\n", "utf-8")
    for name, content in FILES.items():
        (project.folder / name).write_bytes(content)
    return project


def table_below(heading: str) -> Iterator[list[str]]:
    """Yield the rows of the first table behind a text, as cells."""
    lines = TEXT[TEXT.index(heading) :].splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("|---"))
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.very_slow
@pytest.mark.timeout(600)
def test_the_page_shows_what_its_commands_print(project: Project) -> None:
    wrong: list[str] = []
    for command, shown in examples_of(PAGE):
        if command.startswith("sqlite3 "):
            # Its program need not be installed.
            _, file, statements = shlex.split(command)
            with contextlib.closing(sqlite3.connect(project.folder / file)) as database:
                database.executescript(statements)
        elif not command.startswith(CAT):
            wrong += not_shown(shown, run(command, project), command)
    assert not wrong, "\n".join(wrong)


def archive(parts: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return written.getvalue()


CITIES = "\n".join(f"{city},{k},{k + k % 3}" for k, city in enumerate(["Москва", "Самара"] * 4))
FILES = {
    "no_header.csv": "".join(f"{k},{'ab'[k % 2]},{k}.5\n" for k in range(1, 9)).encode(),
    "cities.csv": f"город,x,y\n{CITIES}\n".encode("cp1251"),
    "carets.txt": ("x,y\n" + ROWS).replace(",", "^").encode(),
    "logger.csv": ("logger,7\nserial,12\nx,y\n" + ROWS).encode(),
    "notes.csv": ("x,y\n" + ROWS.replace("\n4,", "\n% sensor replaced\n4,")).encode(),
    "counts.csv": ("x;y\n" + "".join(f"{k};{k},00{k}\n" for k in range(1, 9))).encode(),
    "survey.csv": ("x,y\n" + ROWS + "unknown,3\nrefused,4\n").encode(),
}


def write_workbook(path: Path) -> None:
    pytest.importorskip("python_calamine")
    workbook = pytest.importorskip("openpyxl").Workbook()
    workbook.active.append(["made", "by"])
    prices = workbook.create_sheet("prices")
    for row in [["x", "y"], *([k, k + k % 3] for k in range(1, 9))]:
        prices.append(row)
    workbook.save(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "command"), [(row[0], row[2]) for row in table_below("## Options")], ids=str
)
def test_an_option_reads_what_is_refused_or_read_otherwise_without(
    key: str, command: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    if "book.xlsx" in command:
        write_workbook(project.folder / "book.xlsx")
    [key], [command] = code(key), code(command)
    flag = f"--{key.partition('.')[2].replace('_', '-')}"
    option = re.search(rf'{flag} ("[^"]*"|\S+)', command)
    assert option
    read = columns_shown(command, project, capsys)
    try:
        otherwise = columns_shown(command.replace(option[0], ""), project, capsys)
    except UserError:
        return
    assert read != otherwise


def columns_shown(command: str, project: Project, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `linreg use` says of a table; raises UserError where it is refused."""
    words = [*shlex.split(command)[1:], "--target", "y", "--dry-run"]
    with contextlib.chdir(project.folder):
        assert use.run(build_parser(["use"]).parse_args(words)) == 0
    return capsys.readouterr().out.partition("Would be written")[0]


def test_every_option_has_a_row() -> None:
    keys = {code(row[0])[0] for row in table_below("## Options")}
    own = {f"ingest.{name}" for name in [*ReadOptions.model_fields, "where"]}
    assert keys == own <= {f"ingest.{name}" for name in Ingest.model_fields}
    keys_of_fetch = {code(row[0])[0] for row in table_below("| key of `fetch.NAME`")}
    assert keys_of_fetch == {*Fetch.model_fields}


@pytest.mark.parametrize("row", [*table_below("Each of these cells was")], ids=str)
def test_a_cell_is_the_number_that_the_page_says(row: list[str], tmp_path: Path) -> None:
    values = row[1].split(", ")
    for index, cell in enumerate(code(row[0])):
        other = cell if "unit" in row[2] else "5"
        (tmp_path / "t.csv").write_text(f'y,x\n1,"{cell}"\n2,"{other}"\n', "utf-8")
        (tmp_path / str(index)).mkdir()
        table = open_typed_table(open_source(tmp_path / "t.csv"), ["x"], tmp_path / str(index))
        [found, _] = [value for chunk in table.chunks() for value in chunk.rows["x"].to_pylist()]
        if values == ["text"]:
            assert found == cell
        elif values == ["infinite"]:
            assert found == float("inf")
        else:
            assert found in [float(value) for value in values]


def test_the_words_for_missing_are_such_words() -> None:
    paragraph = TEXT[TEXT.index("**A missing cell**") :].partition("\n\n")[0]
    always, _, others = paragraph.partition("Among numbers")
    among_values = others.partition(": a line says so")[0]
    assert {*code(always)} <= {*MISSING}
    assert {*code(among_values)} - {"$ -"} <= {*MISSING_AMONG_VALUES}


@pytest.mark.parametrize("row", [*table_below("## Times")], ids=str)
def test_a_time_sorts_as_the_page_says(row: list[str], tmp_path: Path) -> None:
    for index, cell in enumerate(code(row[0])):
        (folder := tmp_path / str(index)).mkdir()
        cells = "".join(f'"{cell}",{k},{k + k % 3}\n' for k in range(9))
        (folder / "t.csv").write_text(f"t,x,y\n{cells}", "utf-8")
        if row[1].startswith("refused"):
            with pytest.raises(UserError, match="column t: "):
                ingest_file(folder / "t.csv", {}, "y ~ x", folder, "time:t")
            continue
        rows, _ = ingest_file(folder / "t.csv", {}, "y ~ x", folder, "time:t")
        assert not pa.types.is_string(rows.schema.field("t").type)


def parquet() -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table({"x": [1.0], "y": [2.0]}), written)
    return written.getvalue()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "more cells": (lambda: b"x,y\n1,2\n3,4,5\n", "row 2: has 3 cells where the header has 2"),
    "fewer cells": (lambda: b"x,y,z\n1,2,3\n3,4\n5,6,7\n", "has 2 cells where the header has 3"),
    "an open quote": (lambda: b'x,y\n1,2\n"3,4\n5,6\n', "a quote is not closed"),
    "no names": (lambda: b"1,2\n3,4\n5,6\n", "has no header.*ingest.names"),
    "two in a ZIP": (lambda: archive({"a.csv": "x\n1\n", "b.csv": "x\n1\n"}), "ZIP archive of 2"),
    "7z": (lambda: b"7z\xbc\xaf'\x1c\0\0", "7z archive; unpack it: `7z x"),
    "compressed Parquet": (lambda: gzip.compress(parquet()), "not text: Parquet; unpack it"),
    "Stata": (lambda: b"<stata_dta>\0", "Stata file; write it as Parquet"),
    "a web page": (lambda: b"<!DOCTYPE html><html>", "web page.*fetch the file itself"),
    "one object": (lambda: b'{"data": [{"x": 1}]}', "holds one object, not rows"),
    "nested JSON": (lambda: b'{"x": [1, 2], "y": 3}\n', "column x: holds the value"),
    "cut off": (lambda: parquet()[:-20], "cannot be read as Parquet"),
    "gzip cut off": (lambda: gzip.compress(b"x,y\n" + b"1,2\n" * 99)[:-9], "end too early"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(content: Callable[[], bytes], message: str, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(content())
    (tmp_path / "scratch").mkdir()

    def read() -> None:
        source = open_source(path)
        for _ in open_typed_table(source, list(source.columns), tmp_path / "scratch").chunks():
            pass

    with pytest.raises(UserError, match=message):
        read()


def test_a_folder_holds_tables_of_one_kind(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.parquet").write_bytes(parquet())
    with pytest.raises(UserError, match="must hold tables of one kind"):
        open_source(tmp_path)
