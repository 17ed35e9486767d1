"""What a stage computes with several workers equals what one computes, to the last bit."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from linreg.data.formula.design import Design
from linreg.data.formula.schema import Schema
from linreg.data.parts import open_part, open_shards
from linreg.data.tables import parquet as table_module
from linreg.data.tables.parquet import TableFile, write_table
from linreg.errors import UserError
from linreg.evaluation.covariance.level_robust import robust_standard_errors
from linreg.evaluation.metrics import compute_metrics
from linreg.evaluation.own_metrics import PartArrays
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.coordinates.whitening import Whitening
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel
from linreg.fit.squared_error import mean_squared_error
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

Learn = Callable[..., Design]
Together = Callable[..., list[Any]]
FORMULA = "y ~ x1 + x2 + C(g)"
NUM_ROWS = 103
NUM_WORKERS = (2, 3, 5, 9)


def drawn() -> pa.Table:
    """Rows of which the last bits of every sum depend on the order of adding; level d is in the
    last shard only.
    """
    rng = np.random.default_rng(8)
    x1, x2 = rng.normal(3, 1, NUM_ROWS), 1e3 * rng.standard_t(3, NUM_ROWS)
    g = np.where(np.arange(NUM_ROWS) > 98, "d", rng.choice(["a", "b", "c"], NUM_ROWS))
    y = 0.1 + 2 * x1 - x2 / 700 + (g == "b") + rng.normal(size=NUM_ROWS) * x1
    return pa.table({"y": y, "x1": x1, "x2": x2, "g": g.tolist(), "w": rng.uniform(0, 2, NUM_ROWS)})


@pytest.fixture(
    params=[(1, None), (5, None), (5, "w"), (5, "missing")], ids=["1", "5", "weights", "missing"]
)
def case(
    request: pytest.FixtureRequest, tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> tuple[Schema, list[Path]]:
    """A schema and the training rows in shards, in row groups of 6 rows."""
    num_shards, how = request.param
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 6)
    rows = drawn()
    if how == "missing":
        cells = [
            None if i % 10 == 3 else value for i, value in enumerate(rows.column("x1").to_pylist())
        ]
        rows = rows.set_column(1, "x1", pa.array(cells, pa.float64()))
    schema = learn(FORMULA, rows.drop_columns("w"), fill_missing=how == "missing").schema
    paths = []
    for index, of_shard in enumerate(np.array_split(np.arange(NUM_ROWS), num_shards)):
        paths.append(tmp_path / f"shard-{index}.parquet")
        write_table(paths[-1], rows.schema, [rows.take(of_shard)])
    return replace(schema, weights="w" if how == "w" else None), paths


def learned(schema: Schema, paths: Sequence[Path], workers: Workers) -> Design:
    """The design, as stages/train.py learns it."""
    return Design.fit(
        schema,
        (
            table
            for i in workers.own_range(len(paths))
            for table in TableFile(paths[i]).row_groups()
        ),
        workers,
    )


def everything(schema: Schema, paths: Sequence[Path], workers: Workers) -> dict[str, Any]:
    """All that train and evaluate compute from the rows, but for the steps of the training."""
    design = learned(schema, paths, workers)
    shards, part = open_shards(paths, design, workers), [open_part(paths[0], design, workers)]
    exact = ExactReference.compute(shards, design.names, True, Train(), workers)
    scores = z_score_scaling(exact.moments, True)
    scaling = training_coordinates(exact, "standardize")
    assert isinstance(scaling, Scaling)
    whitening = training_coordinates(exact, "whiten")
    assert isinstance(whitening, Whitening)
    theta, b = exact.solution.theta * 0.9, exact.solution.b
    kind, errors = robust_standard_errors(exact.solution, shards, workers).standard_errors()
    return {
        "names": design.names,
        "learned": {name: vars(each) for name, each in sorted(design.statistics.items())},
        "moments": bits(exact.moments.as_array()),
        "minimum": bits([*exact.solution.theta, exact.solution.b, *exact.solution.standard_errors]),
        "gap": exact.loss.convergence(theta, b),
        "scores": [
            bits(each) for each in (scores.x_mean, scores.x_scale, [scores.y_mean, scores.y_scale])
        ],
        "scaling": [
            bits(each)
            for each in (scaling.x_mean, scaling.x_scale, [scaling.y_mean, scaling.y_scale])
        ],
        "whitening": bits(whitening.transform.ravel().tolist()),
        "loss": [mean_squared_error(rows, theta, b, workers) for rows in (shards, part)],
        "baseline": exact.mean_target,
        "metrics": [
            compute_metrics(rows, theta, b, workers, exact.mean_target) for rows in (shards, part)
        ],
        "robust": [kind, bits(errors)],
        "arrays": [
            bits(array)
            for rows in (shards, part)
            for array in PartArrays.collect(rows, LinearModel(design, theta, b, {}), workers)
        ],
    }


def bits(values: Sequence[float] | NDArray[np.float64]) -> list[str]:
    return [float(value).hex() for value in values]


@pytest.mark.parametrize("num_workers", NUM_WORKERS)
def test_every_worker_computes_the_bits_of_a_single_process(
    case: tuple[Schema, list[Path]], together: Together, num_workers: int
) -> None:
    schema, paths = case
    alone = everything(schema, paths, ALONE)
    for found in together(num_workers, lambda workers: everything(schema, paths, workers)):
        for name, value in alone.items():
            assert repr(found[name]) == repr(value), name


@pytest.mark.parametrize("num_workers", NUM_WORKERS)
def test_workers_that_own_no_row_group_of_a_file_change_nothing(
    case: tuple[Schema, list[Path]],
    together: Together,
    num_workers: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is one row group: the rows of one process, and none of the others."""
    schema, paths = case
    design = learned(schema, paths, ALONE)
    few = paths[0].with_name("few.parquet")
    write_table(few, TableFile(paths[0]).schema, [TableFile(paths[0]).row_group(0)])
    theta = np.linspace(-1, 1, len(design.names))
    alone = compute_metrics([open_part(few, design)], theta, 0.3)
    assert alone["n"] == 6
    found = together(
        num_workers,
        lambda workers: compute_metrics([open_part(few, design, workers)], theta, 0.3, workers),
    )
    assert found == [alone] * num_workers


@pytest.mark.slow
@pytest.mark.parametrize("num_shards", [2, 10, NUM_ROWS])
def test_robust_standard_errors_do_not_depend_on_the_number_of_shards(
    tmp_path: Path, learn: Learn, num_shards: int
) -> None:
    """The sums of each shard, and their total, are compensated."""
    rows = drawn()
    design, errors = learn(FORMULA, rows.drop_columns("w")), []
    for count in (1, num_shards):
        paths = []
        for index, of_shard in enumerate(np.array_split(np.arange(NUM_ROWS), count)):
            paths.append(tmp_path / f"of-{count}-{index:03d}.parquet")
            write_table(paths[-1], rows.schema, [rows.take(of_shard)])
        shards = open_shards(paths, design)
        fit = ExactReference.compute(shards, design.names, True, Train()).solution
        errors.append(bits(robust_standard_errors(fit, shards).standard_errors()[1]))
    assert errors[0] == errors[1]


def test_an_invalid_row_is_raised_in_the_worker_that_reads_it(
    case: tuple[Schema, list[Path]], together: Together, tmp_path: Path
) -> None:
    schema, paths = case
    last = TableFile(paths[-1])
    rows = pa.concat_tables(last.row_groups())
    broken = rows.set_column(
        0, "y", pa.array([*rows.column("y").to_pylist()[:-1], None], pa.float64())
    )
    write_table(tmp_path / "broken.parquet", rows.schema, [broken])
    of = [*paths[:-1], tmp_path / "broken.parquet"]
    with pytest.raises(UserError, match=rf"broken\.parquet: row {len(rows)}: column y: is missing"):
        together(3, lambda workers: everything(schema, of, workers))
