"""A formula with functions that learn, dates, weights and an offset through the stages."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import statsmodels.formula.api as smf

from linreg.fit.model import load
from linreg.tracking.mlflow.required_columns import required_columns
from tests.project import Project, copy_of_the_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STAGES = ("ingest", "split", "train", "evaluate")
FORMULA = (
    "y ~ poly(x, 3) + bs(z, df=5)*C(g, Sum) + C(month(day)) + cut(x, c(-Inf, 0, Inf))"
    " + sin(2*pi*days(day)/365.25) + offset(log(e))"
)
THEIRS = (
    "I(y - np.log(e)) ~ x + I(x**2) + I(x**3) + bs(z, df=5)*C(g, Sum) + C(day.dt.month) + I(x > 0)"
    " + np.sin(2*np.pi*since/365.25)"
)
OUTPUTS = ("models/model/model.json", "models/evaluation/inference.json", "data/split/split.json")


def table() -> pd.DataFrame:
    random = np.random.default_rng(8)
    n = 3000
    x, z, e = random.normal(size=n), random.gamma(2, size=n), random.uniform(1, 5, n)
    day = pd.to_datetime("2021-01-01") + pd.to_timedelta(random.integers(0, 1000, n), unit="D")
    g = random.choice(list("abc"), n)
    y = (
        x**3
        + np.sin(z) * (g == "a")
        + np.log(e)
        + np.sin(day.day_of_year / 58)
        + random.normal(size=n)
    )
    columns = {"x": x, "z": z, "e": e, "g": g, "w": random.uniform(0.5, 2, n), "y": y}
    return pd.DataFrame({**columns, "day": day})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("functions"), sends=False)
    table().to_csv(project.folder / "data/rows.csv", index=False, date_format="%d/%m/%Y")
    params: dict[str, Any] = {
        "ingest": {"source": "data/rows.csv", "dates": {"day": "%d/%m/%Y"}},
        "model": {"formula": FORMULA, "weights": "w"},
        "split": {"shards": 3},
        "train": {"solver": "exact"},
        "evaluate": {"gates": {"test_r2": {"min": 0.1}}},
    }
    (project.folder / "params.yaml").write_text(json.dumps(params))
    project.run_stages(*STAGES)
    return project


@pytest.fixture(scope="module")
def rows(project: Project) -> dict[str, pd.DataFrame]:
    split = project.folder / "data/split"
    files = {"train": sorted(split.glob("train/*.parquet")), "test": [split / "test.parquet"]}
    found = {part: pq.read_table(each).to_pandas() for part, each in files.items()}
    for part, each in found.items():
        found[part] = each.assign(
            day=pd.to_datetime(each["day"]),
            since=(pd.to_datetime(each["day"]) - pd.Timestamp(0)) / pd.Timedelta(days=1),
        )
    return found


def test_the_fit_and_the_predictions_are_those_of_statsmodels(
    project: Project, rows: dict[str, pd.DataFrame]
) -> None:
    """Measured: 1e-12."""
    theirs = smf.wls(THEIRS, rows["train"], weights=rows["train"]["w"]).fit()
    inference = project.json("models/evaluation/inference.json")
    assert inference["df"] == theirs.df_resid
    for found, expected in (("sigma", theirs.scale**0.5), ("r2", theirs.rsquared)):
        assert inference[found] == pytest.approx(expected, rel=1e-10)
    seasonal = inference["coefficients"]["sin(2 * pi * days(day) / 365.25)"]
    name = "np.sin(2 * np.pi * since / 365.25)"
    assert seasonal["estimate"] == pytest.approx(theirs.params[name], rel=1e-9)
    assert seasonal["usual"]["standard_error"] == pytest.approx(theirs.bse[name], rel=1e-9)
    inside = rows["test"][rows["test"].z.between(rows["train"].z.min(), rows["train"].z.max())]
    expected = theirs.predict(inside) + np.log(inside.e)
    model = load(project.folder / "models/model")
    np.testing.assert_allclose(model.predict(inside), expected, rtol=1e-9, atol=1e-10)
    written = inside.assign(day=inside.day.dt.strftime("%d/%m/%Y"))
    np.testing.assert_array_equal(model.predict(written), model.predict(inside))
    assert required_columns(model)["day"].startswith("date or time, from 2021-01-0")


def test_metrics_are_of_the_target_with_its_offset(
    project: Project, rows: dict[str, pd.DataFrame]
) -> None:
    predicted = load(project.folder / "models/model").predict(rows["test"])
    y = rows["test"]["y"]
    found = project.json("models/evaluation/metrics.json")["test"]
    r2 = 1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert found["r2"] == pytest.approx(r2, rel=1e-12)
    sample = pd.read_csv(project.folder / "models/evaluation/predictions.csv")
    np.testing.assert_allclose(sample["predicted"], predicted, rtol=1e-12)


@pytest.mark.very_slow
def test_the_files_are_the_same_with_three_processes(project: Project) -> None:
    before = [(project.folder / path).read_bytes() for path in OUTPUTS]
    project.run_stages("split", "train", "evaluate", env={"WORKERS": "3"})
    assert [(project.folder / path).read_bytes() for path in OUTPUTS] == before
