"""The stage `split` as a whole, run by one process and by several."""

import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.formula.design import Design
from linreg.data.split import external_shuffle, part_files
from linreg.data.split.external_shuffle import ExternalShuffle
from linreg.data.split.partition import part_sizes
from linreg.data.split.quotas import shard_sizes
from linreg.data.tables import parquet
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError
from linreg.files import read_document, write_document
from linreg.params.split import Split
from stages import split as stage


class Parts(NamedTuple):
    """The row numbers of each part in the order on disk, and the files' bytes."""

    train: list[list[int]]
    validation: list[int]
    test: list[int]
    files: dict[str, bytes]

    @property
    def all(self) -> list[int]:
        return [*itertools.chain(*self.train), *self.validation, *self.test]


Run = Callable[..., Parts]


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    together: Callable[..., list[Any]],
    learn: Callable[..., Design],
) -> Run:
    """Runs the stage, by one or several workers, on a table with row numbers in a column `row`."""
    monkeypatch.chdir(tmp_path)

    def run(
        num_rows: int,
        columns: dict[str, Any] | None = None,
        num_workers: int = 1,
        formula: str = "row ~ 1",
        **split: Any,
    ) -> Parts:
        # The stage writes where it runs.
        assert Path.cwd() == tmp_path
        table = pa.table(
            {"row": np.arange(num_rows), "g": [f"g{i}" for i in range(num_rows)], **(columns or {})}
        )
        Path("data/ingested").mkdir(parents=True, exist_ok=True)
        write_table(Path("data/ingested/table.parquet"), table.schema, [table])
        schema = learn(formula, table, unseen="drop").schema
        write_document(Path("data/ingested/schema.json"), schema.as_data())
        values = {"batch_size": 100 * split.get("shards", 1)}
        Path("params.yaml").write_text(f"split: {Split(**split).model_dump()}\ntrain: {values}\n")
        if num_workers == 1:
            stage.main()
        else:
            together(num_workers, inspect.unwrap(stage.main))
        assert sorted(path.name for path in Path("data").iterdir()) == ["ingested", "split"]
        folder = Path("data/split")
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

        def rows(path: Path) -> list[int]:
            read = pq.read_table(path)
            assert read.schema.equals(table.schema)
            # Whole rows were moved.
            assert read.equals(table.take(read.column("row")))
            return list(read.column("row").to_pylist())

        parts = Parts(
            [rows(path) for path in sorted((folder / "train").glob("*.parquet"))],
            rows(folder / "validation.parquet"),
            rows(folder / "test.parquet"),
            files,
        )
        document = read_document(folder / "split.json")
        assert {key: document[key] for key in ("rows", "shards")} == {
            "rows": {
                "train": sum(map(len, parts.train)),
                "validation": len(parts.validation),
                "test": len(parts.test),
            },
            "shards": [len(shard) for shard in parts.train],
        }
        return parts

    return run


@pytest.mark.parametrize("num_workers", [1, 3])
def test_rows_with_unseen_levels_are_left_out_of_validation_and_test_and_counted(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], num_workers: int
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 10)
    # The last 12 of 100 rows, all of which are test rows, have towns that no other row has.
    towns = ["Rome", "Oslo"] * 44 + [f"new {i}" for i in range(12)]
    parts = run(100, {"town": towns}, num_workers, "row ~ town", by="time:row")
    assert sorted(parts.all) == list(range(88))
    document = read_document(Path("data/split/split.json"))
    assert document["unseen_levels"] == {"test": {"town": 12}}
    assert document["rows"] == {"train": 70, "validation": 15, "test": 3}
    assert "split: left out: 12 test rows with an unseen level of town" in capsys.readouterr().out


def test_a_part_all_of_whose_rows_have_unseen_levels_is_an_error(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(100, {"town": ["Rome"] * 85 + ["Oslo"] * 15}, 1, "row ~ town", by="time:row")
    printed = capsys.readouterr().err
    assert "split.test: keeps no row, as each has a level that no training row has" in printed
    assert "; found 15 rows with unseen levels of town; " in printed


@pytest.mark.parametrize(("num_rows", "shards"), [(10, 1), (100, 3), (1001, 7), (50, 30)])
def test_every_row_is_in_exactly_one_part_and_every_part_has_its_size(
    run: Run, num_rows: int, shards: int
) -> None:
    parts = run(num_rows, shards=shards)
    assert sorted(parts.all) == list(range(num_rows))
    assert [sum(map(len, parts.train)), len(parts.validation), len(parts.test)] == part_sizes(
        num_rows, Split()
    )
    assert [len(shard) for shard in parts.train] == shard_sizes(sum(map(len, parts.train)), shards)


@pytest.mark.parametrize("rows_per_group", [1, 7, 64])
def test_many_row_groups_lose_no_row(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows_per_group: int
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
    parts = run(203, shards=4)
    assert sorted(parts.all) == list(range(203))
    assert [sum(map(len, parts.train)), len(parts.validation), len(parts.test)] == part_sizes(
        203, Split()
    )


@pytest.mark.parametrize("by", ["row", "group:g", "time:row"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_rows(run: Run, by: str) -> None:
    first, again, other = (run(200, by=by, seed=seed, shards=2) for seed in (1, 1, 2))
    assert first.files == again.files
    assert first.train != other.train
    if by == "time:row":
        assert first.test == other.test
    else:
        assert sorted(first.test) != sorted(other.test)


def test_validation_and_test_rows_keep_the_order_of_the_table(run: Run) -> None:
    parts = run(500)
    assert parts.validation == sorted(parts.validation)
    assert parts.test == sorted(parts.test)


def test_without_validation_and_test_all_rows_train(run: Run) -> None:
    parts = run(40, train=1, validation=0, test=0)
    assert (sorted(parts.train[0]), parts.validation, parts.test) == (list(range(40)), [], [])


@pytest.mark.parametrize("rows_per_group", [1, 10, 1000])
def test_groups_and_times_do_not_depend_on_the_row_groups(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows_per_group: int
) -> None:
    columns = {"who": [f"p{i % 13}" for i in range(130)], "t": [(i * 37) % 50 for i in range(130)]}
    for by in ("group:who", "time:t"):
        whole = run(130, columns, by=by)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
            cut = run(130, columns, by=by)
        assert [set(cut.train[0]), cut.validation, cut.test] == [
            set(whole.train[0]),
            whole.validation,
            whole.test,
        ]


def test_the_number_of_groups_of_each_part_is_said(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run(200, {"who": [f"p{i % 20}" for i in range(200)]}, by="group:who")
    assert "140 train, 30 validation, 30 test rows (14, 3, 3 groups)" in capsys.readouterr().out
    run(200)
    assert "groups" not in capsys.readouterr().out


def test_too_few_groups_are_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run(20, {"who": ["a"] * 15 + ["b"] * 5}, by="group:who")
    assert end.value.code == 2
    assert "gets no rows; found 0.15 of 2 distinct values of who" in capsys.readouterr().err


def test_training_rows_of_a_split_by_time_are_shuffled_as_well(run: Run) -> None:
    parts = run(1000, {"t": range(1000)}, by="time:t")
    assert abs(rank_correlation(parts.train[0])) < 4 / math.sqrt(700)


def rank_correlation(order: Sequence[int]) -> float:
    """Return Spearman's correlation of a row's place now and before; 0 ± 1/√n at random."""
    ranks = np.argsort(np.argsort(order))
    return float(np.corrcoef(ranks, np.arange(len(order)))[0, 1])


def test_the_order_of_training_rows_is_independent_of_the_order_of_the_table(run: Run) -> None:
    for shard in run(4000, shards=2).train:
        n = len(shard)
        # Spearman's correlation has a standard deviation of 1/√(n − 1), and so has the correlation
        # of neighbours.
        assert abs(rank_correlation(shard)) < 4 / math.sqrt(n)
        assert abs(np.corrcoef(shard[:-1], shard[1:])[0, 1]) < 4 / math.sqrt(n)


def test_the_shards_share_one_buffer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sharing = []

    def shuffle(*args: Any, **options: Any) -> ExternalShuffle:
        sharing.append(options["num_shuffles"])
        return ExternalShuffle(*args, **options)

    monkeypatch.setattr(part_files, "ExternalShuffle", shuffle)
    run(100, shards=3)
    assert sharing == [3, 3, 3]


@pytest.mark.parametrize("rows_per_bucket", [10, 1000])
def test_the_order_does_not_depend_on_the_size_of_the_buffer(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows_per_bucket: int
) -> None:
    monkeypatch.setattr(external_shuffle, "ROWS_PER_BUCKET", rows_per_bucket)
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 17)
    expected = run(300, shards=3).files
    for buffered_rows in (0, 1, 50, 120):
        monkeypatch.setattr(external_shuffle, "BUFFERED_ROWS", buffered_rows)
        assert run(300, shards=3).files == expected
        assert run(300, num_workers=2, shards=3).files == expected


@pytest.mark.parametrize("rows_per_bucket", [10, 64])
def test_the_stage_keeps_every_row_with_many_buckets(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows_per_bucket: int
) -> None:
    monkeypatch.setattr(external_shuffle, "ROWS_PER_BUCKET", rows_per_bucket)
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 17)
    parts = run(400, shards=3)
    assert sorted(parts.all) == list(range(400))
    assert all(abs(rank_correlation(shard)) < 4 / math.sqrt(len(shard)) for shard in parts.train)


@pytest.mark.slow
@pytest.mark.parametrize("rows_per_bucket", [20, 1 << 20])
@pytest.mark.parametrize(("num_rows", "rows_per_group"), [(203, 17), (203, 1000), (11, 2)])
@pytest.mark.parametrize("by", ["row", "group:who", "time:t"])
def test_any_number_of_workers_writes_the_same_files(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
    num_rows: int,
    rows_per_group: int,
    rows_per_bucket: int,
) -> None:
    """Three shards and two other files; with one row group all workers but one have no rows."""
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
    monkeypatch.setattr(external_shuffle, "ROWS_PER_BUCKET", rows_per_bucket)
    columns = {
        "who": [f"p{i % 10}" for i in range(num_rows)],
        "t": [(i * 37) % 50 for i in range(num_rows)],
    }
    alone = run(num_rows, columns, by=by, shards=3)
    assert sorted(alone.all) == list(range(num_rows))
    for num_workers in (2, 3, 5, 7):
        assert run(num_rows, columns, num_workers, by=by, shards=3).files == alone.files, (
            num_workers
        )


def test_an_error_in_one_of_several_workers_leaves_the_last_outputs_in_place(
    run: Run, tmp_path: Path
) -> None:
    whole = run(100, num_workers=3)
    with pytest.raises(UserError, match="gets no rows"):
        run(3, num_workers=3)
    left = {
        path.relative_to(tmp_path / "data/split").as_posix(): path.read_bytes()
        for path in (tmp_path / "data/split").rglob("*")
        if path.is_file()
    }
    assert left == whole.files
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["ingested", "split"]
