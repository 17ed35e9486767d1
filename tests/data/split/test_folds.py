"""Which fold each training row is in: those of scikit-learn, with the same rows in each file."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.split.fold_assignment import folds_of_groups, folds_of_times
from linreg.data.split.folds import FoldsByRow, open_folds
from linreg.data.split.rows_of_blocks import RowsOfBlocks
from linreg.data.tables import parquet
from linreg.data.tables.parquet import write_table
from linreg.files import read_document, write_document
from linreg.params.split import Split
from stages import split as stage

RANDOM = np.random.default_rng(5)
NUM_ROWS = 500
TABLE = pa.table(
    {
        "x": RANDOM.normal(size=NUM_ROWS),
        "y": RANDOM.normal(size=NUM_ROWS),
        "g": [f"g{k}" for k in RANDOM.geometric(0.1, NUM_ROWS)],
        "t": RANDOM.permutation(NUM_ROWS),
        "day": pa.array(RANDOM.integers(0, 40, NUM_ROWS).astype("datetime64[D]")),
    }
)
Opened = tuple[list[Rows], Any, dict[str, bytes]]


@pytest.fixture
def split(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    together: Callable[..., list[Any]],
    learn: Callable[..., Design],
) -> Callable[..., Opened]:
    """Runs the stage; returns the shards, their folds, and the bytes of files but split.json."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 64)

    def split(num_workers: int = 1, **params: Any) -> Opened:
        Path("data/ingested").mkdir(parents=True, exist_ok=True)
        write_table(Path("data/ingested/table.parquet"), TABLE.schema, [TABLE])
        design = learn("y ~ x", TABLE)
        write_document(Path("data/ingested/schema.json"), design.schema.as_data())
        section = Split(shards=3, **params).model_dump()
        Path("params.yaml").write_text(f"split: {section}\ntrain: {{batch_size: 30}}\n")
        if num_workers == 1:
            stage.main()
        else:
            together(num_workers, inspect.unwrap(stage.main))
        folder = Path("data/split")
        shards = [Rows(path, design) for path in sorted((folder / "train").glob("*.parquet"))]
        files = [path for path in folder.rglob("*") if path.is_file()]
        contents = {str(path): path.read_bytes() for path in files if path.name != "split.json"}
        return shards, open_folds(folder, shards), contents

    return split


def labels(shards: list[Rows], folds: Any) -> np.ndarray[Any, Any]:
    return np.concatenate(
        [
            folds.labels(shard, rows, index)
            for shard, rows in enumerate(shards)
            for index in range(rows.num_chunks)
        ]
    )


def column(shards: list[Rows], name: str) -> np.ndarray[Any, Any]:
    return np.concatenate([pq.read_table(rows.path)[name].to_numpy() for rows in shards])


@pytest.mark.parametrize("by", ["row", "group:g", "time:t"])
def test_folds_change_no_byte_of_the_rows_with_any_number_of_workers(
    split: Callable[..., Opened], by: str
) -> None:
    _, none, without = split(by=by)
    _, _, with_folds = split(by=by, folds=4)
    _, _, by_two = split(2, by=by, folds=4)
    assert none is None
    assert by_two == with_folds
    assert {name: with_folds[name] for name in without} == without
    added = {Path(name).name for name in set(with_folds) - set(without)}
    assert added == (set() if by == "row" else {"folds.parquet", "_folds.seal"})
    assert read_document(Path("data/split/split.json"))["folds"] == {"by": by, "count": 4}


def test_folds_by_row_are_those_of_kfold_over_the_shards_in_their_order(
    split: Callable[..., Opened],
) -> None:
    shards, folds, _ = split(folds=6)
    assert isinstance(folds, FoldsByRow)
    expected = np.empty(350, np.int64)
    for fold, (_, test) in enumerate(KFold(6).split(expected)):
        expected[test] = fold
    np.testing.assert_array_equal(labels(shards, folds), expected)


def test_folds_by_group_never_divide_a_group_and_are_as_even_as_group_k_fold(
    split: Callable[..., Opened],
) -> None:
    shards, folds, _ = split(by="group:g", folds=4)
    of_row, groups = labels(shards, folds), column(shards, "g")
    for group in np.unique(groups):
        assert len(np.unique(of_row[groups == group])) == 1
    theirs = [len(test) for _, test in GroupKFold(4).split(groups, groups=groups)]
    assert sorted(np.bincount(of_row).tolist()) == sorted(theirs)
    written = pq.read_table("data/split/folds.parquet").to_pydict()
    by_value = dict(zip(written["value"], written["fold"], strict=True))
    np.testing.assert_array_equal(of_row + 1, [by_value[group] for group in groups])


def test_folds_in_time_are_those_of_time_series_split(split: Callable[..., Opened]) -> None:
    shards, folds, _ = split(by="time:t", folds=4)
    of_row, times = labels(shards, folds), column(shards, "t")
    order = np.argsort(times)
    for fold, (train, test) in enumerate(TimeSeriesSplit(4).split(times)):
        held_out = np.isin(of_row, [folds.held_out(fold)])
        trained_on = np.isin(of_row, folds.trained_on(fold))
        np.testing.assert_array_equal(np.flatnonzero(held_out[order]), test)
        np.testing.assert_array_equal(np.flatnonzero(trained_on[order]), train)


def test_rows_of_equal_time_are_in_one_fold_and_none_is_trained_on_a_later_one(
    split: Callable[..., Opened],
) -> None:
    shards, folds, _ = split(by="time:day", folds=5)
    of_row, days = labels(shards, folds), column(shards, "day")
    for block in range(5):
        assert days[of_row == block].max() < days[of_row == block + 1].min()
    assert folds.trained_on(0) == [0]
    assert folds.trained_on(4) == [0, 1, 2, 3, 4]


def test_the_rows_of_blocks_are_those_of_their_shards(split: Callable[..., Opened]) -> None:
    shards, folds, _ = split(by="group:g", folds=4)
    of_row, start = labels(shards, folds), 0
    y = column(shards, "y")
    for shard, rows in enumerate(shards):
        some = RowsOfBlocks(rows, folds, shard, folds.trained_on(2))
        end = start + rows.num_rows
        found = np.concatenate([chunk.y for chunk in some])
        np.testing.assert_array_equal(found, y[start:end][of_row[start:end] != 2])
        assert some.num_rows == len(found)
        lengths = [some.chunk_length(index) for index in range(some.num_chunks)]
        assert lengths == [len(some.chunk(index).y) for index in range(some.num_chunks)]
        start = end


def test_the_rules_of_scikit_learn() -> None:
    counts = np.array([5, 1, 7, 3, 2, 9, 11])
    groups = np.repeat(np.arange(7), counts)
    found = folds_of_groups(counts, 3, np.random.default_rng(1))
    for fold, (_, test) in enumerate(GroupKFold(3).split(groups, groups=groups), start=1):
        assert set(np.flatnonzero(found == fold)) == set(groups[test])
    expected = np.zeros(103, np.int64)
    for fold, (_, test) in enumerate(TimeSeriesSplit(5).split(expected), start=1):
        expected[test] = fold
    np.testing.assert_array_equal(folds_of_times(np.ones(103, np.int64), 5), expected)


@pytest.mark.parametrize(
    ("by", "folds", "message"),
    [
        ("group:g", 80, "must be at most the number of training values of g; found 80 for"),
        ("time:day", 60, "at most the number of training values of day after the first; found 60"),
        ("time:day", 24, "leaves a fold without rows, as rows of equal day stay together"),
    ],
)
def test_too_many_folds_are_one_line(
    split: Callable[..., Opened],
    capsys: pytest.CaptureFixture[str],
    by: str,
    folds: int,
    message: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        split(by=by, folds=folds)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: params.yaml: split.folds: ")
    assert message in error
    assert error.count("\n") == 1
