"""`linreg use` and the pipeline on tables as people have them: coefficients that can be trusted.

Those of tests/data/own_tables are as published or found, the others are made here. Nothing is set
by hand.
"""

import gzip
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from linreg.params.file import load_params
from tests.project import Project, copy_of_the_project

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "tests" / "data" / "own_tables"
TARGETS = {
    "auto-mpg.csv": "mpg",
    "bp_study.csv": "systolic_bp",
    "house prices 2019-2023.csv.gz": "price_eur",
    "large_target.csv": "hertz",
    "longley.csv": "TOTEMP",
    "penguins.csv": "body_mass_g",
    "small_target.csv": "current",
    "statecrime.csv": "violent",
    "survey.csv.gz": "Overall satisfaction (0-10)",
    "vega_cars.csv": "Miles_per_Gallon",
}


def scales(r: np.random.Generator) -> dict[str, object]:
    a, b, c = r.normal(size=(3, 500)) * np.array([[1e-9], [1e12], [1.0]])
    return {"a": a, "b": b, "c": c, "y": 3e9 * a + 2e-12 * b + c + r.normal(size=500)}


def nearly_collinear(r: np.random.Generator) -> dict[str, object]:
    x = r.normal(size=500)
    z = x + 1e-4 * r.normal(size=500)
    return {"x": x, "z": z, "y": x + z + 0.5 * r.normal(size=500)}


def heavy_tails(r: np.random.Generator) -> dict[str, object]:
    X = r.standard_t(2, (2000, 3))
    return dict(zip("abc", X.T, strict=True)) | {"y": X.sum(axis=1) + r.standard_t(3, 2000)}


def tiny(r: np.random.Generator) -> dict[str, object]:
    x, z = r.normal(size=(2, 14))
    return {"x": x, "z": z, "y": x - z + r.normal(size=14)}


def one_feature(r: np.random.Generator) -> dict[str, object]:
    x = r.uniform(0, 100, 300)
    return {"x": x, "y": 2 * x + 9 * r.normal(size=300)}


def many_levels(r: np.random.Generator) -> dict[str, object]:
    codes, effects, x = r.integers(0, 100, 3000), r.normal(size=100), r.normal(size=3000)
    y = effects[codes] + x + r.normal(size=3000)
    return {"g": [f"L{code:02d}" for code in codes], "x": x, "y": y}


def far_target(r: np.random.Generator) -> dict[str, object]:
    x, z = r.normal(size=(2, 400))
    return {"x": x, "z": z, "y": 2.4e9 + 50 * x + 20 * r.normal(size=400)}


def almost_perfect(r: np.random.Generator) -> dict[str, object]:
    X = r.normal(size=(1000, 3))
    return dict(zip("abc", X.T, strict=True)) | {"y": X.sum(axis=1) + 1e-5 * r.normal(size=1000)}


def rare_level(r: np.random.Generator) -> dict[str, object]:
    is_rare = np.arange(6000) % 1000 == 7
    x = r.normal(size=6000)
    return {"x": x, "g": np.where(is_rare, "rare", "usual"), "y": x + r.normal(size=6000)}


def trend(r: np.random.Generator) -> dict[str, object]:
    t = np.arange(1000.0)
    return {"t": t, "t2": t**2, "t3": t**3, "y": 0.001 * t + r.normal(size=1000)}


MADE: dict[str, Callable[[np.random.Generator], dict[str, object]]] = {
    each.__name__: each
    for each in (
        scales,
        nearly_collinear,
        heavy_tails,
        tiny,
        one_feature,
        many_levels,
        far_target,
        almost_perfect,
        rare_level,
        trend,
    )
}


class Outcome(NamedTuple):
    """What came of a table.

    gap, expected  of the training, and as `linreg use` said
    furthest       of the coefficients from its exact one, in standard errors
    """

    solver: str
    gap: float | None
    expected: float | None
    furthest: float


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("own")
    copy_of_the_project(folder)
    return Project(folder, sends=False)


def write(name: str, folder: Path) -> str:
    """Write a table into the project; returns its name there."""
    if name in MADE:
        pd.DataFrame(MADE[name](np.random.default_rng(5))).to_csv(folder / f"{name}.csv")
        return f"{name}.csv"
    path = ROOT / "data" / "examples" / name if name == "auto-mpg.csv" else TABLES / name
    if path.suffix != ".gz":
        shutil.copy(path, folder / name)
        return name
    (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    return path.stem


def outcome(project: Project, name: str) -> Outcome:
    table = write(name, project.folder)
    printed = " ".join(
        project.run("linreg", "use", table, "--target", TARGETS.get(name, "y")).stdout.split()
    )
    project.run("dvc", "repro")
    models = project.folder / "models"
    found, exact, inference, metrics = (
        json.loads((models / path).read_text())
        for path in (
            "model/model.json",
            "model/exact.json",
            "evaluation/inference.json",
            "evaluation/metrics.json",
        )
    )
    trained, minimum = ({"b": each["b"]} | each["theta"] for each in (found, exact))
    distances = [0.0]
    for coefficient, values in inference["coefficients"].items():
        error = values["usual"]["standard_error"]
        distance = abs(trained[coefficient] - minimum[coefficient])
        distances.append(distance / error if error else 0.0 if not distance else math.inf)
    expected = re.search(r"the loss is expected to end at (\S+) % above the minimum", printed)
    return Outcome(
        load_params(project.folder / "params.yaml").train.solver,
        metrics["gap"],
        float(expected[1]) / 100 if expected else None,
        max(distances),
    )


@pytest.mark.very_slow
@pytest.mark.parametrize("name", [*TARGETS, *MADE])
def test_the_coefficients_are_those_of_the_minimum(project: Project, name: str) -> None:
    found = outcome(project, name)
    if found.solver == "exact":
        assert found.furthest == 0
        return
    assert found.gap is not None
    assert found.gap <= 1e-3
    assert found.furthest <= 0.5
    assert found.expected is not None
    assert found.gap <= 3 * found.expected
