import io
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tqdm import tqdm

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.history import Epoch, History
from linreg.fit.sgd.checkpoint import Checkpoint, State
from linreg.fit.sgd.session import (
    Problem,
    gradient_descent,
    progress_bar,
    refuse_divergence,
    run_epochs,
    take_steps,
)
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]


class Counting:
    """An engine that takes `at_once` steps at a time and counts what is asked of it.

    θ is the number of steps and b its double; at step `diverges_at` the loss becomes infinite.
    """

    def __init__(
        self,
        steps_per_epoch: int,
        *,
        at_once: int = 1,
        steps_between_checks: int = 1,
        diverges_at: float = math.inf,
        knows_loss: bool = True,
    ) -> None:
        self.step = 0
        self.learning_rate = 0.0
        self.steps_between_checks = steps_between_checks
        self.begun: list[tuple[int, int]] = []
        self.checked: list[int] = []
        self.losses_at: list[int] = []
        self._steps_per_epoch, self._at_once = steps_per_epoch, at_once
        self._diverges_at, self._knows_loss = diverges_at, knows_loss

    def begin_epoch(self, epoch: int, first_batch: int) -> None:
        self.begun.append((epoch, first_batch))

    def advance(self) -> None:
        left = self._steps_per_epoch - self.step % self._steps_per_epoch
        self.step += min(self._at_once, left)
        self.learning_rate = 1 / self.step

    def loss(self) -> float | None:
        self.losses_at.append(self.step)
        return 1000.0 / 3 if self._knows_loss else None

    def divergence(self) -> tuple[str, object] | None:
        self.checked.append(self.step)
        return ("the loss is lost", math.inf) if self.step >= self._diverges_at else None

    def parameters(self) -> tuple[Floats, float]:
        return np.array([float(self.step)]), 2.0 * self.step

    def state(self) -> State:
        return {"step": self.step}

    def restore(self, state: State) -> None:
        self.step = state["step"]


class Noting(Checkpoint):
    """A checkpoint that notes the steps at which it could have been written."""

    def __init__(self, params: Train) -> None:
        super().__init__({}, params, History(("x1",), params, quiet=True), ALONE)
        self.steps: list[int] = []
        self.epochs: list[int] = []

    def at_step(self, state: Callable[[], State]) -> None:
        self.steps.append(state()["step"])

    def at_epoch(self, state: Callable[[], State]) -> None:
        self.epochs.append(state()["step"])


class Terminal(io.StringIO):
    """A terminal on which every text is kept."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def shards(shards_of: Shards) -> list[Rows]:
    """23 rows, of which batches of 5 make epochs of 5 steps."""
    return shards_of(np.arange(23.0)[:, None], np.arange(23.0))


SCALING = Scaling(np.array([1.0]), np.array([2.0]), 3.0, 4.0)


def problem(shards: list[Rows], workers: Workers = ALONE, **params: Any) -> Problem:
    of = Train(batch_size=5, **params)
    return Problem(shards, 1, True, SCALING, of, BatchPlan(shards, 5), workers)


def test_a_training_yields_the_state_after_each_epoch_in_the_units_of_the_data(
    shards: list[Rows],
) -> None:
    engine = Counting(5)
    epochs = list(run_epochs(engine, problem(shards, epochs=3), None))
    assert engine.begun == [(1, 0), (2, 0), (3, 0)]
    assert [(each.number, each.step, each.lr) for each in epochs] == [
        (1, 5, 1 / 5),
        (2, 10, 1 / 10),
        (3, 15, 1 / 15),
    ]
    for each in epochs:
        # y = y_mean + y_scale·(b + θ·(x − x_mean) / x_scale).
        assert each.theta.tolist() == [each.step * 4 / 2]
        assert each.b == 3 + 4 * 2 * each.step - each.step * 4 / 2 * 1


def test_the_engine_is_made_of_the_problem_that_the_arguments_state(shards: list[Rows]) -> None:
    made: list[Problem] = []

    def make(given: Problem) -> Counting:
        made.append(given)
        return Counting(5)

    params = Train(batch_size=5, epochs=2)
    workers = Workers(1, 2)
    epochs = list(gradient_descent(make, shards, 1, False, SCALING, params, workers))
    assert [each.step for each in epochs] == [5, 10]
    ((of, num_features, intercept, scaling, train, plan, group),) = made
    assert (of, num_features, intercept, scaling, train, group) == (
        shards,
        1,
        False,
        SCALING,
        params,
        workers,
    )
    assert (plan.steps_per_epoch, plan.num_rows) == (5, 23)


@pytest.mark.parametrize(("step", "begun"), [(0, (1, 0)), (4, (1, 4)), (5, (2, 0)), (8, (2, 3))])
def test_a_training_resumes_at_the_batch_after_the_last_step(
    shards: list[Rows],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    begun: tuple[int, int],
) -> None:
    monkeypatch.chdir(tmp_path)
    of = problem(shards, epochs=3)
    checkpoint = Noting(of.params)
    checkpoint.state = {"step": step}
    engine = Counting(5)
    epochs = list(run_epochs(engine, of, checkpoint))
    assert engine.begun[0] == begun
    assert [each.step for each in epochs] == [5, 10, 15][begun[0] - 1 :]
    assert checkpoint.steps == [each for each in range(step + 1, 15) if each % 5]
    assert checkpoint.epochs == [each.step for each in epochs]


def test_a_training_of_which_nothing_is_left_takes_no_step(
    shards: list[Rows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    of = problem(shards, epochs=3)
    checkpoint = Noting(of.params)
    checkpoint.state = {"step": 15}
    engine = Counting(5)
    assert list(run_epochs(engine, of, checkpoint)) == []
    assert engine.begun == []


class Slow(Counting):
    """Takes at least a tenth of a second for an epoch."""

    def begin_epoch(self, epoch: int, first_batch: int) -> None:
        super().begin_epoch(epoch, first_batch)
        time.sleep(0.1)


def test_the_rate_of_an_epoch_counts_the_rows_that_were_left_of_it(shards: list[Rows]) -> None:
    engine = Slow(5)
    engine.step = 2
    started = time.perf_counter()
    epochs = run_epochs(engine, problem(shards, epochs=2), None)
    for num_rows in (13, 23):
        rate = next(epochs).rows_per_second
        seconds = time.perf_counter() - started
        assert num_rows / seconds <= rate <= num_rows / 0.1
        started = time.perf_counter()


def steps_of(
    engine: Counting, num_steps: int, checkpoint: Checkpoint | None = None
) -> Iterator["tqdm[Any]"]:
    """Take the steps of the second epoch, on a terminal, and yield the bar."""
    engine.step = num_steps
    with tqdm(total=num_steps, file=Terminal(), mininterval=1e9) as progress:
        take_steps(engine, 2, num_steps, Train(), checkpoint, progress)
        yield progress


def test_the_loss_is_read_at_every_100th_step_and_the_last() -> None:
    engine = Counting(250)
    (progress,) = steps_of(engine, 250)
    assert engine.losses_at == [350, 450, 500]
    assert (progress.n, progress.postfix) == (250, "loss=333.3")


def test_a_bar_without_a_loss_shows_the_steps_alone() -> None:
    engine = Counting(250, at_once=70, knows_loss=False)
    (progress,) = steps_of(engine, 250)
    assert engine.losses_at == [390, 500]
    assert (progress.n, progress.postfix) == (250, None)


def test_without_a_terminal_no_loss_is_read() -> None:
    engine = Counting(250)
    with tqdm(total=250, disable=True) as progress:
        take_steps(engine, 1, 250, Train(), None, progress)
    assert engine.step == 250
    assert not engine.losses_at


def test_a_new_loss_alone_does_not_redraw_the_bar() -> None:
    terminal = Terminal()
    engine = Counting(250)
    with tqdm(total=250, file=terminal, mininterval=1e9) as progress:
        drawn = len(terminal.getvalue())
        take_steps(engine, 1, 250, Train(), None, progress)
        assert len(terminal.getvalue()) == drawn


@pytest.mark.parametrize(
    ("every", "checked"), [(1, list(range(11, 21))), (4, [12, 16, 20]), (7, [14, 20]), (99, [20])]
)
def test_divergence_is_looked_for_as_often_as_is_cheap_and_at_the_end(
    every: int, checked: list[int]
) -> None:
    engine = Counting(10, steps_between_checks=every)
    list(steps_of(engine, 10))
    assert engine.checked == checked


def test_a_checkpoint_is_offered_after_every_step_but_an_epochs_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = Noting(Train())
    list(steps_of(Counting(10, at_once=3), 10, checkpoint))
    assert (checkpoint.steps, checkpoint.epochs) == ([13, 16, 19], [])


def test_a_training_that_diverges_ends_with_its_step_and_a_tenth_of_the_rate(
    shards: list[Rows],
) -> None:
    engine = Counting(5, diverges_at=7)
    epochs = run_epochs(engine, problem(shards, epochs=3, lr=0.5), None)
    assert next(epochs).step == 5
    message = (
        r"^training: step 7 \(epoch 2\): the loss is lost; found inf; "
        r"lower train\.lr from 0\.5 to 0\.05$"
    )
    with pytest.raises(UserError, match=message):
        next(epochs)


def test_a_training_that_converges_is_not_refused() -> None:
    engine = Counting(5)
    refuse_divergence(engine, 1, Train())
    assert engine.checked == [0]


def test_the_bar_of_an_epoch_shows_on_a_terminal_after_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress_bar(3, 50, ALONE) as progress:
        assert not progress.disable
        assert (progress.total, progress.desc, progress.unit) == (50, "epoch 3", " steps")
        assert (progress.delay, progress.leave) == (1, False)
        progress.update(10)
        assert terminal.getvalue() == ""


def test_only_the_first_process_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    for rank in range(3):
        with progress_bar(1, 50, Workers(rank, 3)) as progress:
            assert bool(progress.disable) == (rank > 0)


def test_no_bar_shows_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with progress_bar(1, 50, ALONE) as progress:
        assert progress.disable


def test_the_bar_has_the_steps_that_are_left_of_the_epoch(
    shards: list[Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen on a terminal on which a second seems to have passed with every look at the clock."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    clock = iter(range(10**6))
    monkeypatch.setattr("tqdm.std.time", lambda: next(clock))
    engine = Counting(5)
    engine.step = 2
    list(run_epochs(engine, problem(shards, epochs=1), None))
    assert "| 3/3 [" in terminal.getvalue()
    assert "epoch 1: 100%" in terminal.getvalue()


@pytest.mark.parametrize("workers", [Workers(1, 2), Workers(2, 3)])
def test_other_processes_than_the_first_show_nothing(
    shards: list[Rows], monkeypatch: pytest.MonkeyPatch, workers: Workers
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    epochs: list[Epoch] = list(run_epochs(Counting(5), problem(shards, workers, epochs=2), None))
    assert (len(epochs), terminal.getvalue()) == (2, "")
