"""What a training on compact shards is measured against, and its standard errors."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.evaluation.covariance.level_robust import robust_standard_errors
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.reference import ExactReference
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers
from tests.fit.level_shards import FORMULA, compact_and_dense, drawn

Learn = Callable[..., Design]
TABLE = drawn()


def nearly_constant_within_levels() -> pa.Table:
    """TABLE with z a number for each level of g, but for 1e-12."""
    levels = np.array([float(level[1:]) for level in TABLE.column("g").to_pylist()])
    noise = np.random.default_rng(3).normal(size=len(levels))
    return TABLE.set_column(1, "z", [np.sqrt(levels) + 1e-12 * noise])


def explained() -> pa.Table:
    """TABLE with y a function of x and the levels of g and h."""
    x, z, g, h = (TABLE.column(name).to_pylist() for name in "xzgh")
    y = [
        0.1 * a - 0.3 * b + int(c[1:]) / 7 + int(d[1:])
        for a, b, c, d in zip(x, z, g, h, strict=True)
    ]
    return TABLE.set_column(4, "y", [y])


TABLES = {"one pass": TABLE, "two passes": nearly_constant_within_levels(), "perfect": explained()}
tables = pytest.mark.parametrize("name", TABLES)


def compute(shards: list[Rows], workers: Workers = ALONE, **params: Any) -> ExactReference:
    names = shards[0]._design.names
    return ExactReference.compute(shards, names, True, Train(**params), workers)


def bits(found: LeastSquares) -> list[Any]:
    """All numbers of a solution, to the last bit."""
    values: list[Any] = []
    assert found.levels is not None
    parts: list[Any] = [found, found.levels]
    if found.levels.refinement:
        parts += [found.levels.refinement, found.levels.refinement.coordinates]
    for each in parts:
        values += [getattr(each, field.name) for field in fields(each)]
    arrays = [value.tobytes() for value in values if isinstance(value, np.ndarray)]
    numbers = [repr(v) for v in values if isinstance(v, int | float | str | tuple | dict)]
    return [*arrays, *numbers, found.rss, found.tss]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("num_shards", [1, 3])
def test_the_reference_is_that_of_all_columns(
    tmp_path: Path, learn: Learn, num_shards: int, weighted: bool
) -> None:
    compact, dense = compact_and_dense(
        tmp_path, learn, TABLE, FORMULA, num_shards, rows_per_group=70, weighted=weighted
    )
    found, expected = compute(compact), compute(dense)
    assert isinstance(found.moments, LevelMoments)
    np.testing.assert_array_equal(found.solution.theta, expected.solution.theta)
    assert found.solution.b == expected.solution.b
    np.testing.assert_allclose(
        found.solution.standard_errors, expected.solution.standard_errors, rtol=1e-15
    )
    assert found.mean_target == expected.mean_target
    (kind, errors), (dense_kind, dense_errors) = (
        robust_standard_errors(reference.solution, shards).standard_errors()
        for reference, shards in ((found, compact), (expected, dense))
    )
    assert kind == dense_kind == "HC3"
    np.testing.assert_allclose(errors, dense_errors, rtol=1e-14)


@tables
@pytest.mark.parametrize("num_shards", [1, 3])
def test_the_number_of_workers_changes_no_bit(
    tmp_path: Path, learn: Learn, together: Callable[..., list[Any]], num_shards: int, name: str
) -> None:
    shards, _ = compact_and_dense(tmp_path, learn, TABLES[name], FORMULA, num_shards, weighted=True)
    assert (compute(shards).second is None) == (name == "one pass")

    def work(workers: Workers) -> Any:
        reference = compute(shards, workers)
        robust = robust_standard_errors(reference.solution, shards, workers)
        kind, errors = robust.standard_errors()
        return bits(reference.solution), kind, errors.tobytes(), robust.relative_error

    alone = work(ALONE)
    assert together(2, work) == [alone] * 2


@pytest.mark.parametrize("params", [{}, {"l2": 0.1}, {"collinear": "drop"}])
def test_a_reference_is_read_back_bit_for_bit(
    tmp_path: Path, learn: Learn, params: dict[str, Any]
) -> None:
    table = TABLE
    if params.get("collinear") == "drop":
        # The number of the level.
        z = [float(level[1:]) for level in table.column("g").to_pylist()]
        table = table.set_column(1, "z", [z])
    shards, _ = compact_and_dense(tmp_path, learn, table, num_shards=2)
    found = compute(shards, **params)
    assert found.second is None
    found.write(tmp_path, params.get("collinear", "error"))
    again = ExactReference.read(tmp_path)
    assert bits(again.solution) == bits(found.solution)
    assert again.moments.as_array().tobytes() == found.moments.as_array().tobytes()
    theta = found.solution.theta + 0.1
    assert again.loss.convergence(theta, 0.5) == found.loss.convergence(theta, 0.5)
    assert dict(found.solution.dropped) == (
        {} if table is TABLE else {"z": "a number for each level of g"}
    )


@pytest.mark.parametrize("name", ["two passes", "perfect"])
@pytest.mark.parametrize("collinear", ["error", "drop"])
def test_a_reference_of_two_passes_is_read_back_bit_for_bit(
    tmp_path: Path, learn: Learn, name: str, collinear: str
) -> None:
    formula = f"{FORMULA} + I(2 * z)" if collinear == "drop" else FORMULA
    shards, _ = compact_and_dense(tmp_path, learn, TABLES[name], formula, num_shards=2)
    found = compute(shards, collinear=collinear)
    assert found.second is not None
    found.write(tmp_path, collinear)
    again = ExactReference.read(tmp_path)
    assert bits(again.solution) == bits(found.solution)
    assert len(found.solution.dropped) == (collinear == "drop")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two passes", "perfect"])
@pytest.mark.parametrize("weighted", [False, True])
def test_two_passes_over_row_groups_find_what_they_find_over_all_columns(
    tmp_path: Path, learn: Learn, name: str, weighted: bool
) -> None:
    compact, dense = compact_and_dense(
        tmp_path, learn, TABLES[name], FORMULA, 3, rows_per_group=70, weighted=weighted
    )
    found, expected = compute(compact).solution, compute(dense).solution
    assert found.digits >= 13
    assert found.rss == expected.rss if name == "perfect" else found.rss is not None
    np.testing.assert_allclose(found.theta, expected.theta, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-14)
    kinds = [
        robust_standard_errors(solution, shards).standard_errors()
        for solution, shards in ((found, compact), (expected, dense))
    ]
    assert kinds[0][0] == kinds[1][0]
    np.testing.assert_allclose(kinds[0][1], kinds[1][1], rtol=1e-12)
