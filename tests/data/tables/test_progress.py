import io
import sys
import time
from collections.abc import Iterator

import pyarrow as pa
import pytest

from linreg.data.tables.progress import with_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tables(seconds: float = 0.0) -> Iterator[pa.Table]:
    """Tables of 6000 rows; the second takes some time."""
    for length in (1000, 3000, 2000):
        time.sleep(seconds if length == 3000 else 0)
        yield pa.table({"x": range(length)})


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_all_tables_are_yielded_in_order_and_what_takes_no_second_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]
) -> None:
    monkeypatch.setattr(sys, "stderr", shown := stream())
    found = [rows.num_rows for rows in with_progress(tables(), "reading", 6000)]
    assert found == [1000, 3000, 2000]
    assert "reading" not in shown.getvalue()


@pytest.mark.slow
def test_what_takes_longer_is_shown_with_its_rows_and_then_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    list(with_progress(tables(1.05), "reading", 6000))
    shown = terminal.getvalue()
    assert "reading: " in shown
    assert "4.00k/6.00k" in shown
    assert shown.endswith("\r")
