"""Sentinels are told from numbers; false alarms are worse than misses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table
from linreg.setup.checks.sentinels import Sentinels, find_sentinels
from linreg.setup.survey.column_survey import survey_table

N = 600
RNG = np.random.default_rng(3)
AGE = RNG.integers(18, 91, N)


def planted(column: Any, count: int, *values: float) -> list[Any]:
    """The column with each value in `count` cells."""
    column = np.array(column)
    places = np.random.default_rng(1).permutation(len(column))
    for i, value in enumerate(values):
        column[places[i * count : (i + 1) * count]] = value
    return list(column.tolist())


SENTINELS: dict[str, tuple[list[Any], list[float]]] = {
    "a negative age": (planted(AGE, 20, -999), [-999]),
    "one negative age": (planted(AGE, 1, -99), [-99]),
    "two codes of an age": (planted(AGE, 9, 999, -999), [-999, 999]),
    "an income of nines": (planted(RNG.integers(0, 80_000, N), 12, 9_999_999), [9_999_999]),
    "an answer from 1 to 5": (planted(RNG.integers(1, 6, N), 30, 99), [99]),
    "an answer from 0 to 10": (planted(RNG.integers(0, 11, N), 30, 99), [99]),
    "a truth value": (planted(RNG.integers(0, 2, N), 8, 99), [99]),
    "a temperature": (planted(RNG.normal(10, 8, N).round(1), 9, -99.0), [-99]),
    "rain with a fraction": (planted(abs(RNG.normal(0, 5, N)).round(1), 9, -999.9), [-999.9]),
    "a year": (planted(RNG.integers(1950, 2020, N), 5, 9999), [9999]),
}
NUMBERS: dict[str, list[Any]] = {
    "percent": RNG.integers(0, 101, N).tolist(),
    "percent up to 99": RNG.integers(50, 100, N).tolist(),
    "prices of nines": RNG.choice([9, 19, 29, 49, 99, 199, 999], N).tolist(),
    "prices with cents": RNG.choice([4.99, 9.99, 19.99, 99.99], N).tolist(),
    "counts up to 99": np.minimum(99, RNG.poisson(80, N)).tolist(),
    "a heavy tail": [*RNG.lognormal(5, 1.5, N - 1).round().astype(int).tolist(), 9999],
    "balances": planted(RNG.integers(-5000, 9000, N), 3, -999),
    "changes": planted(RNG.integers(-90, 90, N), 1, -99),
    "row numbers": list(range(9400, 10_000)),
    "postal codes": [*RNG.integers(10_000, 100_000, N - 1).tolist(), 99_999],
    "one value beside": [5] * (N - 9) + [99] * 9,
    "nines alone": [99] * N,
}


@pytest.fixture
def find(tmp_path: Path) -> Callable[..., Sentinels]:
    def find(cells: list[Any], kind: str = "csv") -> Sentinels:
        frame = pd.DataFrame({"x": cells, "other": range(len(cells))})
        path = tmp_path / f"t.{kind}"
        if kind == "csv":
            frame.to_csv(path, index=False)
        else:
            rows = pa.Table.from_pandas(frame, preserve_index=False)
            pq.write_table(rows, path, row_group_size=100)
        source = open_source(path)
        table = open_typed_table(source, source.columns, tmp_path / "scratch")
        return find_sentinels(table, survey_table(table))

    return find


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("what", SENTINELS)
def test_a_sentinel_is_found_and_how_to_keep_it_is_said(
    find: Callable[..., Sentinels], what: str, kind: str
) -> None:
    cells, expected = SENTINELS[what]
    found = find(cells, kind)
    assert dict(found.values) == {"x": expected}
    assert len(found.findings) == len(expected)
    assert all(each.otherwise.endswith("add --sentinels x=") for each in found.findings)


@pytest.mark.parametrize("what", NUMBERS)
def test_nothing_is_said_of_numbers(find: Callable[..., Sentinels], what: str) -> None:
    assert find(NUMBERS[what]) == Sentinels({}, [])


def test_a_number_that_may_be_one_is_a_hint_and_stays(find: Callable[..., Sentinels]) -> None:
    found = find(planted(AGE, 50, 99))
    assert not found.values
    (hint,) = found.findings
    assert hint.is_hint
    assert hint.action == "Kept as a number."
    assert hint.otherwise.endswith("add --sentinels x=99")


def test_a_table_without_nines_at_its_ends_is_not_read_again(
    find: Callable[..., Sentinels], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linreg.setup.checks.sentinels._Numbers.update", None)
    assert find(NUMBERS["percent"]) == Sentinels({}, [])
    with pytest.raises(TypeError):
        find(SENTINELS["a year"][0])
