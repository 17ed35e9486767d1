"""Models of different errors, absorbed factors and weights side by side, as papers print them."""

import csv
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf

from linreg.results.run_results import NamedResults
from linreg.summary.side_by_side import FORMATS, SideBySide
from tests.evaluated_runs import Evaluated
from tests.evaluated_runs import evaluated as evaluated
from tests.fit.exact.absorbed import as_arrow, panel

CLUSTERED = "clustered by firm (40)"


@pytest.fixture
def frame() -> pd.DataFrame:
    frame = panel()
    frame["n"] = np.arange(len(frame)) % 3 + 1
    return frame


@pytest.fixture
def models(evaluated: Evaluated, frame: pd.DataFrame) -> list[NamedResults]:
    table: pa.Table = as_arrow(frame)
    options: dict[str, Any] = {"solver": "exact"}
    sampling: dict[str, Any] = {"weights": "w", "weights_kind": "sampling"}
    runs = [
        evaluated("y ~ x1 + x2", table, errors="cluster:firm", name="1", **options),
        evaluated("y ~ x1 + x2 | firm", table, errors="cluster:firm", name="2", **options),
        evaluated("y ~ x1 + C(zone, Sum) + firm", table, errors="classical", name="3", **options),
        evaluated("y ~ x1 + x2", table, name="4", l2=0.1, **options),
        evaluated("y ~ x1 + x2", table, name="5", weights="n", weights_kind="frequency", **options),
        evaluated("y ~ poly(x1, 2)", table, name="6", **sampling, **options),
    ]
    return [NamedResults(f"({number})", run) for number, run in enumerate(runs, start=1)]


def test_what_models_are_is_below_their_coefficients(models: list[NamedResults]) -> None:
    """Which errors, which effects, which weights, which penalty."""
    rows = {title: [cell.strip() for cell in cells] for title, cells in _rows(models)}
    assert rows["firm effects"] == ["no", "yes", "above", "no", "no", "no"]
    assert rows["weights"] == ["", "", "", "", "n (frequency)", "w (sampling)"]
    assert rows["penalty"] == ["", "", "", "l2 = 0.1", "", ""]
    assert rows["standard errors"] == [CLUSTERED] * 2 + ["classical", "none", "classical", "HC1"]
    assert rows["n"] == ["600"] * 4 + ["1200", "600"]
    assert [bool(cell) for cell in rows["within R²"]] == [False, True, False, False, False, False]
    assert {"C(zone, Sum)[S.north]", "poly(x1, 2)[2]"} <= rows.keys()
    classical_only = SideBySide(models[2:3], 3)
    assert "standard errors" not in dict(classical_only.statistics())


def test_errors_are_those_that_count(models: list[NamedResults], frame: pd.DataFrame) -> None:
    """In parentheses, by statsmodels; of a fit with absorbed firms as fixest counts: K = 2 + 1."""
    groups = frame["firm"].astype("category").cat.codes
    pooled = smf.ols("y ~ x1 + x2", frame).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    within = smf.ols("y ~ x1 + x2 + firm", frame).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}, use_t=True
    )
    correction = np.sqrt(40 / 39 * 599 / (600 - 3))
    listed = smf.ols("y ~ x1 + C(zone, Sum) + firm", frame).fit()
    repeated = smf.ols("y ~ x1 + x2", frame.loc[frame.index.repeat(frame["n"])]).fit()
    errors = [pooled.bse["x1"], within.bse["x1"] * correction, listed.bse["x1"]]
    errors.append(repeated.bse["x1"])
    slopes = [pooled.params["x1"], within.params["x1"], listed.params["x1"]]
    rows = list(SideBySide(models, 12).rows())
    place = [label for label, _ in rows].index("x1")
    for cell, slope in zip(rows[place][1], slopes, strict=False):
        assert float(cell) == pytest.approx(slope, rel=1e-9)
    cells = rows[place + 1][1]
    assert (cells.pop(3), cells.pop(4)) == ("", "")
    for cell, error in zip(cells, errors, strict=True):
        assert float(cell.strip(" ()")) == pytest.approx(error, rel=1e-9)
    statistics = dict(SideBySide(models, 3).statistics())
    assert statistics["F"][0].strip() == f"{pooled.fvalue:#.4g}"
    only_firms = smf.ols("y ~ firm", frame).fit()
    assert statistics["within R²"][1].strip() == f"{1 - within.ssr / only_firms.ssr:.4f}"


def test_every_format_has_the_same_errors(models: list[NamedResults]) -> None:
    table = SideBySide(models, 3, stars=True)
    document = json.loads(FORMATS["json"](table))
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(FORMATS["csv"](table)))}
    assert document["(1)"]["standard_errors"] == "cluster:firm"
    assert document["(1)"]["num_clusters"] == {"firm": 40}
    assert document["(5)"]["weights"] == ["n", "frequency"]
    assert rows["standard errors"]["(2)"] == CLUSTERED
    for name, place in (("(1)", 1), ("(2)", 0)):
        robust = models[int(name[1]) - 1].results.inference["coefficients"]["x1"]["robust"]
        assert document[name]["coefficients"][place]["standard_error"] == robust["standard_error"]
        assert float(rows["x1"][f"{name} standard_error"]) == robust["standard_error"]
    latex = FORMATS["latex"](table).splitlines()
    assert r"firm effects & no & yes & above & no & no & no \\" in latex
    for form in ("html", "markdown"):
        assert CLUSTERED in FORMATS[form](table)


def _rows(models: list[NamedResults]) -> list[tuple[str, list[str]]]:
    table = SideBySide(models, 3)
    return [*table.rows(), *table.statistics()]
