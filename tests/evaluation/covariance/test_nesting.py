"""What clustered errors count of absorbed factors: those that are nested within clusters, not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linreg.data.formula import compact_matrix
from linreg.evaluation.coefficient_covariance import CoefficientCovariance
from linreg.process.workers import Workers
from tests.evaluation.covariance.panel import (
    Learn,
    covariance_of,
    fit_of,
    panel,
    shards_of,
    table_of,
)


def counted(
    tmp_path: Path, learn: Learn, rows: pd.DataFrame, errors: str, by: str = "row", **schema: Any
) -> float:
    """The parameters K that the factor G/(G − 1)·(n − 1)/(n − K) counts."""
    formula = schema.pop("formula", "y ~ x1 | school")
    shards = shards_of(tmp_path, learn, rows, formula, **schema)
    solution = fit_of(shards)
    found = covariance_of(solution, shards, errors, by)
    ((name, G), *_), n = found.num_clusters.items(), solution.df + solution.rank
    return n - (n - 1) * G / (G - 1) / found.factors[name]


def districts() -> pd.DataFrame:
    """Schools in districts, of which two more have a single row and no school beside them."""
    rows = panel()
    rows["district"] = rows.school.str[1:].astype(int) // 3
    rare = rows[:2].assign(school=["rare1", "rare2"], district=[0, 1])
    return pd.concat([rows, rare], ignore_index=True)


def test_nested_factors_are_not_counted(tmp_path: Path, learn: Learn) -> None:
    rows = districts()
    assert counted(tmp_path, learn, rows, "cluster:district") == pytest.approx(1 + 1)
    assert counted(tmp_path, learn, rows, "cluster:district,year") == pytest.approx(1 + 1)
    both = {"formula": "y ~ x1 | school + year"}
    assert counted(tmp_path, learn, rows, "cluster:district", **both) == pytest.approx(1 + 11)
    assert counted(tmp_path, learn, rows, "cluster:year") == pytest.approx(1 + 19)


def test_levels_that_are_pooled_are_one_level(tmp_path: Path, learn: Learn) -> None:
    """Two schools of one row each, in different districts, share an effect: it is not nested."""
    rows = districts()
    found = counted(tmp_path, learn, rows, "cluster:district", pool=2)
    assert found == pytest.approx(1 + 17 + 1)
    assert counted(tmp_path, learn, rows, "cluster:school", pool=2) == pytest.approx(1 + 18)


def test_rows_of_weight_0_are_not_looked_at(tmp_path: Path, learn: Learn) -> None:
    """Without them a school is nested in a district, and a year is not there."""
    rows = districts()
    moved = rows[:9].assign(district=rows.district[:9] + 1, year=1900)
    weighted = pd.concat([rows.assign(w=1.0), moved.assign(w=0.0)], ignore_index=True)
    both = {"formula": "y ~ x1 | school + year", "weights": "w"}
    found = counted(tmp_path, learn, weighted, "cluster:district", **both)
    assert found == pytest.approx(1 + 11)


def test_a_factor_within_times_is_counted(tmp_path: Path, learn: Learn) -> None:
    """Times of HAC are no clusters: pyfixest 0.60 counts its factors too."""
    both = {"formula": "y ~ x1 | school + year"}
    found = counted(tmp_path, learn, panel(), "HAC:2", "time:year", **both)
    assert found == pytest.approx(1 + 17 + 10)


def test_each_worker_finds_what_all_of_them_have(
    tmp_path: Path, learn: Learn, together: Callable[..., list[Any]]
) -> None:
    """A school is nested in the rows of each shard, and not in all of them."""
    rows = panel()
    rows["part"] = np.repeat([0, 1, 2], 80)
    shards = shards_of(tmp_path, learn, rows, "y ~ x1 | school + year", 3)

    def work(workers: Workers) -> str:
        solution = fit_of(shards, workers)
        return repr(table_of(solution, shards, "cluster:part", workers=workers))

    assert together(3, work) == [work(Workers())] * 3


@pytest.mark.parametrize("errors", ["cluster:school", "cluster:district,year", "HAC:2", "HC1"])
def test_errors_beside_two_factors_eliminated_together_are_the_same(
    tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch, errors: str
) -> None:
    by = "time:year" if errors == "HAC:2" else "row"

    def found() -> CoefficientCovariance:
        shards = shards_of(tmp_path, learn, districts(), "y ~ x1 + x2 | school + year", weights="w")
        return covariance_of(fit_of(shards), shards, errors, by)

    one = found()
    monkeypatch.setattr(compact_matrix, "MOST_PRODUCTS", 0)
    both = found()
    places = [len(one.standard_errors) - 2, len(one.standard_errors) - 1]
    for one_errors, both_errors in (
        (one.standard_errors[places], both.standard_errors[places]),
        (one.matrix(places), both.matrix(places)),
    ):
        np.testing.assert_allclose(both_errors, one_errors, rtol=1e-11)
    assert both.factors == one.factors
