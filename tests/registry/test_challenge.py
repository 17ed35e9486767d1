from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.tables.parquet import write_table
from linreg.fit.model import LinearModel
from linreg.registry.challenge import ChallengeResult, challenge

LABEL = "version 3, the champion,"
RNG = np.random.default_rng(1)
X1, X2, NOISE = RNG.normal(size=(3, 1000))
ROWS = pa.table(
    {"x1": X1, "x2": X2, "y": 3 + X1 - 2 * X2 + 0.1 * NOISE, "zone": np.where(X1 > 0, "a", "b")}
)

Model = Callable[..., LinearModel]
Against = Callable[..., ChallengeResult]


@pytest.fixture
def model(learn: Callable[..., Design]) -> Model:
    """A model by its formula and coefficients, trained on rows whose MD5 is 5d.dir."""

    def model(
        formula: str, *theta: float, b: float = 3.0, rows: pa.Table = ROWS, split: str = "5d.dir"
    ) -> LinearModel:
        return LinearModel(learn(formula, rows), np.array(theta), b, {"data/split": split})

    return model


@pytest.fixture
def against(tmp_path: Path) -> Against:
    """Challenges a champion on rows that are written to a file, and on training rows if given."""

    def against(
        champion: LinearModel | None,
        challenger: LinearModel,
        rows: pa.Table = ROWS,
        by: str = "row",
        train: pa.Table | None = None,
    ) -> ChallengeResult:
        path, other = tmp_path / "test.parquet", tmp_path / "train.parquet"
        write_table(path, rows.schema, [rows])
        if train is None:
            return challenge(champion, LABEL, challenger, path, by=by)
        write_table(other, train.schema, [train])
        return challenge(champion, LABEL, challenger, path, by=by, others=[other])

    return against


def test_without_a_champion_the_first_model_becomes_it(model: Model, against: Against) -> None:
    result = against(None, model("y ~ x1 + x2", 9, 9))
    assert result == ChallengeResult("champion", "there was no champion")


def test_the_true_model_replaces_one_that_is_far_from_it(model: Model, against: Against) -> None:
    result = against(model("y ~ x1 + x2", 1.1, -1.9), model("y ~ x1 + x2", 1, -2))
    assert result.outcome == "champion"
    beginning = f"it is significantly better than {LABEL} on 1000 test rows: MSE 0.0"
    assert result.reason.startswith(beginning)
    assert result.test is not None
    interval = f"95 % interval {result.test.low:.6g} to {result.test.high:.6g}"
    assert interval in result.reason


def test_a_smaller_error_that_may_be_chance_does_not_replace_the_champion(
    model: Model, against: Against
) -> None:
    """Of two models next to the truth one has the smaller error by chance."""
    one, other = model("y ~ x1 + x2", 1, -2, b=3.001), model("y ~ x1 + x2", 1, -2, b=2.999)
    results = [against(one, other), against(other, one)]
    assert {result.outcome for result in results} == {"challenger"}
    is_smaller = [result.test is not None and result.test.difference > 0 for result in results]
    assert sorted(is_smaller) == [False, True]
    for result in results:
        assert result.reason.startswith(f"it is not significantly better than {LABEL}")


def test_a_significantly_worse_model_is_called_so(model: Model, against: Against) -> None:
    result = against(model("y ~ x1 + x2", 1, -2), model("y ~ x1 + x2", 1.1, -1.9))
    assert result.outcome == "challenger"
    assert result.reason.startswith(f"it is significantly worse than {LABEL}")


def test_a_blunder_in_the_training_rows_keeps_a_better_model_from_replacing_the_champion(
    model: Model, against: Against
) -> None:
    """With x1 a hundred times as large in one training row of a thousand, x1² is a blunder."""
    champion = model("y ~ x1 + x2", 1, -2, b=3.2)
    challenger = model("y ~ x1 + x2 + I(x1**2)", 1, -2, 0.01)
    wide = X1.copy()
    wide[500] = 100
    train = ROWS.set_column(0, "x1", [wide]).set_column(2, "y", [3 + wide - 2 * X2])
    without, as_usual = against(champion, challenger), against(champion, challenger, train=ROWS)
    assert without.outcome == as_usual.outcome == "champion"
    assert without.test == as_usual.test
    assert "widened" not in as_usual.reason
    result = against(champion, challenger, train=train)
    assert result.outcome == "challenger"
    assert result.reason.startswith(f"it is not significantly better than {LABEL} on 1000 test")
    assert result.reason.endswith(
        ", widened because the errors differ more on 1000 training and validation rows)"
    )


def test_a_champion_stays_if_the_training_rows_have_a_level_that_it_does_not_know(
    model: Model, against: Against
) -> None:
    train = ROWS.set_column(3, "zone", pa.array(["a", "c"] * 500))
    result = against(model("y ~ zone", 1), model("y ~ x1", 1), train=train)
    assert result.outcome == "challenger"
    assert "cannot be compared on these rows" in result.reason
    assert "train.parquet" in result.reason


def test_the_same_model_does_not_replace_itself(model: Model, against: Against) -> None:
    result = against(model("y ~ x1 + x2", 1, -2), model("y ~ x1 + x2", 1, -2))
    assert result.outcome == "challenger"
    assert result.reason.startswith(f"it is not significantly better than {LABEL}")


def test_another_target_is_refused(model: Model, against: Against) -> None:
    result = against(model("x1 ~ x2", 1), model("y ~ x2", 1))
    assert result == ChallengeResult("refused", f"it predicts y, and {LABEL} predicts x1")


def test_another_formula_is_compared_if_the_rows_have_its_columns(
    model: Model, against: Against
) -> None:
    result = against(model("y ~ x1", 1), model("y ~ x1 + x2 + zone", 1, -2, 0))
    assert result.outcome == "champion"


def test_a_champion_stays_if_the_rows_lack_one_of_its_columns(
    model: Model, against: Against
) -> None:
    rows = ROWS.drop_columns(["zone"])
    result = against(model("y ~ zone", 1), model("y ~ x1 + x2", 1, -2, rows=rows), rows)
    assert result.outcome == "challenger"
    assert "cannot be compared on these rows: its column zone is not in" in result.reason


def test_a_champion_stays_if_one_of_its_columns_has_another_type(
    model: Model, against: Against
) -> None:
    rows = ROWS.set_column(0, "x1", pa.array(X1, pa.float32()))
    result = against(model("y ~ x1", 1), model("y ~ x1", 1, rows=rows), rows)
    assert result.outcome == "challenger"
    assert "its column x1 has type double, and float in" in result.reason


def test_a_champion_stays_if_the_rows_have_a_level_that_it_does_not_know(
    model: Model, against: Against
) -> None:
    old = ROWS.set_column(3, "zone", pa.array(["a", "c"] * 500))
    result = against(model("y ~ zone", 1, rows=old), model("y ~ x1", 1))
    assert result.outcome == "challenger"
    assert "cannot be compared on these rows" in result.reason
    assert "found 'b'" in result.reason


@pytest.mark.parametrize("num_rows", [0, 1])
def test_without_two_test_rows_the_champion_stays(
    model: Model, against: Against, num_rows: int
) -> None:
    result = against(model("y ~ x1", 1), model("y ~ x1", 2), ROWS.slice(0, num_rows))
    assert result.outcome == "challenger"
    assert f"must hold at least two rows to compare models on; found {num_rows}" in result.reason


@pytest.mark.parametrize("theta", [1.1, 1.0])
def test_a_champion_that_was_trained_on_another_split_is_reported(
    model: Model, against: Against, theta: float
) -> None:
    result = against(model("y ~ x1 + x2", theta, -2, split="77.dir"), model("y ~ x1 + x2", 1, -2))
    assert result.outcome == ("challenger" if theta == 1.0 else "champion")
    assert result.reason.endswith(
        f"; {LABEL} was trained on another split (MD5 77.dir) and may have seen some of these rows,"
        " which favours it"
    )


def test_rows_of_a_group_are_one_independent_unit(model: Model, against: Against) -> None:
    """A significant difference of 3000 rows is none of the three groups that they belong to."""
    groups = np.repeat([0, 1, 2], 1000)
    rows = pa.table(
        {"x1": np.zeros(3000), "y": np.array([0.3, -0.1, 0.02])[groups], "shop": groups}
    )
    models = model("y ~ x1", 0, b=0.0, rows=rows), model("y ~ x1", 0, b=0.1, rows=rows)
    assert against(*models, rows).outcome == "champion"
    result = against(*models, rows, by="group:shop")
    assert result.outcome == "challenger"
    assert "on 3000 test rows in 3 groups by shop: MSE" in result.reason
    result = against(*models, rows, by="time:shop")
    assert "on 3000 test rows in 3 blocks of consecutive shop: MSE" in result.reason
