"""A table that is changed while a stage reads it: the result of the file that was opened, or one
line.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.data.tables.parquet import write_table
from linreg.files import files_in
from tests.faults.disks.disks import ROOT, make_project

pytestmark = pytest.mark.slow
ROWS = 1_000_000


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large table as CSV and as Parquet; the same of other numbers, as long to the byte."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    folder = tmp_path_factory.mktemp("tables")
    for name, seed in (("table", 1), ("other", 2)):
        numbers = np.random.default_rng(seed).integers(10_000, 100_000, (2, ROWS))
        table = pa.table({"x": numbers[0], "y": numbers[1]})
        csv.write_csv(table, folder / f"{name}.csv")
        write_table(folder / f"{name}.parquet", table.schema, [table])
        (folder / f"_{name}.seal").unlink()  # as a table of the user's
    assert (folder / "table.csv").stat().st_size == (folder / "other.csv").stat().st_size
    return folder


def delete(path: Path, _: Path) -> None:
    path.unlink()


def truncate(path: Path, _: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def append(path: Path, _: Path) -> None:
    with path.open("ab") as file:
        file.write(b"12345,67890\n" * 1000)


def replace(path: Path, other: Path) -> None:
    shutil.copy(other, path.with_name("new"))
    path.with_name("new").replace(path)


def overwrite(path: Path, other: Path) -> None:
    with path.open("r+b") as file:
        file.write(other.read_bytes())


def start(folder: Path, *command: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.very_slow
@pytest.mark.parametrize("change", [delete, truncate, append, replace, overwrite])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_source_that_changes_while_ingest_reads_it_is_never_taken_for_a_whole_one(
    tables: Path, tmp_path: Path, suffix: str, change: Callable[[Path, Path], None]
) -> None:
    project = make_project(tmp_path / "project")
    (project / "params.yaml").write_text(
        f"ingest: {{source: table.{suffix}}}\nmodel: {{formula: y ~ x}}\n"
    )
    shutil.copy(tables / f"table.{suffix}", project)
    stage = start(project, "stages.ingest")
    wait_for(project / "data/.ingested.scratch", stage)
    change(project / f"table.{suffix}", tables / f"other.{suffix}")
    _, err = stage.communicate(timeout=60)
    assert stage.returncode in (1, 2), "a second of reading was to come"
    (line,) = err.splitlines()
    assert line.startswith(f"error: table.{suffix}")
    assert not [file for file in files_in(project / "data") if file.is_file()]


@pytest.mark.very_slow
@pytest.mark.parametrize("change", [delete, replace])
def test_a_table_replaced_while_split_reads_it_gives_the_right_result_or_one_line(
    tmp_path: Path, change: Callable[[Path, Path], None]
) -> None:
    project = make_project(tmp_path / "project", rows=1_000_000)
    for stage in ("generate", "ingest", "split"):
        subprocess.run(
            [sys.executable, "-m", f"stages.{stage}"],
            cwd=project,
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    right = {file: file.read_bytes() for file in files_in(project / "data/split")}
    table = project / "data/ingested/table.parquet"
    process = start(project, "stages.split")
    wait_for(project / "data/.split.scratch", process)
    change(table, project / "data/raw/generated.parquet/part-00000.parquet")
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 2), err
    assert len(err.splitlines()) == (process.returncode != 0), err
    assert {file: file.read_bytes() for file in files_in(project / "data/split")} == right
    assert not (project / "data/.split.scratch").exists()
