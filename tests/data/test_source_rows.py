"""Rows of the user's file, named after rows of it were dropped: by ingest and split as a whole."""

import csv
import inspect
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.source_rows import DroppedRows, SourceRows, files_as_data
from linreg.data.tables import parquet
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError
from linreg.files import write_document
from stages import ingest, split

NUM_ROWS = 300
READ = {"csv": lambda path: pd.read_csv(path), "parquet": lambda path: pd.read_parquet(path)}


def a_frame(seed: int) -> pd.DataFrame:
    """Rows in no order of their time; a fifth lack a number, a level, or both."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": range(NUM_ROWS),
            # Rows are not lines.
            "note": ["two\nlines, and a comma" if i % 7 == 0 else "one" for i in range(NUM_ROWS)],
            "y": random.normal(size=NUM_ROWS),
            "x": random.normal(size=NUM_ROWS),
            "g": random.choice(["north", "south"], NUM_ROWS),
            "t": random.permutation(NUM_ROWS),
        }
    )
    frame.loc[random.random(NUM_ROWS) < 0.1, "x"] = np.nan
    frame.loc[random.random(NUM_ROWS) < 0.1, "g"] = None
    return frame


def parts_in_time(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The complete rows by part, in the order of the file."""
    complete = frame.dropna()
    in_order = complete.sort_values("t")
    fifth = int(len(complete) / 5 + 0.5)
    parts = np.split(np.arange(len(complete)), [-2 * fifth, -fifth])
    names = ("train", "validation", "test")
    return {
        name: in_order.iloc[rows].sort_values("id") for name, rows in zip(names, parts, strict=True)
    }


def write_source(frame: pd.DataFrame, kind: str, num_files: int) -> Path:
    """Write the rows as files in a folder, or as one file."""
    if num_files == 1:
        path = Path(f"table.{kind}")
        write_file(path, frame)
        return path
    folder = Path("tables")
    folder.mkdir()
    ends = np.linspace(0, len(frame), num_files + 1).astype(int)
    for number, (start, end) in enumerate(itertools.pairwise(ends)):
        write_file(folder / f"part {number}.{kind}", frame.iloc[start:end])
    return folder


def write_file(path: Path, frame: pd.DataFrame) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=11)
        return
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(frame.columns)
        for number, row in enumerate(frame.itertuples(index=False)):
            writer.writerow("" if pd.isna(cell) else cell for cell in row)
            if number % 50 == 0:
                # An empty line is no row.
                file.write("\r\n")


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: Callable[..., list[Any]]
) -> Callable[..., str]:
    """Runs ingest and split on a table, in row groups of 13 rows; returns the error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 13)

    def run(frame: pd.DataFrame, kind: str, num_files: int = 1, num_workers: int = 1) -> str:
        source = write_source(frame, kind, num_files)
        Path("params.yaml").write_text(
            f"ingest: {{source: {source}, missing: drop}}\n"
            "model: {formula: y ~ x + g, unseen: error}\n"
            "split: {train: 0.6, validation: 0.2, test: 0.2, by: 'time:t'}\n"
        )

        def both_stages() -> None:
            inspect.unwrap(ingest.main)()
            together(num_workers, inspect.unwrap(split.main))

        with pytest.raises(UserError) as error:
            both_stages()
        return str(error.value)

    return run


def row_named(message: str) -> "pd.Series[Any]":
    """Return the row that a message names, as another reader finds it."""
    named = re.match(r"(?P<file>.*?): row (?P<row>\d+): ", message)
    assert named
    path = Path(named["file"])
    read: pd.DataFrame = READ[path.suffix[1:]](path)
    return read.iloc[int(named["row"]) - 1]


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [1, 2, 3])
@pytest.mark.parametrize("parts", [("validation", "test"), ("test",)])
@pytest.mark.parametrize(
    ("kind", "num_files"), [("csv", 1), ("csv", 4), ("parquet", 1), ("parquet", 3)]
)
def test_an_unseen_level_is_an_error_with_the_first_such_row_of_the_users_file(
    refused: Callable[..., str], kind: str, num_files: int, parts: Sequence[str], num_workers: int
) -> None:
    frame = a_frame(num_files)
    # A row that is dropped does not count.
    frame.loc[0, ["g", "x"]] = (f"new in {parts[0]}", np.nan)
    by_part = parts_in_time(frame)
    for part in parts:
        # Row groups of the table, and files, are without one; the last row of all has one.
        frame.loc[by_part[part]["id"].iloc[[9, 20, -1]], "g"] = f"new in {part}"
    message = refused(frame, kind, num_files, num_workers)
    first = parts_in_time(frame)[parts[0]].query("g.str.startswith('new')").iloc[0]
    row = row_named(message)
    assert (row["id"], row["g"]) == (first["id"], f"new in {parts[0]}")
    assert f"found 'new in {parts[0]}', the first of 3 such {parts[0]} rows; set" in message


@pytest.mark.parametrize(("kind", "num_files"), [("csv", 1), ("parquet", 3)])
def test_a_cell_that_is_no_time_is_an_error_with_its_row(
    refused: Callable[..., str], kind: str, num_files: int
) -> None:
    frame = a_frame(1)
    days = pd.date_range("2024-01-01", periods=len(frame))
    frame["t"] = days[frame["t"].to_numpy()].strftime("%Y-%m-%d")
    frame.loc[frame.index[[50, 70]], "t"] = "31/12/2024"
    message = refused(frame, kind, num_files)
    assert row_named(message)["id"] == frame.index[50]
    assert "column t: is" in message
    assert "ingest.dates" in message


@pytest.mark.parametrize("num_files", [1, 3])
def test_every_dropped_row_is_listed_with_its_first_missing_column(
    refused: Callable[..., str], num_files: int
) -> None:
    frame = a_frame(2)
    frame.loc[frame.dropna().sort_values("t").index[-1], "g"] = "new"
    refused(frame, "csv", num_files)
    found = pd.read_parquet("data/ingested/dropped.parquet")
    files = sorted(Path("tables").iterdir()) if num_files > 1 else [Path("table.csv")]
    expected = []
    for file in files:
        read = pd.read_csv(file)
        expected += [
            (file.name, row + 1, "x" if pd.isna(x) else "g")
            for row, (x, g) in enumerate(zip(read["x"], read["g"], strict=True))
            if pd.isna(x) or pd.isna(g)
        ]
    assert list(found.itertuples(index=False, name=None)) == expected


def test_every_row_is_found_whichever_rows_were_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 3)
    random = np.random.default_rng(3)
    for number, share in enumerate([0.0, 0.2, 0.5, 0.9] * 5):
        folder = tmp_path / str(number)
        folder.mkdir()
        sizes = random.integers(0, 9, size=4)
        kept = []
        with DroppedRows(folder, Path("in")) as dropped:
            for file, size in enumerate(sizes):
                is_dropped = random.random(size) < share
                kept += [f"in/{file}: row {row + 1}" for row in np.flatnonzero(~is_dropped)]
                if is_dropped.any():
                    missing = pa.array(["x"] * is_dropped.sum())
                    chunk = SourceChunk(pa.table({}), Path(f"in/{file}"), 1)
                    dropped.add(chunk, np.flatnonzero(is_dropped), missing)
        files = [{"name": str(file), "rows": int(size)} for file, size in enumerate(sizes)]
        num_dropped = int(sum(sizes)) - len(kept)
        profile = {"files": files, "dropped": {"x is missing": num_dropped} if num_dropped else {}}
        write_document(folder / "profile.json", profile)
        source = SourceRows(Path("in"), folder)
        assert [source.place(index) for index in range(len(kept))] == kept


def test_files_of_one_name_in_several_folders_are_told_apart(tmp_path: Path) -> None:
    source = tmp_path / "t"
    for year in ("2019", "2020"):
        (source / f"year={year}").mkdir(parents=True)
        pd.DataFrame({"x": [1, None, 3]}).to_parquet(source / f"year={year}" / "p.parquet")
    names = ["year=2019/p.parquet", "year=2020/p.parquet"]
    files = [(3, source / name) for name in names]
    assert files_as_data(files, source) == [{"name": name, "rows": 3} for name in names]
    with DroppedRows(tmp_path, source) as dropped:
        for _, file in files:
            chunk = SourceChunk(pa.table({}), file, 1)
            dropped.add(chunk, np.array([1]), pa.array(["x"]))
    profile = {"files": files_as_data(files, source), "dropped": {"x is missing": 2}}
    write_document(tmp_path / "profile.json", profile)
    places = [SourceRows(source, tmp_path).place(row) for row in range(4)]
    assert places == [f"{source / name}: row {row}" for name in names for row in (1, 3)]


def test_many_dropped_rows_take_about_a_byte_each(tmp_path: Path) -> None:
    indices = np.flatnonzero(np.random.default_rng(0).random(1_000_000) < 0.1)
    with DroppedRows(tmp_path, Path("table.csv")) as dropped:
        chunk = SourceChunk(pa.table({}), Path("table.csv"), 1)
        dropped.add(chunk, indices, pa.array(["x"]).take(pa.array(np.zeros_like(indices))))
    assert (tmp_path / "dropped.parquet").stat().st_size < 1.1 * len(indices)
