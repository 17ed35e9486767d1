import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables import parquet as table_module
from linreg.data.tables.parquet import write_table
from linreg.errors import Interrupted
from linreg.files import checksum
from linreg.fit import history as history_module
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.history import History
from linreg.fit.sgd import checkpoint as checkpoint_module
from linreg.fit.sgd.autograd import gradient_descent
from linreg.fit.sgd.checkpoint import CHECKPOINTS, Checkpoint, State
from linreg.fit.squared_error import mean_squared_error
from linreg.params.train import Train
from linreg.process import signals
from linreg.process.workers import ALONE, Workers

INPUTS = {"data/split": "0123.dir", "schema.json": "4567"}
NUM_ROWS = 26
STEPS = {1: 4, 3: 5}
"""By number of shards, the steps of an epoch with batches of 7 of the 26 rows: shares of 3, 2, 2 of
9, 9, 8 rows.
"""
Shards = Mapping[int, list[Rows]]
SECONDS_WITHIN_EPOCH = checkpoint_module.SECONDS_WITHIN_EPOCH
SHARE_OF_TIME = checkpoint_module.SHARE_OF_TIME


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory, learn: Callable[..., Design]) -> Shards:
    """The same 26 rows in 1 and in 3 shards, in chunks of 4 rows; `y ~ x1 + x2`."""
    folder, rng = tmp_path_factory.mktemp("shards"), np.random.default_rng(5)
    X = rng.normal(size=(NUM_ROWS, 2))
    rows = pa.table(
        {"x1": X[:, 0], "x2": X[:, 1], "y": 0.3 + X @ [1.5, -2.0] + 0.4 * rng.normal(size=NUM_ROWS)}
    )
    design = learn("y ~ x1 + x2", rows)
    found: dict[int, list[Rows]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_module, "ROWS_PER_GROUP", 4)
        for num_shards in STEPS:
            found[num_shards] = []
            for index, of_shard in enumerate(np.array_split(np.arange(NUM_ROWS), num_shards)):
                path = folder / f"of-{num_shards}-{index}.parquet"
                write_table(path, rows.schema, [rows.take(of_shard)])
                found[num_shards].append(Rows(path, design))
    return found


@pytest.fixture(autouse=True)
def at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a checkpoint written whenever it may be."""
    monkeypatch.setattr(checkpoint_module, "SECONDS_WITHIN_EPOCH", 0.0)
    monkeypatch.setattr(checkpoint_module, "SHARE_OF_TIME", float("inf"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / CHECKPOINTS


class StoppedError(Exception):
    """What happens to a training in these tests."""


class Stopping(Checkpoint):
    """A checkpoint after whose n-th writing the training stops, as if it had been killed there."""

    writings_left = 0

    def write(self, state: Callable[[], State]) -> bool:
        written = super().write(state)
        self.writings_left -= 1
        if not self.writings_left:
            raise StoppedError
        return written


def fit(shards: list[Rows], params: Train, history: History, checkpoint: Checkpoint | None) -> None:
    """Train as stages/train.py does."""
    scaling = Scaling(np.array([0.1, -0.2]), np.array([1.1, 0.9]), 0.25, 2.0)
    for epoch in gradient_descent(shards, 2, True, scaling, params, ALONE, checkpoint):
        if not history.should_record(epoch):
            continue
        train_mse = mean_squared_error(shards, epoch.theta, epoch.b)
        validation_mse = mean_squared_error(shards[:1], epoch.theta, epoch.b)
        history.add(epoch, train_mse, validation_mse, {"gap": epoch.theta[0] / 3, "distance": None})
        if history.patience_exhausted:
            break


def outcome(history: History) -> list[Any]:
    """All that a training leaves, to the last bit, but for how fast it was."""
    with TemporaryDirectory() as where:
        history.write(Path(where))
        files = [(Path(where) / name).read_text() for name in ("history.csv", "theta.csv")]
    curves = [
        (n, {k: v for k, v in values.items() if k != "rows_per_second"})
        for n, values in history.curves()
    ]
    return [*files, curves, history.selected.number, history.summary()]


def uninterrupted(shards: list[Rows], params: Train) -> list[Any]:
    history = History(("x1", "x2"), params, quiet=True)
    fit(shards, params, history, None)
    return outcome(history)


def started(params: Train) -> tuple[History, Checkpoint]:
    history = History(("x1", "x2"), params, quiet=True)
    return history, Checkpoint(INPUTS, params, history, ALONE)


def stopped(shards: list[Rows], params: Train, after: int) -> bool:
    """Start or go on, and stop after so many writings; tells whether there were that many."""
    history = History(("x1", "x2"), params, quiet=True)
    checkpoint = Stopping(INPUTS, params, history, ALONE)
    checkpoint.writings_left = after
    try:
        fit(shards, params, history, checkpoint)
    except StoppedError:
        return True
    return False


def finished(shards: list[Rows], params: Train) -> list[Any]:
    history, checkpoint = started(params)
    fit(shards, params, history, checkpoint)
    return outcome(history)


def small(**params: Any) -> Train:
    return Train(**{"epochs": 3, "batch_size": 7, "lr": 0.05, **params})


def the_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


@contextlib.contextmanager
def elsewhere() -> Iterator[Path]:
    with TemporaryDirectory() as where, contextlib.chdir(where):
        yield Path(where) / CHECKPOINTS


@pytest.mark.parametrize("num_shards", STEPS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_stopped_after_any_step_ends_with_the_same_bits(
    shards: Shards, num_shards: int, dtype: Any
) -> None:
    params = small(dtype=dtype, momentum=0.9, average=0.5, schedule="cosine")
    expected = uninterrupted(shards[num_shards], params)
    for step in range(1, 3 * STEPS[num_shards] + 1):
        with elsewhere() as folder:
            assert stopped(shards[num_shards], params, step)
            assert json.loads(the_file(folder).read_text())["state"]["step"] == step
            assert finished(shards[num_shards], params) == expected, step


@pytest.mark.slow
@settings(max_examples=30)
@given(
    stops=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    num_shards=st.sampled_from(list(STEPS)),
    momentum=st.sampled_from([0.0, 0.9]),
    average=st.sampled_from([0.0, 0.2, 1.0]),
    patience=st.sampled_from([0, 1]),
    schedule=st.sampled_from(["constant", "linear", "cosine"]),
    dtype=st.sampled_from(["float32", "float64"]),
    l2=st.sampled_from([0.0, 0.1]),
    lr=st.sampled_from([0.05, 0.4]),
    seed=st.integers(1, 3),
)
def test_however_often_a_training_is_stopped_it_ends_with_the_same_bits(
    shards: Shards, stops: list[int], num_shards: int, **params: Any
) -> None:
    """With patience at a rate of 0.4, too: some of these trainings end early, before or after a
    stop.
    """
    of = small(epochs=4, **params)
    with elsewhere():
        for after in stops:
            stopped(shards[num_shards], of, after)
        assert finished(shards[num_shards], of) == uninterrupted(shards[num_shards], of)


@pytest.mark.slow
@settings(max_examples=30)
@given(
    stops=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    most=st.sampled_from([1, 2, 3]),
    patience=st.sampled_from([0, 1, 2]),
    lr=st.sampled_from([0.05, 0.4]),
    seed=st.integers(1, 3),
)
def test_a_training_of_which_not_all_epochs_are_recorded_ends_with_the_same_bits(
    shards: Shards, stops: list[int], most: int, **params: Any
) -> None:
    of = small(epochs=7, **params)
    with elsewhere(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_module, "MOST_RECORDED", most)
        for after in stops:
            stopped(shards[1], of, after)
        assert finished(shards[1], of) == uninterrupted(shards[1], of)


def test_some_of_these_trainings_do_end_early(shards: Shards) -> None:
    numbers = {
        len(uninterrupted(shards[1], small(epochs=4, lr=0.4, patience=1, seed=seed))[2])
        for seed in (1, 2, 3)
    }
    assert min(numbers) < 4


def test_a_training_that_goes_on_does_no_step_twice_and_says_from_where(
    shards: Shards, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = small()
    stopped(shards[1], params, 6)
    history = History(("x1", "x2"), params, quiet=True)
    checkpoint = Stopping(INPUTS, params, history, ALONE)  # which counts and never stops
    assert capsys.readouterr().out == "train: resuming from step 6\n"
    assert [number for number, _ in history.curves()] == [1]
    fit(shards[1], params, history, checkpoint)
    assert checkpoint.writings_left == -6
    assert [number for number, _ in history.curves()] == [1, 2, 3]


def test_a_training_stopped_after_its_last_step_has_nothing_left_to_do(
    shards: Shards, folder: Path
) -> None:
    stopped(shards[1], small(), 12)
    before = the_file(folder).stat().st_mtime_ns
    assert finished(shards[1], small()) == uninterrupted(shards[1], small())
    assert the_file(folder).stat().st_mtime_ns == before


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut in half": lambda data: data[: len(data) // 2],
    "the end is missing": lambda data: data[:-3],
    "zeros, as after a power cut": lambda data: bytes(len(data)),
    "a list": lambda data: b"[" + data + b"]",
    "text": lambda _: b'"checksum"\n',
    "a number": lambda _: b"1\n",
    "null": lambda _: b"null\n",
    "an empty document": lambda _: b"{}\n",
    "no checksum": lambda data: json.dumps(
        {k: v for k, v in json.loads(data).items() if k != "checksum"}
    ).encode(),
    "a checksum of its own": lambda _: signed(
        {"key": "another training", "state": {"step": 3}, "history": []}
    ),
    "a checksum and nothing else": lambda _: signed({}),
    "another step": lambda data: data.replace(b'"step": 6', b'"step": 5'),
    "deeply nested": lambda _: b"[" * 100_000,
    "a number beyond all bounds": lambda _: b"1" * 5000,
    "no text": lambda data: b"\xff\xfe" + data,
}


def signed(document: dict[str, Any]) -> bytes:
    return json.dumps(document | {"checksum": checksum(document)}).encode()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_said_in_a_line_and_the_training_starts_over(
    shards: Shards, folder: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    params = small(momentum=0.9)
    stopped(shards[1], params, 6)
    path = the_file(folder)
    intact = path.read_bytes()
    path.write_bytes(DAMAGES[damage](intact))
    assert path.read_bytes() != intact
    history, checkpoint = started(params)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"train: {CHECKPOINTS / path.name} is damaged (")
    assert line.endswith("); starting from the beginning")
    assert (checkpoint.state, history.curves(), path.exists()) == (None, [], False)
    fit(shards[1], params, history, checkpoint)
    assert outcome(history) == uninterrupted(shards[1], params)


@pytest.mark.slow
@settings(max_examples=25)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_never_changes_a_result(shards: Shards, place: int, bit: int) -> None:
    """It is found, unless it makes 1E-05 of 1e-05."""
    params = small(epochs=2, momentum=0.9)
    with elsewhere() as folder:
        stopped(shards[1], params, 6)
        path = the_file(folder)
        content = bytearray(path.read_bytes())
        meant = json.loads(content)
        content[place % len(content)] ^= 1 << bit
        path.write_bytes(content)
        _, checkpoint = started(params)
        if checkpoint.state is not None:
            assert json.loads(content) == meant
        assert finished(shards[1], params) == uninterrupted(shards[1], params)


OTHERS = {
    "epochs": 4,
    "batch_size": 8,
    "lr": 0.04,
    "momentum": 0.5,
    "dtype": "float64",
    "schedule": "linear",
    "average": 0.3,
    "l2": 0.1,
    "seed": 2,
    "patience": 2,
    "scale": "standardize",
    "collinear": "drop",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_parameters_are_another_training(shards: Shards, folder: Path, name: str) -> None:
    other = small(**{name: OTHERS[name]})
    assert other != small()
    stopped(shards[1], small(), 6)
    history, checkpoint = started(other)
    assert (checkpoint.state, history.curves()) == (None, [])
    assert started(small())[1].state is not None  # whose checkpoint waits for it


@pytest.mark.parametrize(
    "inputs", [{"data/split": "0123.dir"}, INPUTS | {"data/split": "0124.dir"}, {}]
)
def test_other_data_is_another_training(
    shards: Shards, folder: Path, inputs: dict[str, str]
) -> None:
    stopped(shards[1], small(), 6)
    history = History(("x1", "x2"), small(), quiet=True)
    assert Checkpoint(inputs, small(), history, ALONE).state is None
    assert history.curves() == []


@pytest.mark.parametrize("name", ["stages/train.py", "own.py"])
def test_other_code_is_another_training(shards: Shards, folder: Path, name: str) -> None:
    Path("dvc.yaml").write_text("stages: {train: {cmd: python -m stages.train}}\n")
    Path("stages").mkdir()
    Path("stages/train.py").write_text("import own\n")
    Path("own.py").write_text("")
    stopped(shards[1], small(), 6)
    assert started(small())[1].state is not None
    before = Path(name).read_text()
    Path(name).write_text(f"{before}x = 1\n")
    history, checkpoint = started(small())
    assert (checkpoint.state, history.curves()) == (None, [])
    Path(name).write_text(before)
    Path("__pycache__").mkdir()
    Path("__pycache__/own.cpython-311.pyc").write_text("what Python leaves")
    Path("unused.py").write_text("")
    assert started(small())[1].state is not None


def test_after_delete_the_next_training_starts_from_its_beginning(
    shards: Shards, folder: Path
) -> None:
    stopped(shards[1], small(), 6)
    _, checkpoint = started(small())
    checkpoint.delete()
    assert list(folder.iterdir()) == []
    assert started(small())[1].state is None
    checkpoint.delete()  # nothing to delete is no mistake


def test_a_writing_that_fails_leaves_the_checkpoint_before_it_and_nothing_else(
    shards: Shards, folder: Path
) -> None:
    stopped(shards[1], small(), 6)
    before = the_file(folder).read_bytes()
    _, checkpoint = started(small())

    def breaks() -> State:
        raise StoppedError

    with pytest.raises(StoppedError):
        checkpoint.write(breaks)
    with pytest.raises(TypeError):
        checkpoint.write(lambda: {"step": 7, "model": object()})
    assert the_file(folder).read_bytes() == before


def test_checkpoints_take_a_small_share_of_the_time(
    shards: Shards, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one may take a billionth of it, the first, whose cost nobody knows yet, is the only
    one.
    """
    monkeypatch.setattr(checkpoint_module, "SECONDS_WITHIN_EPOCH", 5.0)
    monkeypatch.setattr(checkpoint_module, "SHARE_OF_TIME", 1e-9)
    finished(shards[1], small())
    assert json.loads(the_file(folder).read_text())["state"]["step"] == STEPS[1]


# when it is written


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, at_every_step: None) -> Clock:
    """A clock at which checkpoints are written as usual."""
    clock = Clock()
    monkeypatch.setattr(checkpoint_module, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(checkpoint_module, "SECONDS_WITHIN_EPOCH", SECONDS_WITHIN_EPOCH)
    monkeypatch.setattr(checkpoint_module, "SHARE_OF_TIME", SHARE_OF_TIME)
    return clock


def first_due(clock: Clock, offer: Callable[[Callable[[], State]], None], cost: float) -> float:
    """Offer a checkpoint every 1/8 s until it is written, which takes `cost`; tells after when."""
    last, written = clock.now, False

    def state() -> State:
        nonlocal written
        written = True
        clock.now += cost
        return {"step": 1}

    while True:
        offer(state)
        if written:
            return clock.now - cost - last
        clock.now += 0.125


def test_within_an_epoch_a_checkpoint_is_written_every_5_seconds(
    folder: Path, clock: Clock
) -> None:
    _, checkpoint = started(small())
    assert [first_due(clock, checkpoint.at_step, 0.0) for _ in range(3)] == [5.0] * 3
    # It is 1/20 of the time at most: 0.125 of 2.5 s would be, too.
    assert [first_due(clock, checkpoint.at_step, 0.125) for _ in range(3)] == [5.0] * 3


@pytest.mark.parametrize(("cost", "seconds"), [(0.375, 7.5), (0.5, 10.0), (2.0, 10.0)])
def test_writing_takes_a_20th_of_the_time_unless_a_kill_would_lose_more_than_10_seconds(
    folder: Path, clock: Clock, cost: float, seconds: float
) -> None:
    _, checkpoint = started(small())
    first_due(clock, checkpoint.at_step, cost)
    assert first_due(clock, checkpoint.at_step, cost) == seconds
    assert first_due(clock, checkpoint.at_epoch, cost) == seconds


def test_after_an_epoch_a_checkpoint_is_written_at_once_if_that_takes_no_time(
    folder: Path, clock: Clock
) -> None:
    _, checkpoint = started(small())
    assert [first_due(clock, checkpoint.at_epoch, 0.0) for _ in range(3)] == [0.0] * 3
    first_due(clock, checkpoint.at_epoch, 0.0625)
    assert first_due(clock, checkpoint.at_epoch, 0.0625) == 1.25


def test_a_checkpoint_that_could_not_be_written_is_due_as_if_it_had_been(
    folder: Path, clock: Clock
) -> None:
    _, checkpoint = started(small())
    folder.parent.touch()
    first_due(clock, checkpoint.at_step, 0.375)
    assert first_due(clock, checkpoint.at_step, 0.375) == 7.5


# what it says, and who may write


def test_a_checkpoint_is_a_line_of_json_with_sorted_keys(folder: Path) -> None:
    _, checkpoint = started(small())
    assert checkpoint.write(lambda: {"step": 3, "model": [1 / 3]}) is True
    text = the_file(folder).read_text()
    assert text == json.dumps(json.loads(text), sort_keys=True) + "\n"
    assert started(small())[1].state == {"step": 3, "model": [1 / 3]}


def test_the_order_of_the_inputs_makes_no_other_training(folder: Path) -> None:
    _, checkpoint = started(small())
    checkpoint.write(lambda: {"step": 3})
    history = History(("x1", "x2"), small(), quiet=True)
    reverse = dict(reversed(INPUTS.items()))
    assert list(reverse) != list(INPUTS)
    assert Checkpoint(reverse, small(), history, ALONE).state == {"step": 3}


def test_all_processes_resume_and_the_first_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str], together: Callable[..., list[Any]]
) -> None:
    started(small())[1].write(lambda: {"step": 3})

    def work(workers: Workers) -> Any:
        history = History(("x1", "x2"), small(), quiet=True)
        return Checkpoint(INPUTS, small(), history, workers).state

    assert together(3, work) == [{"step": 3}] * 3
    assert capsys.readouterr().out == "train: resuming from step 3\n"


def test_only_the_first_process_writes_and_deletes(folder: Path) -> None:
    history = History(("x1", "x2"), small(), quiet=True)
    other = Checkpoint(INPUTS, small(), history, Workers(1, 2))
    assert other.write(lambda: {"step": 3}) is False
    other.at_epoch(lambda: {"step": 3})
    assert not folder.exists()
    started(small())[1].write(lambda: {"step": 4})
    other.delete()
    assert started(small())[1].state == {"step": 4}


def test_that_nothing_can_be_written_is_said_once_and_training_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, checkpoint = started(small())
    folder.parent.touch()
    assert [checkpoint.write(lambda: {"step": 3}) for _ in range(3)] == [False] * 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "train: no checkpoint can be written, so a kill loses all the work: .linreg/checkpoints: "
    )
    folder.parent.unlink()
    assert checkpoint.write(lambda: {"step": 3}) is True


def test_a_folder_in_the_place_of_a_checkpoint_is_said_in_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, checkpoint = started(small())
    checkpoint.write(lambda: {"step": 3})
    path = the_file(folder)
    path.unlink()
    path.mkdir()
    assert checkpoint.write(lambda: {"step": 3}) is False
    (line,) = capsys.readouterr().err.splitlines()
    assert f"all the work: {CHECKPOINTS / path.name}: is a folder, " in line


# when it is asked to end


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Sends this process a signal, as `interruptible` stages get it."""
    # What a test leaves there would interrupt the next one.
    monkeypatch.setattr(signals, "_pending_signal", 0)
    with signals.interruptible():
        yield lambda: os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("occasion", ["at_step", "at_epoch"])
def test_a_training_that_is_asked_to_end_saves_its_step_first(
    folder: Path, clock: Clock, asked: Callable[[], None], occasion: str
) -> None:
    _, checkpoint = started(small())
    getattr(checkpoint, occasion)(lambda: {"step": 6})
    asked()
    message = r"^train: interrupted; step 7 is saved, run it again to resume from there$"
    with pytest.raises(Interrupted, match=message) as error:
        getattr(checkpoint, occasion)(lambda: {"step": 7})
    assert error.value.number == signal.SIGTERM
    assert started(small())[1].state == {"step": 7}


def test_a_training_that_cannot_be_saved_says_that_its_step_is_lost(
    folder: Path, asked: Callable[[], None]
) -> None:
    _, checkpoint = started(small())
    folder.parent.touch()
    checkpoint.at_step(lambda: {"step": 6})
    asked()
    with pytest.raises(Interrupted, match=r"^train: interrupted; step 7 is lost$"):
        checkpoint.at_step(lambda: {"step": 7})


def test_of_several_processes_the_first_decides_when_to_end(
    folder: Path, asked: Callable[[], None]
) -> None:
    history = History(("x1", "x2"), small(), quiet=True)
    other = Checkpoint(INPUTS, small(), history, Workers(1, 2))
    other.at_step(lambda: {"step": 6})
    asked()
    other.at_step(lambda: {"step": 7})
    other.at_epoch(lambda: {"step": 7})
    other.delete()
    # It has neither ended nor written a file, which is the first one's.
    assert signals.pending_signal() == signal.SIGTERM
    assert not folder.exists()


def test_a_training_asked_to_end_after_its_last_step_keeps_its_checkpoint(
    folder: Path, asked: Callable[[], None]
) -> None:
    _, checkpoint = started(small())
    checkpoint.at_step(lambda: {"step": 6})
    asked()
    with pytest.raises(Interrupted) as error:
        checkpoint.delete()
    assert error.value.number == signal.SIGTERM
    assert started(small())[1].state == {"step": 6}
