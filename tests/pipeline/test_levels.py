"""A category of 3000 levels through the stages, against the within transform.

Least squares with an indicator for each level gives the coefficients of the other columns that it
gives without them, once each column has lost the mean of its level (R. Frisch and F. Waugh,
Econometrica 1, 1933).
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.stats import t

from linreg.arrays import Floats
from linreg.verify.differences.paths import first_difference
from tests.project import Project, copy_of_the_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NUM_ROWS = 20_000
NUM_LEVELS = 3000
STAGES = ("ingest", "split", "train", "evaluate")


def table() -> pd.DataFrame:
    random = np.random.default_rng(7)
    store = random.permutation(np.resize(np.arange(NUM_LEVELS), NUM_ROWS))
    price = 10 + random.normal(size=NUM_ROWS) + 0.01 * (store % 100)
    size = random.uniform(1, 9, NUM_ROWS)
    noise = random.normal(size=NUM_ROWS) * (0.5 + 0.1 * size)
    sales = 5 - 2 * price + 0.7 * size + random.normal(0, 3, NUM_LEVELS)[store] + noise
    names = [f"s{level:04d}" for level in store]
    return pd.DataFrame({"sales": sales, "price": price, "size": size, "store": names})


@dataclass(frozen=True)
class Run:
    """What the stages left, and the training rows."""

    project: Project
    rows: pd.DataFrame
    inference: dict[str, Any]

    def estimate_and_error(self, name: str, kind: str = "usual") -> list[float]:
        row = self.inference["coefficients"][name]
        return [row["estimate"], row[kind]["standard_error"]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    project = copy_of_the_project(tmp_path_factory.mktemp("levels"), sends=False)
    table().to_csv(project.folder / "data/stores.csv", index=False)
    params = {
        "ingest": {"source": "data/stores.csv"},
        "model": {"formula": "sales ~ price + C(store) + size"},
        "split": {"shards": 2},
        "train": {"solver": "exact"},
        "evaluate": {"gates": {"test_r2": {"min": 0.9}}},
    }
    (project.folder / "params.yaml").write_text(json.dumps(params))
    project.run_stages(*STAGES)
    files = sorted((project.folder / "data/split/train").glob("shard-*.parquet"))
    rows: pd.DataFrame = pq.read_table(files).to_pandas()
    return Run(project, rows, project.json("models/evaluation/inference.json"))


@dataclass(frozen=True)
class Within:
    """The fit of columns that have lost the mean of their level."""

    X: Floats
    beta: Floats
    inverse: Floats
    residuals: Floats
    df: int

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Within":
        columns = rows[["sales", "price", "size"]]
        centered = (columns - columns.groupby(rows["store"]).transform("mean")).to_numpy()
        y, X = centered[:, 0], centered[:, 1:]
        inverse = np.linalg.inv(X.T @ X)
        beta = inverse @ X.T @ y
        return cls(X, beta, inverse, y - X @ beta, len(y) - rows["store"].nunique() - 2)


def test_coefficients_and_their_errors_are_those_of_the_within_transform(run: Run) -> None:
    """Measured: 1e-13."""
    within = Within.of(run.rows)
    sigma = np.sqrt((within.residuals**2).sum() / within.df)
    errors = sigma * np.sqrt(np.diag(within.inverse))
    found = np.array([run.estimate_and_error(name) for name in ("price", "size")])
    np.testing.assert_allclose(found, np.stack([within.beta, errors], axis=1), rtol=1e-10)
    assert run.inference["df"] == within.df
    assert run.inference["sigma"] == pytest.approx(sigma, rel=1e-10)
    assert run.inference["digits"] >= 12
    assert run.inference["dropped"] == {}


def test_robust_errors_are_those_of_the_within_transform(run: Run) -> None:
    within = Within.of(run.rows)
    of_levels = 1 / run.rows.groupby("store")["sales"].transform("size").to_numpy()
    leverages = of_levels + ((within.X @ within.inverse) * within.X).sum(axis=1)
    assert (leverages > 1 - 1e-10).any() == (run.inference["robust_kind"] == "HC1")
    if run.inference["robust_kind"] == "HC1":
        u, factor = within.residuals, len(run.rows) / within.df
    else:
        u, factor = within.residuals / (1 - leverages), 1.0
    middle = (within.X * u[:, None] ** 2).T @ within.X
    errors = np.sqrt(factor * np.diag(within.inverse @ middle @ within.inverse))
    found = [run.estimate_and_error(name, "robust")[1] for name in ("price", "size")]
    np.testing.assert_allclose(found, errors, rtol=1e-10)


def test_levels_are_what_their_means_leave(run: Run) -> None:
    """Compared with the first one, which is part of b."""
    within = Within.of(run.rows)
    means = run.rows.groupby("store")[["sales", "price", "size"]].mean()
    levels = means["sales"] - means[["price", "size"]].to_numpy() @ within.beta
    assert run.estimate_and_error("b")[0] == pytest.approx(levels.iloc[0], rel=1e-10)
    expected = levels.iloc[1:] - levels.iloc[0]
    found = [run.estimate_and_error(f"C(store)[T.{name}]")[0] for name in expected.index]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)
    # The variance of a difference of two of them, for a level and the first one.
    sigma = run.inference["sigma"]
    counts = run.rows.groupby("store").size()
    centers = means[["price", "size"]].to_numpy()
    for k in (1, 700, len(levels) - 1):
        difference = centers[k] - centers[0]
        variance = 1 / counts.iloc[k] + 1 / counts.iloc[0]
        variance += difference @ within.inverse @ difference
        error = run.estimate_and_error(f"C(store)[T.{levels.index[k]}]")[1]
        assert error == pytest.approx(sigma * np.sqrt(variance), rel=1e-10)


def test_new_rows_have_the_intervals_of_the_within_transform(run: Run) -> None:
    """A store that no training row has is named, and has no prediction."""
    within = Within.of(run.rows)
    new = pd.DataFrame({"price": [9.0, 11.0, 8.0], "size": [2.0, 3.0, 4.0]})
    new["store"] = ["s0007", "s2900", "elsewhere"]
    new.to_csv(run.project.folder / "new.csv", index=False)
    arguments = ("models/model", "new.csv", "out.csv", "--interval", "0.9", "--max-bad", "0.5")
    run.project.run("linreg", "predict", *arguments)
    found = pd.read_csv(run.project.folder / "out.csv")
    means = run.rows.groupby("store")[["sales", "price", "size"]].mean()
    sigma = np.sqrt((within.residuals**2).sum() / within.df)
    for k, store in enumerate(new["store"][:2]):
        center = means.loc[store].to_numpy()
        distance = new.loc[k, ["price", "size"]].to_numpy(float) - center[1:]
        predicted = center[0] + distance @ within.beta
        variance = 1 + 1 / (run.rows["store"] == store).sum()
        variance += distance @ within.inverse @ distance
        width = t.ppf(0.95, within.df) * sigma * np.sqrt(variance)
        expected = [predicted, predicted - width, predicted + width]
        row = found.loc[k, ["prediction", "low", "high"]].to_numpy(float)
        np.testing.assert_allclose(row, expected, rtol=1e-9)
    assert found.loc[2, ["prediction", "low", "high"]].isna().all()
    assert found["reason"].tolist() == ["ok", "ok", "unseen level: store"]


@pytest.mark.very_slow
def test_neither_workers_nor_the_order_of_work_change_a_byte(run: Run) -> None:
    folder = run.project.folder
    (folder / "models").rename(folder / "one")
    run.project.run_stages("train", "evaluate", env={"WORKERS": "2"})
    assert first_difference(folder / "one", folder / "models") is None
