from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.tables.parquet import write_table
from linreg.fit.model import LinearModel
from linreg.registry.promotion import Verdict, contest

LABEL = "version 3, the champion,"
RNG = np.random.default_rng(1)
X1, X2, NOISE = RNG.normal(size=(3, 1000))
ROWS = pa.table(
    {"x1": X1, "x2": X2, "y": 3 + X1 - 2 * X2 + 0.1 * NOISE, "zone": np.where(X1 > 0, "a", "b")}
)


@pytest.fixture
def model(learn: Callable[..., Design]) -> Callable[..., LinearModel]:
    """A model by its formula and coefficients, fitted on rows whose MD5 is 5d.dir."""

    def model(
        formula: str, *theta: float, b: float = 3.0, rows: pa.Table = ROWS, split: str = "5d.dir"
    ) -> LinearModel:
        return LinearModel(learn(formula, rows), np.array(theta), b, {"data/split": split})

    return model


@pytest.fixture
def against(tmp_path: Path) -> Callable[..., Verdict]:
    def against(
        champion: LinearModel | None, challenger: LinearModel, rows: pa.Table = ROWS, **more: str
    ) -> Verdict:
        path = tmp_path / "test.parquet"
        write_table(path, rows.schema, [rows])
        return contest(champion, LABEL, challenger, path, **more)  # type: ignore[arg-type]

    return against


Model = Callable[..., LinearModel]
Against = Callable[..., Verdict]


def test_where_there_is_no_champion_the_first_becomes_it(model: Model, against: Against) -> None:
    assert against(None, model("y ~ x1 + x2", 9, 9)) == Verdict("champion", "there was no champion")


def test_the_truth_takes_the_place_of_what_is_far_from_it(model: Model, against: Against) -> None:
    verdict = against(model("y ~ x1 + x2", 1.1, -1.9), model("y ~ x1 + x2", 1, -2))
    assert verdict.decision == "champion"
    assert verdict.why.startswith(f"it is better than {LABEL} on 1000 test rows: MSE 0.0")
    assert verdict.comparison is not None
    assert (
        f"95 % interval {verdict.comparison.low:.6g} to {verdict.comparison.high:.6g}"
        in verdict.why
    )


def test_better_on_the_point_alone_does_not_take_the_place(model: Model, against: Against) -> None:
    """Of the two neighbours of the truth one is better by chance; neither is by the interval."""
    one, other = model("y ~ x1 + x2", 1, -2, b=3.001), model("y ~ x1 + x2", 1, -2, b=2.999)
    verdicts = [against(one, other), against(other, one)]
    found = [verdict.comparison for verdict in verdicts]
    assert {verdict.decision for verdict in verdicts} == {"challenger"}
    assert sorted(each is not None and each.difference > 0 for each in found) == [False, True]
    assert all(
        verdict.why.startswith(f"it is not known to be better than {LABEL}") for verdict in verdicts
    )


def test_a_worse_one_is_called_worse(model: Model, against: Against) -> None:
    verdict = against(model("y ~ x1 + x2", 1, -2), model("y ~ x1 + x2", 1.1, -1.9))
    assert (verdict.decision, verdict.why.split(LABEL)[0]) == ("challenger", "it is worse than ")


def test_the_same_model_does_not_take_its_own_place(model: Model, against: Against) -> None:
    verdict = against(model("y ~ x1 + x2", 1, -2), model("y ~ x1 + x2", 1, -2))
    assert verdict.decision == "challenger"


def test_another_target_is_refused(model: Model, against: Against) -> None:
    verdict = against(model("x1 ~ x2", 1), model("y ~ x2", 1))
    assert verdict == Verdict("refused", f"it predicts y, and {LABEL} predicts x1")


def test_another_formula_is_compared_where_the_rows_have_its_columns(
    model: Model, against: Against
) -> None:
    verdict = against(model("y ~ x1", 1), model("y ~ x1 + x2 + zone", 1, -2, 0))
    assert verdict.decision == "champion"


def test_a_champion_whose_column_the_rows_lack_stays(model: Model, against: Against) -> None:
    rows = ROWS.drop_columns(["zone"])
    verdict = against(model("y ~ zone", 1), model("y ~ x1 + x2", 1, -2, rows=rows), rows)
    assert verdict.decision == "challenger"
    assert (
        "cannot be compared on these rows: column zone, which it reads as string, is not in"
        in verdict.why
    )


def test_a_champion_that_knows_the_column_with_another_type_stays(
    model: Model, against: Against
) -> None:
    rows = ROWS.set_column(0, "x1", pa.array(X1, pa.float32()))
    verdict = against(model("y ~ x1", 1), model("y ~ x1", 1, rows=rows), rows)
    assert verdict.decision == "challenger"
    assert "column x1, which it reads as double, holds float there" in verdict.why


def test_a_champion_that_has_never_seen_a_level_stays(model: Model, against: Against) -> None:
    old = ROWS.set_column(3, "zone", pa.array(["a", "c"] * 500))
    verdict = against(model("y ~ zone", 1, rows=old), model("y ~ x1", 1))
    assert verdict.decision == "challenger"
    assert "cannot be compared on these rows" in verdict.why
    assert "found 'b'" in verdict.why


@pytest.mark.parametrize("num_rows", [0, 1])
def test_without_test_rows_the_champion_stays(
    model: Model, against: Against, num_rows: int
) -> None:
    verdict = against(model("y ~ x1", 1), model("y ~ x1", 2), ROWS.slice(0, num_rows))
    assert verdict.decision == "challenger"
    assert f"must hold at least two rows to compare models on; found {num_rows}" in verdict.why


@pytest.mark.parametrize("better", [True, False])
def test_a_champion_fitted_on_other_rows_is_said_to_be(
    model: Model, against: Against, better: bool
) -> None:
    other = 1.1 if better else 1.0
    verdict = against(model("y ~ x1 + x2", other, -2, split="77.dir"), model("y ~ x1 + x2", 1, -2))
    assert verdict.decision == ("champion" if better else "challenger")
    assert (
        f"{LABEL} was fitted on another split (MD5 77.dir) and may have seen these rows"
        in verdict.why
    )


def test_rows_of_a_group_count_as_one_witness(model: Model, against: Against) -> None:
    """Sure by rows, unsure by the three groups that they come in."""
    groups = np.repeat([0, 1, 2], 1000)
    rows = pa.table(
        {"x1": np.zeros(3000), "y": np.array([0.3, -0.1, 0.02])[groups], "shop": groups}
    )
    models = model("y ~ x1", 0, b=0.0, rows=rows), model("y ~ x1", 0, b=0.1, rows=rows)
    assert against(*models, rows).decision == "champion"
    verdict = against(*models, rows, group="shop")
    assert verdict.decision == "challenger"
    assert "on 3000 test rows in 3 groups by shop" in verdict.why
