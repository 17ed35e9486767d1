"""How often the paired test finds an improvement where there is one, and where there is none.

In simulated test rows, with 17/3 times as many training and validation rows (70 and 15 of 100).
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import stats

from linreg.data.formula.design import Design
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError
from linreg.evaluation.paired.differences import MeanDifference
from linreg.evaluation.paired.paired_test import (
    MAX_P,
    NUM_BLOCKS,
    PairedTest,
    paired_test,
    paired_test_of_means,
    paired_test_on_file,
)
from linreg.fit.model import LinearModel

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
SLOW = pytest.mark.very_slow
SIZES = [30, 60, pytest.param(150, marks=SLOW), pytest.param(1500, marks=SLOW)]


def num_other(num_rows: int) -> int:
    return 17 * num_rows // 3


def mean_of(d: Floats) -> MeanDifference:
    return MeanDifference(
        len(d), len(d), 0, 0, float(d.mean()), float(d.std(ddof=1)) / math.sqrt(len(d))
    )


def shares_of_improvements(draw: Draw, num_rows: int, num_sets: int) -> tuple[float, float]:
    """Return how many test sets show an improvement: by Student's interval, and by ours."""
    random = np.random.default_rng(num_rows)
    found = []
    for _ in range(num_sets):
        d = draw(random, num_rows + num_other(num_rows))
        own, other = mean_of(d[:num_rows]), mean_of(d[num_rows:])
        found.append([paired_test_of_means(own, each).is_improvement for each in (None, other)])
    student, ours = np.mean(found, axis=0)
    return float(student), float(ours)


def normal(mean: float = 0) -> Draw:
    return lambda random, size: mean + random.normal(size=size)


def two_models(distance: float) -> Draw:
    """The truth, whose errors are normal, against a model at this distance from it."""

    def draw(random: np.random.Generator, size: int) -> Floats:
        errors, distances = random.normal(size=(2, size))
        d: Floats = np.square(errors + distance * distances) - np.square(errors)
        return d

    return draw


def blunders(rate: float, gain: float) -> Draw:
    """A gain of so many standard deviations, which blunders at this rate take back in the mean."""

    def draw(random: np.random.Generator, size: int) -> Floats:
        d = gain + random.normal(size=size)
        return np.where(random.random(size) < rate, -gain * (1 - rate) / rate, d)

    return draw


def exponential(random: np.random.Generator, size: int) -> Floats:
    return 1 - random.exponential(size=size)


def lognormal(random: np.random.Generator, size: int) -> Floats:
    return math.exp(1.125) - random.lognormal(sigma=1.5, size=size)


@pytest.mark.parametrize("num_rows", SIZES)
@pytest.mark.parametrize("gain", [0.5, 1])
@pytest.mark.parametrize("rate", [pytest.param(0.005, marks=SLOW), 0.01, 0.02, 0.03])
def test_blunders_that_any_row_shows_make_few_false_improvements(
    rate: float, gain: float, num_rows: int
) -> None:
    """Of blunders in none of the rows nobody knows; of those in any, the nominal 2.5 % at most."""
    num_sets = 200
    student, ours = shares_of_improvements(blunders(rate, gain), num_rows, num_sets)
    unseen = (1 - rate) ** (num_rows + num_other(num_rows))
    # Three standard deviations of so many sets.
    assert ours <= unseen + 0.025 + 3 * math.sqrt((unseen + 0.025) / num_sets)
    assert ours <= student
    if num_rows == 60:
        # Student's interval finds an improvement wherever it sees no blunder.
        assert student == pytest.approx((1 - rate) ** 60, abs=0.15)


@pytest.mark.parametrize("num_rows", SIZES)
def test_without_a_difference_about_the_nominal_share_seems_an_improvement(num_rows: int) -> None:
    _, ours = shares_of_improvements(normal(), num_rows, 1000)
    assert 0.01 <= ours <= 0.035


@pytest.mark.parametrize("draw", [exponential, lognormal])
@pytest.mark.parametrize("num_rows", SIZES)
def test_skewed_differences_make_about_the_nominal_share_of_false_improvements(
    draw: Draw, num_rows: int
) -> None:
    """Student's interval: 3 to 6 % of exponential, 8 to 20 % of lognormal differences."""
    student, ours = shares_of_improvements(draw, num_rows, 300)
    assert ours <= 0.05
    assert ours <= student


@pytest.mark.parametrize("standard_errors", [2, 3.5])
@pytest.mark.parametrize("num_rows", SIZES)
def test_normal_differences_are_found_as_often_as_by_student(
    num_rows: int, standard_errors: float
) -> None:
    draw = normal(standard_errors / math.sqrt(num_rows))
    student, ours = shares_of_improvements(draw, num_rows, 300)
    assert student - 0.015 <= ours <= student


@pytest.mark.parametrize("standard_errors", [2, 3.5])
@pytest.mark.parametrize(
    ("num_rows", "loss"),
    [
        (30, 0.12),
        (60, 0.08),
        pytest.param(150, 0.04, marks=SLOW),
        pytest.param(1500, 0.02, marks=SLOW),
    ],
)
def test_better_models_with_normal_errors_are_found_nearly_as_often_as_by_student(
    num_rows: int, loss: float, standard_errors: float
) -> None:
    """d, here a product of normal numbers, has long tails itself."""
    draw = two_models(2 * standard_errors / math.sqrt(num_rows))
    student, ours = shares_of_improvements(draw, num_rows, 300)
    assert student - loss <= ours <= student


@pytest.fixture
def compare(tmp_path: Path, learn: Callable[..., Design]) -> Callable[..., PairedTest]:
    """Compares a model that predicts 0 with one that predicts 1 on files of rows with given d."""
    paths = [tmp_path / name for name in ("test.parquet", "validation.parquet", "train.parquet")]

    def compare(
        own: Floats, *others: Floats, by: str = "row", units: Sequence[NDArray[np.int64]] = ()
    ) -> PairedTest:
        used = paths[: 1 + len(others)]
        for index, (path, d) in enumerate(zip(used, (own, *others), strict=True)):
            # d = y² − (y − 1)².
            table = pa.table({"x": np.zeros(len(d)), "y": (d + 1) / 2})
            if units:
                table = table.append_column("unit", [units[index]])
            write_table(path, table.schema, [table])
        design = learn("y ~ x", pa.table({"x": [0.0, 1.0], "y": [0.0, 1.0]}))
        before, after = (LinearModel(design, np.zeros(1), b, {}) for b in (0.0, 1.0))
        return paired_test_on_file(used[0], before, after, by=by, others=used[1:])

    return compare


Compare = Callable[..., PairedTest]


@pytest.mark.parametrize("scale", [0.5, 1, 1.2, 2, 100])
def test_the_variance_is_pooled_where_an_f_test_finds_it_larger(
    compare: Compare, scale: float
) -> None:
    random = np.random.default_rng(1)
    own, *others = random.normal(size=60), *(scale * random.normal(size=(2, 150)))
    found, alone = compare(own, *others), compare(own)
    other = np.concatenate(others)
    ratio = other.var(ddof=1) / own.var(ddof=1)
    assert alone.widened_by == 0
    assert alone.low == pytest.approx(of_arrays(own).low, rel=1e-12)
    if stats.f.sf(ratio, 299, 59) >= MAX_P:
        assert found == alone
        assert "widened" not in found.in_words()
        return
    assert scale >= 1.2
    pooled = (59 * own.var(ddof=1) + 299 * other.var(ddof=1)) / 358
    assert found.standard_error == pytest.approx(math.sqrt(pooled / 60), rel=1e-12)
    assert found.high == pytest.approx(
        own.mean() + stats.t.ppf(0.975, 59) * found.standard_error, rel=1e-12
    )
    assert found.low < alone.low
    assert found.difference == alone.difference
    assert "widened because the errors differ more on 300 training and" in found.in_words()


def of_arrays(d: Floats) -> PairedTest:
    y = (d + 1) / 2
    return paired_test(y, y - 1)


@pytest.mark.parametrize("kind", ["group", "time"])
def test_groups_and_blocks_have_the_variance_of_their_sums(compare: Compare, kind: str) -> None:
    """Five rows of a unit have the same d: five times the variance of independent rows."""
    random = np.random.default_rng(2)
    sizes = 300, 300, 1200
    units = [np.arange(size) // 5 + 1000 * part for part, size in enumerate(sizes)]
    own, *others = [
        scale * random.normal(size=size // 5) for scale, size in zip((1, 9, 9), sizes, strict=True)
    ]
    found = compare(*(each.repeat(5) for each in (own, *others)), by=f"{kind}:unit", units=units)
    other = np.concatenate(others)
    if kind == "time":
        # Blocks of 10 times, as of the test rows.
        own, other = (each.reshape(-1, 60 // NUM_BLOCKS).mean(axis=1) for each in (own, other))
    assert (found.num_units, found.widened_by) == (len(own), 1500)
    df = len(own) - 1, len(other) - 1
    pooled = (df[0] * own.var(ddof=1) + df[1] * other.var(ddof=1)) / sum(df)
    assert found.standard_error == pytest.approx(math.sqrt(pooled / len(own)), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["group", "time"])
def test_blunders_in_groups_and_in_time_make_few_false_improvements(
    compare: Compare, kind: str
) -> None:
    """60 groups of two, or 60 rows in time whose d has a correlation of 0.8."""
    random = np.random.default_rng(3)
    num_units = 60, 60, 280
    rate, gain, num_sets = 0.01, 2.0, 40
    improvements = np.zeros(2)
    for _ in range(num_sets):
        noise = random.normal(size=sum(num_units))
        if kind == "time":
            for row in range(1, len(noise)):
                noise[row] += 0.8 * noise[row - 1]
        is_blunder = random.random(len(noise)) < rate
        d = np.where(is_blunder, -gain * (1 - rate) / rate, gain + noise)
        # The newest rows are the test.
        ends = np.cumsum(num_units[::-1])[:-1]
        parts = np.split(d, ends)[::-1]
        units = np.split(np.arange(len(d)), ends)[::-1]
        if kind == "group":
            parts, units = ([each.repeat(2) for each in all_] for all_ in (parts, units))
        by = f"{kind}:unit"
        found = compare(parts[0], by=by, units=units), compare(*parts, by=by, units=units)
        improvements += [each.is_improvement for each in found]
    assert improvements[0] > 0.3 * num_sets
    assert improvements[1] <= 0.1 * num_sets


@pytest.mark.parametrize("other", [[], [0.0]], ids=["none", "one"])
def test_fewer_than_two_other_rows_change_nothing(compare: Compare, other: list[float]) -> None:
    own = np.random.default_rng(4).normal(size=60)
    assert compare(own, np.array(other)) == compare(own)


def test_the_same_difference_in_all_test_rows_is_no_improvement_if_others_differ(
    compare: Compare,
) -> None:
    own, other = np.ones(60), np.array([1.0] * 399 + [-399.0])
    assert compare(own).is_improvement
    assert not compare(own, other).is_improvement


def test_other_rows_beyond_float64_are_refused_by_their_file(compare: Compare) -> None:
    with pytest.raises(UserError, match=r"validation\.parquet: has rows whose squared errors"):
        compare(np.ones(60), np.array([1.0, 1e200]))


def test_of_more_other_rows_than_needed_the_first_are_read(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linreg.evaluation.paired.paired_test.MAX_OTHER_ROWS", 100)
    own, *others = np.random.default_rng(5).normal(size=(3, 100))
    own /= 9
    assert compare(own, *others) == compare(own, others[0])
    assert compare(own, *others).widened_by == 100
