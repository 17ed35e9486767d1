import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.ingest.time_order import in_time_order, with_given_dates
from linreg.data.source import open_source
from linreg.data.typed_table import TypedTable, open_typed_table
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions


def open_table(
    folder: Path, cells: Sequence[Any], kind: str, dates: dict[str, str] | None = None
) -> TypedTable:
    """Return a table with a column `at` of these cells, in small row groups or blocks."""
    path = folder / f"t.{kind}"
    if kind == "csv":
        path.write_text("at\n" + "".join(f'"{"" if cell is None else cell}"\n' for cell in cells))
    else:
        pq.write_table(pa.table({"at": cells}), path, row_group_size=7)
    source = open_source(path, ReadOptions(dates=dates or {}))
    table = open_typed_table(source, ["at"], folder / "scratch")
    return with_given_dates(table, dates or {}, source)


def cells_of(table: TypedTable) -> pa.ChunkedArray:
    return pa.concat_tables([chunk.rows for chunk in table.chunks()]).column("at")


def written(format_: str) -> Callable[[datetime], str]:
    return lambda time: time.strftime(format_)


FORMS: dict[str, Callable[[datetime], str]] = {
    **{
        format_: written(format_)
        for format_ in (
            *("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d %H:%M", "%d%b%Y:%H:%M:%S"),
            *("%b %d, %Y", "%B %d, %Y %I:%M %p", "%A, %d %B %Y", "%d-%b-%Y", "%m/%Y", "%B %Y"),
            *("%b-%Y", "%Y-%j", "%G-W%V", "W%V/%G", "%Y%m%d", "%d%m%Y", "%m%d%Y", "%m%Y", "%m.%Y"),
            *("%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S", "%d/%m/%y", "%m-%d-%y", "%d%m%y", "%y%m%d"),
            *("%b-%y", "%b %y", "%d-%b-%y", "%b", "%B", "%H:%M %d/%m/%Y"),
        )
    },
    "2019-1-5": lambda time: f"{time.year}-{time.month}-{time.day}",
    "5/1/2019": lambda time: f"{time.day}/{time.month}/{time.year}",
    "1/2019": lambda time: f"{time.month}/{time.year}",
    "1.2019": lambda time: f"{time.month}.{time.year}",
    "2019.1": lambda time: f"{time.year}.{time.month}",
    "2019-1": lambda time: f"{time.year}-{time.month}",
    "2019M1": lambda time: f"{time.year}M{time.month}",
    "2019-W1": lambda time: f"{time.isocalendar().year}-W{time.isocalendar().week}",
    "2019Q1": lambda time: f"{time.year}Q{(time.month + 2) // 3}",
    "Q1 2019": lambda time: f"Q{(time.month + 2) // 3} {time.year}",
    "FY2019": lambda time: f"FY{time.year}",
    "Q1": lambda time: f"Q{(time.month + 2) // 3}",
    "5.1.": lambda time: f"{time.day}.{time.month}.",
    "5th": lambda time: f"{time.day}th",
    "offsets": lambda time: (
        (time + timedelta(hours=time.day % 5)).strftime("%Y-%m-%dT%H:%M:%S")
        + f"+0{time.day % 5}:00"
    ),
}
REFUSED = {
    *("%d/%m/%y", "%m-%d-%y", "%d%m%y", "%y%m%d", "%b-%y", "%b %y", "%d-%b-%y", "%b", "%B"),
    *("2019.1", "Q1", "5.1.", "5th"),
}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("form", FORMS)
def test_rows_are_in_the_order_of_their_times_or_refused(
    form: str, kind: str, tmp_path: Path
) -> None:
    random_ = random.Random(form)  # noqa: S311
    first = datetime(2009, 1, 1)
    times = [first + timedelta(seconds=random_.randrange(8 * 365 * 86400)) for _ in range(150)]
    cells = [FORMS[form](time) for time in times]
    table = open_table(tmp_path, cells, kind)
    if form in REFUSED:
        with pytest.raises(UserError, match=r"ingest\.dates"):
            in_time_order(table, "at")
        return
    found = cells_of(in_time_order(table, "at"))
    assert found.null_count == 0
    # Of two rows that sort apart the later is later, or in the same period.
    in_order = sorted(zip(found.to_pylist(), times, strict=True), key=lambda row: (row[0], row[1]))
    assert [time for _, time in in_order] == sorted(times) or _latest_first(in_order)


def _latest_first(in_order: Sequence[tuple[Any, datetime]]) -> bool:
    """Whether no time sorts before one of an earlier period."""
    latest = datetime.min
    for index, (cell, time) in enumerate(in_order):
        if index and cell != in_order[index - 1][0] and time < latest:
            return False
        latest = max(latest, time)
    return True


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_given_formats_read_what_pandas_reads_with_them(kind: str, tmp_path: Path) -> None:
    days = pd.date_range("1969-03-01", periods=60, freq="97D")
    for format_ in ("%d/%m/%y", "%b-%y", "%d%m%Y", "%Y.%m", "%Y%m%d", "%d.%m.%Y %H:%M"):
        cells = days.strftime(format_).tolist()
        folder = tmp_path / format_.replace("/", "_")
        folder.mkdir()
        table = open_table(folder, [*cells, None], kind, {"at": format_})
        *found, missing = cells_of(table).to_pylist()
        assert missing is None
        expected = pd.to_datetime(pd.Series(cells), format=format_)
        assert [pd.Timestamp(each) for each in found] == expected.to_list()
        assert cells_of(in_time_order(table, "at")).to_pylist() == [*found, None]


def test_numbers_of_parquet_are_read_by_a_given_format(tmp_path: Path) -> None:
    table = open_table(tmp_path, [20241231, 20240101], "parquet", {"at": "%Y%m%d"})
    assert [str(each) for each in cells_of(table).to_pylist()] == ["2024-12-31", "2024-01-01"]


MESSAGES: dict[str, tuple[list[str], dict[str, str], str]] = {
    "two readings": (
        ["03/04/2024", "05/06/2024"],
        {},
        "t.csv: row 1: column at: could be 2024-04-03 as %d/%m/%Y or 2024-03-04 as %m/%d/%Y; found"
        ' \'03/04/2024\'; set ingest.dates: {at: "%d/%m/%Y" or "%m/%d/%Y"}, or write dates as'
        " 2024-12-31",
    ),
    "a month and two digits": (
        ["Jan-15", "Feb-15"],
        {},
        "could be 2015-01-01 as %b-%y or of no year as %b-%d; found 'Jan-15'; set ingest.dates:",
    ),
    "two digits of a year": (
        ["31-Dec-24", "1-Jan-25"],
        {},
        "is a time with two digits of a year; found '31-Dec-24'; set ingest.dates: {at:"
        ' "%d-%b-%y"}',
    ),
    "an impossible day": (
        ["31/12/2024", "30/12/2024", "30/02/2024"],
        {},
        "row 3: column at: is no time that is recognised, as split.by needs it to sort by time;"
        " found '30/02/2024'",
    ),
    "text": (["b", "a"], {}, "row 1: column at: is no time that is recognised"),
    "a cell unlike its format": (
        ["31/12/2024", "12/31/2024"],
        {"at": "%d/%m/%Y"},
        "t.csv: row 2: column at: is not a time written as %d/%m/%Y; found '12/31/2024'",
    ),
    "no such column": (["1"], {"it": "%Y"}, "params.yaml: ingest.dates: it: is not a column"),
    "no format": (["1"], {"at": "%d/%M/%Y"}, "ingest.dates: at: has minutes or seconds without"),
}


@pytest.mark.parametrize(("cells", "dates", "message"), MESSAGES.values(), ids=MESSAGES)
def test_a_refusal_names_a_cell_and_the_parameter(
    cells: list[str], dates: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as error:
        cells_of(in_time_order(open_table(tmp_path, cells, "csv", dates), "at"))
    assert message in str(error.value)


def test_a_choice_between_readings_is_noted_and_a_plain_one_is_not(tmp_path: Path) -> None:
    cells = ["03/04/2024", "31/12/2024"]
    [note] = in_time_order(open_table(tmp_path, cells, "csv"), "at").notes
    assert str(note) == (
        "column at is read as times, '31/12/2024' as 2024-12-31 (otherwise, set ingest.dates)"
    )
    for plain in (["2024-01-02", "2024-12-31"], ["Dec 31, 2024"], ["Q1 2015"], ["2024-1"]):
        assert not in_time_order(open_table(tmp_path, plain, "csv"), "at").notes


@pytest.mark.parametrize("word", [".", "NaT", r"\N", "-", "n/a", None])
@pytest.mark.parametrize("dates", [None, {"at": "%d/%m/%Y"}])
def test_a_word_for_a_missing_cell_is_a_missing_date(
    tmp_path: Path, word: str | None, dates: dict[str, str] | None
) -> None:
    table = open_table(tmp_path, ["31/12/2024", word, "1/1/2025"], "csv", dates)
    cells = cells_of(in_time_order(table, "at")).to_pylist()
    assert cells == [date(2024, 12, 31), None, date(2025, 1, 1)]
