import csv
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from linreg.files import file_hash
from linreg.fit.history import Curves, Epoch, History, gap_in_words, read_columns
from linreg.params.train import Train


def epoch(number: int, theta: tuple[float, ...] = (1.0, 2.0), b: float = 0.5) -> Epoch:
    return Epoch(number, 10 * number, np.array(theta), b, 0.1 / number, 1e6)


def history(validation: list[float | None], **params: Any) -> History:
    """The history of a training that had these validation losses, the epochs numbered from 1."""
    found = History(("x1", "x2"), Train(**params))
    for number, loss in enumerate(validation, start=1):
        found.add(epoch(number), 1.0 / number, loss)
    return found


def test_without_patience_the_last_epoch_is_the_model_and_nothing_stops() -> None:
    found = history([3.0, 1.0, 2.0])
    assert found.selected.number == 3
    assert not found.patience_exhausted


def test_with_patience_the_epoch_of_the_least_validation_loss_is_the_model() -> None:
    assert history([3.0, 1.0, 2.0, 1.5], patience=5).selected.number == 2
    assert history([3.0, 1.0, 1.0], patience=5).selected.number == 2  # the first of equals


@pytest.mark.parametrize(
    ("losses", "patience", "over"),
    [
        ([3.0], 1, False),
        ([3.0, 3.0], 1, True),
        ([3.0, 2.0], 1, False),
        ([3.0, 4.0, 5.0], 3, False),
        ([3.0, 4.0, 5.0, 6.0], 3, True),
        ([3.0, 4.0, 2.0, 6.0, 7.0], 3, False),
        ([3.0, 4.0, 2.0, 6.0, 7.0, 2.0], 3, True),
    ],
)
def test_training_stops_after_patience_epochs_without_a_better_loss(
    losses: list[float | None], patience: int, over: bool
) -> None:
    assert history(losses, patience=patience).patience_exhausted == over


def test_the_curves_have_a_name_per_coefficient_and_leave_out_what_there_is_not() -> None:
    found = History(("x1", "C(g)[T.b]"), Train())
    [(number, values)] = found.add(epoch(1, (1.5, -2.0), 0.25), 0.1, None)
    assert number == 1
    assert values == {
        "train_mse": 0.1,
        "lr": 0.1,
        "b": 0.25,
        "theta.x1": 1.5,
        "theta.C(g)[T.b]": -2.0,
        "rows_per_second": 1e6,
    }
    assert found.add(epoch(2), 0.1, 0.2)[0][1]["validation_mse"] == 0.2


def test_the_tables_keep_every_digit_and_hold_nothing_that_varies(tmp_path: Path) -> None:
    found = History(("x1", "a,b"), Train())
    values = (1 / 3, 5e-324), (-0.0, 1.7976931348623157e308)
    for number, theta in enumerate(values, start=1):
        found.add(epoch(number, theta, 0.1), 2 / 3, None if number == 1 else 1e-17)
    found.write(tmp_path)
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    unknown = {"validation_mse": "", "gap": "", "distance": "", "gradient_norm": ""}
    assert rows[0] == {"epoch": "1", "step": "10", "lr": "0.1", "train_mse": repr(2 / 3)} | unknown
    assert float(rows[1]["validation_mse"]) == 1e-17
    with (tmp_path / "theta.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["coefficient"]) for row in rows] == [
        (n, c) for n in "12" for c in ("b", "x1", "a,b")
    ]
    assert [float(row["value"]).hex() for row in rows if row["coefficient"] != "b"] == [
        value.hex() for theta in values for value in theta
    ]
    assert b"\r" not in (tmp_path / "theta.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "theta.csv"]


@pytest.mark.parametrize(("epochs", "lines"), [(1, 1), (5, 5), (20, 20), (100, 20), (1000, 20)])
def test_at_most_20_epochs_or_so_are_printed_without_a_terminal(
    capsys: pytest.CaptureFixture[str], epochs: int, lines: int
) -> None:
    history([0.5] * epochs, epochs=epochs)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    assert (
        printed[-1]
        == f"train: epoch {epochs}: train MSE {1 / epochs:.6g}, validation MSE 0.5, 1e+06 rows/s"
    )


def test_the_summary_tells_the_epoch_that_was_chosen_and_its_losses() -> None:
    assert (
        history([3.0, 1.0, 2.0], patience=2, epochs=9).summary()
        == "epoch 2 of 9: train MSE 0.5, validation MSE 1"
    )
    assert history([None], epochs=1).summary() == "epoch 1 of 1: train MSE 1"


def test_the_measures_of_the_gap_go_into_the_curves_and_the_table(tmp_path: Path) -> None:
    found = History(("x1", "x2"), Train())
    assert (
        found.add(epoch(1), 0.1, 0.2, {"gap": 1e-3, "distance": None, "gradient_norm": 0.5})[0][1][
            "gap"
        ]
        == 1e-3
    )
    assert (
        "distance"
        not in found.add(epoch(2), 0.1, 0.2, {"gap": 1e-4, "distance": None, "gradient_norm": 0.5})[
            0
        ][1]
    )
    found.write(tmp_path)
    with (tmp_path / "history.csv").open(newline="") as file:
        assert [row["gap"] for row in csv.DictReader(file)] == ["0.001", "0.0001"]
    assert found.summary().endswith(", 0.01 % above the minimum")


def numbers(curves: Curves) -> list[int]:
    return [number for number, _ in curves]


def recorded(losses: Sequence[float | None], **params: Any) -> list[int]:
    """The epochs of a training that are recorded, alike in what `add` returns, `curves` and
    both tables.
    """
    found = History(("x1", "x2"), Train(**params), quiet=True)
    returned: list[int] = []
    for number, loss in enumerate(losses, start=1):
        if found.should_record(epoch(number)):
            returned += numbers(found.add(epoch(number), 1.0 / number, loss))
        if found.patience_exhausted:
            break
    assert sorted(returned) == numbers(found.curves())
    with TemporaryDirectory() as folder:
        found.write(Path(folder))
        for name in ("history.csv", "theta.csv"):
            with (Path(folder) / name).open(newline="") as file:
                assert sorted({int(row["epoch"]) for row in csv.DictReader(file)}) == sorted(
                    returned
                )
    return sorted(returned)


@pytest.mark.parametrize("epochs", [1, 2, 20, 1000])
def test_up_to_1000_epochs_are_all_recorded(epochs: int) -> None:
    assert recorded([0.5] * epochs, epochs=epochs) == list(range(1, epochs + 1))


@pytest.mark.parametrize(
    ("epochs", "every"), [(1001, 2), (1999, 2), (2000, 2), (2001, 3), (12_345, 13), (100_000, 100)]
)
def test_of_more_than_1000_every_kth_is_recorded_with_the_first_and_the_last(
    epochs: int, every: int
) -> None:
    found = recorded([0.5] * epochs, epochs=epochs)
    assert found == sorted({1, *range(every, epochs + 1, every), epochs})
    assert len(found) <= 1002


@pytest.mark.parametrize(
    ("best", "patience"), [(1234, 100), (1, 7), (3000, 2), (2999, 1000), (4999, 500)]
)
def test_with_patience_the_selected_and_the_last_epoch_are_recorded_too(
    best: int, patience: int
) -> None:
    losses = [1.0 + abs(number - best) for number in range(1, 5001)]
    last = min(5000, best + patience)
    assert recorded(losses, epochs=5000, patience=patience) == sorted(
        {1, *range(5, last + 1, 5), best, last}
    )


def test_an_epoch_that_is_not_recorded_costs_nothing_without_patience() -> None:
    assert not History((), Train(epochs=2000)).should_record(epoch(3))
    assert History((), Train(epochs=2000, patience=1)).should_record(epoch(3))


def test_a_loss_beyond_float64_is_never_the_best() -> None:
    assert history([None, 3.0, None, 4.0], patience=5).selected.number == 2


@pytest.mark.parametrize("epochs", [1500, 2500, 100_000])
def test_of_thousands_of_epochs_20_are_printed_and_the_first(
    capsys: pytest.CaptureFixture[str], epochs: int
) -> None:
    found = History(("x1", "x2"), Train(epochs=epochs))
    for number in range(1, epochs + 1):
        if found.should_record(epoch(number)):
            found.add(epoch(number), 0.5, None)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 21
    assert printed[0].startswith("train: epoch 1: ")
    assert printed[-1].startswith(f"train: epoch {epochs}: ")


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (0.0, "0 % above the minimum"),
        (0.00423, "0.423 % above the minimum"),
        (1.5e-9, "1.5e-07 % above the minimum"),
        (9.5, "950 % above the minimum"),
        (10.0, "11 times the minimum"),
        (194.28, "195 times the minimum"),
    ],
)
def test_a_large_gap_is_a_multiple_of_the_minimum(gap: float, words: str) -> None:
    assert gap_in_words(gap) == words


def test_the_tables_are_read_back_as_columns(tmp_path: Path) -> None:
    found = History(("x1", "2020"), Train())
    for number, loss in enumerate([None, 1e-17], start=1):
        found.add(epoch(number, (1 / 3, -number)), 2 / 3, loss, {"gap": 0.5})
    hashes = found.write(tmp_path)
    assert hashes == {name: file_hash(tmp_path / name) for name in ("history.csv", "theta.csv")}
    assert read_columns(tmp_path / "history.csv") == {
        "epoch": [1, 2],
        "step": [10, 20],
        "lr": [0.1, 0.05],
        "train_mse": [2 / 3, 2 / 3],
        "validation_mse": [None, 1e-17],
        "gap": [0.5, 0.5],
        "distance": [None, None],
        "gradient_norm": [None, None],
    }
    assert read_columns(tmp_path / "theta.csv") == {
        "epoch": [1, 1, 1, 2, 2, 2],
        "coefficient": ["b", "x1", "2020"] * 2,
        "value": [0.5, 1 / 3, -1, 0.5, 1 / 3, -2],
    }


@pytest.mark.parametrize("losses", [[], [3.0], [3.0, 1.0, 2.0], [None, 3.0, None]])
def test_a_history_comes_back_from_json_as_it_was(
    tmp_path: Path, losses: list[float | None]
) -> None:
    before = history(losses, patience=2, epochs=9)
    after = History(("x1", "x2"), Train(patience=2, epochs=9))
    after.restore(json.loads(json.dumps(before.as_data())))
    assert after.as_data() == before.as_data()
    assert after.curves() == before.curves()
    assert after.patience_exhausted == before.patience_exhausted
    if losses:
        assert after.selected.theta.dtype == np.float64
        assert after.selected.number == before.selected.number
        assert after.summary() == before.summary()
        assert after.write(tmp_path) == before.write(tmp_path)


def test_an_epoch_of_another_number_of_coefficients_is_refused(tmp_path: Path) -> None:
    found = History(("x1", "x2"), Train(), quiet=True)
    with pytest.raises(ValueError, match="zip"):
        found.add(epoch(1, (1.0,)), 0.1, 0.2)
    with pytest.raises(ValueError, match="zip"):
        found.write(tmp_path)


def test_a_quiet_history_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    History(("x1", "x2"), Train(), quiet=True).add(epoch(1), 0.1, 0.2)
    assert capsys.readouterr().out == ""
    History(("x1", "x2"), Train()).add(epoch(1), None, None)
    assert capsys.readouterr().out == "train: epoch 1: train MSE beyond float64, 1e+06 rows/s\n"


def test_the_speed_of_a_training_without_steps_is_not_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exact = Epoch(0, 0, np.array([1.0, 2.0]), 0.5, 0.0, 0.0)
    found = History(("x1", "x2"), Train(solver="exact", epochs=1))
    [(_, values)] = found.add(exact, 0.25, 0.5)
    assert "rows_per_second" not in values
    assert "rows/s" not in capsys.readouterr().out
    assert found.summary() == "exact: train MSE 0.25, validation MSE 0.5"
