import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from linreg.data.formula.design import Design
from linreg.data.tables import parquet as table
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError
from linreg.evaluation.paired.paired_test import NUM_BLOCKS, PairedTest, paired_test_on_file
from linreg.fit.model import LinearModel

Floats = NDArray[np.float64]
NUM_ROWS = 1000


@pytest.fixture
def compare(
    tmp_path: Path, learn: Callable[..., Design], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[PairedTest, Floats]]:
    """Compares two models of `y ~ x1 + x2` on rows written to a file; returns the test, and d."""

    def compare(
        before: Floats,
        after: Floats,
        *,
        rows: pa.Table | None = None,
        rows_per_group: int = 131_072,
        confidence: float = 0.95,
        by: str = "row",
    ) -> tuple[PairedTest, Floats]:
        rows = a_table() if rows is None else rows
        monkeypatch.setattr(table, "ROWS_PER_GROUP", rows_per_group)
        path = tmp_path / "test.parquet"
        write_table(path, rows.schema, [rows])
        design = learn("y ~ x1 + x2", rows.select(["x1", "x2", "y"]))
        one, other = (LinearModel(design, each[1:], float(each[0]), {}) for each in (before, after))
        X = np.column_stack([rows[name].to_numpy() for name in ("x1", "x2")])
        errors = [rows["y"].to_numpy() - model.b - X @ model.theta for model in (one, other)]
        return paired_test_on_file(path, one, other, confidence, by), errors[0] ** 2 - errors[
            1
        ] ** 2

    return compare


Compare = Callable[..., tuple[PairedTest, Floats]]
BEFORE, AFTER = np.array([3.1, 1.1, -1.9]), np.array([3.0, 1.0, -2.0])


def a_table(num_groups: int = NUM_ROWS, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    x1, x2, noise = rng.normal(size=(3, NUM_ROWS))
    groups = rng.integers(num_groups, size=NUM_ROWS)
    y = 3 + x1 - 2 * x2 + noise + rng.normal(size=num_groups)[groups]
    return pa.table({"x1": x1, "x2": x2, "y": y, "patient": [f"p{each}" for each in groups]})


@pytest.mark.parametrize("rows_per_group", [7, 100, 131_072])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_the_interval_is_scipys_paired_t_interval(
    compare: Compare, rows_per_group: int, confidence: float
) -> None:
    found, d = compare(BEFORE, AFTER, rows_per_group=rows_per_group, confidence=confidence)
    test = stats.ttest_rel(d, np.zeros(NUM_ROWS))
    low, high = test.confidence_interval(confidence)
    assert (found.num_rows, found.num_units, found.confidence) == (NUM_ROWS, NUM_ROWS, confidence)
    # Measured 1e-15.
    assert found.difference == pytest.approx(d.mean(), rel=1e-12)
    assert found.standard_error == pytest.approx(stats.sem(d), rel=1e-12)
    assert [found.low, found.high] == pytest.approx([low, high], rel=1e-11)
    assert found.before - found.after == pytest.approx(found.difference, rel=1e-10)


@pytest.mark.parametrize("rows_per_group", [7, 131_072])
@pytest.mark.parametrize("num_groups", [2, 9, 300])
def test_with_groups_it_is_statsmodels_cluster_robust_interval_of_the_mean(
    compare: Compare, num_groups: int, rows_per_group: int
) -> None:
    rows = a_table(num_groups)
    found, d = compare(BEFORE, AFTER, rows=rows, rows_per_group=rows_per_group, by="group:patient")
    codes = np.unique(rows["patient"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    fit = sm.OLS(d, np.ones(NUM_ROWS)).fit(
        cov_type="cluster", cov_kwds={"groups": codes, "df_correction": True}, use_t=True
    )
    # statsmodels multiplies by (n − 1)/(n − k) as well, which is 1 for the one coefficient of a
    # mean.
    (low, high), num_units = fit.conf_int(0.05)[0], len(set(codes))
    assert found.num_units == num_units
    assert found.difference == pytest.approx(fit.params[0], rel=1e-12)
    assert found.standard_error == pytest.approx(fit.bse[0], rel=1e-11)
    assert [found.low, found.high] == pytest.approx([low, high], rel=1e-10)


@pytest.mark.parametrize("rows_per_group", [7, 131_072])
def test_with_a_time_the_units_are_blocks_of_rows_that_follow_one_another(
    compare: Compare, rows_per_group: int
) -> None:
    times = np.random.default_rng(4).permutation(NUM_ROWS)
    rows = a_table().append_column("day", [times])
    found, d = compare(BEFORE, AFTER, rows=rows, rows_per_group=rows_per_group, by="time:day")
    assert found.num_units == NUM_BLOCKS
    # The middle of row i of 1000 is at i + ½, and a block is 1000/6 rows long.
    block = (NUM_BLOCKS * (2 * np.arange(NUM_ROWS) + 1)) // (2 * NUM_ROWS)
    in_order = d[np.argsort(times)] - d.mean()
    squares = sum(in_order[block == k].sum() ** 2 for k in range(NUM_BLOCKS))
    error = math.sqrt(NUM_BLOCKS / (NUM_BLOCKS - 1) * squares) / NUM_ROWS
    assert found.standard_error == pytest.approx(error, rel=1e-12)
    half_width = stats.t.ppf(0.975, NUM_BLOCKS - 1) * error
    assert found.low == pytest.approx(found.difference - half_width, rel=1e-12)


def test_rows_of_the_same_time_are_in_the_same_block(compare: Compare) -> None:
    rows = a_table().append_column("month", [np.arange(NUM_ROWS) * 4 // NUM_ROWS])
    by_time, _ = compare(BEFORE, AFTER, rows=rows, by="time:month")
    by_group, _ = compare(BEFORE, AFTER, rows=rows, by="group:month")
    assert by_time == by_group
    assert by_time.num_units == 4


@pytest.mark.slow
def test_rows_that_follow_one_another_make_few_false_improvements(compare: Compare) -> None:
    """Of equally good models, with d at a correlation of 0.8: 2.5 % nominal, 27 % by rows."""
    random = np.random.default_rng(5)
    improvements = {"row": 0, "time:day": 0}
    num_rows, num_tables = 150, 100
    for _ in range(num_tables):
        noise = random.normal(size=num_rows + 50)
        d = [0.0]
        for each in noise:
            d.append(0.8 * d[-1] + each)
        # One model predicts 0, the other 1: d = y² − (y − 1)² = 2y − 1.
        rows = pa.table(
            {"x1": np.zeros(num_rows), "x2": np.zeros(num_rows), "day": np.arange(num_rows)}
            | {"y": (np.array(d[-num_rows:]) + 1) / 2}
        )
        for by in improvements:
            found, _ = compare(np.zeros(3), np.array([1.0, 0, 0]), rows=rows, by=by)
            improvements[by] += found.is_improvement
    assert improvements["row"] > 0.15 * num_tables
    assert improvements["time:day"] < 0.1 * num_tables


def test_groups_of_one_row_are_rows(compare: Compare) -> None:
    rows = a_table()
    rows = rows.set_column(3, "patient", pa.array([str(row) for row in range(NUM_ROWS)]))
    by_group, _ = compare(BEFORE, AFTER, rows=rows, by="group:patient")
    by_row, _ = compare(BEFORE, AFTER, rows=rows)
    assert by_group.standard_error == pytest.approx(by_row.standard_error, rel=1e-13)
    assert by_group.low == pytest.approx(by_row.low, rel=1e-12)
    assert by_group.num_units == by_row.num_units


@pytest.mark.slow
def test_the_interval_covers_the_true_difference_as_often_as_it_should(compare: Compare) -> None:
    """The errors of BEFORE exceed those of AFTER, the truth, by 0.1² · (1 + 1 + 1) in the mean:
    0.03.
    """
    covered = []
    for seed in range(200):
        found, _ = compare(
            BEFORE, AFTER, rows=a_table(seed=seed).select(["x1", "x2", "y"]), confidence=0.9
        )
        covered.append(found.low <= 0.03 <= found.high)
    # ± 3 standard deviations of 200 draws at 0.9.
    assert 0.84 <= np.mean(covered) <= 0.96


def test_the_better_model_is_an_improvement_the_worse_and_the_same_are_not(
    compare: Compare,
) -> None:
    better, worse, same = (
        compare(*models)[0] for models in ((BEFORE, AFTER), (AFTER, BEFORE), (AFTER, AFTER))
    )
    assert better.is_improvement
    assert worse.is_deterioration
    assert (worse.low, worse.high) == (-better.high, -better.low)
    assert (same.difference, same.low, same.high) == (0, 0, 0)
    assert not same.is_improvement
    assert not same.is_deterioration


def test_a_difference_by_chance_is_not_significant(compare: Compare) -> None:
    found, _ = compare(np.array([3.001, 1.0, -2.0]), AFTER)
    assert not found.is_improvement
    assert found.low < 0 < found.high


def test_the_size_of_the_row_groups_changes_no_exact_sum(compare: Compare) -> None:
    rows = a_table()
    integers = pa.table({name: np.round(rows[name].to_numpy() * 8) for name in ("x1", "x2", "y")})
    found = [
        compare(BEFORE.round(), AFTER, rows=integers, rows_per_group=each)[0]
        for each in (1000, 1, 13)
    ]
    assert found[0].difference == found[1].difference == found[2].difference
    assert found[0].low == pytest.approx(found[1].low, rel=1e-13)


@pytest.mark.parametrize("num_rows", [0, 1])
def test_fewer_than_two_rows_are_refused(compare: Compare, num_rows: int) -> None:
    with pytest.raises(
        UserError, match=rf"at least two rows to compare models on; found {num_rows}"
    ):
        compare(BEFORE, AFTER, rows=a_table().slice(0, num_rows))


def test_a_single_group_is_refused(compare: Compare) -> None:
    with pytest.raises(UserError, match="at least two values of patient"):
        compare(BEFORE, AFTER, rows=a_table(1), by="group:patient")


def test_squared_errors_beyond_float64_are_refused(compare: Compare) -> None:
    with pytest.raises(UserError, match="beyond float64"):
        compare(np.array([0, 1e200, 0]), AFTER)
