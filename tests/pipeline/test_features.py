"""The same bits in several configurations, with every feature of the pipeline."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from linreg.verify.differences.paths import first_difference
from linreg.verify.matrix import Configuration, configurations
from tests.project import Project, copy_of_the_project

CONFIGURATIONS = [Configuration(2, 1, "nehalem"), Configuration(3, 2, "haswell")]
"""The whole matrix takes minutes; these set every variable, and have workers that divide the shards
or do not.
"""
CARS = {
    "ingest": {"source": "data/examples/auto-mpg.csv", "missing": "drop"},
    "model": {
        "formula": "mpg ~ log(horsepower) + weight * C(origin) + I(modelyear**2)",
        "weights": "cylinders",
    },
    "evaluate": {"gates": {}},
}


def drawn(num_features: int, rows: int = 3000) -> dict[str, Any]:
    formula = " + ".join(f"x{j}" for j in range(1, num_features + 1))
    theta = [(-1) ** j * (0.1 + 0.03 * j) for j in range(num_features)]
    return {"generate": {"theta": theta, "rows": rows}, "model": {"formula": f"y ~ {formula}"}}


FEATURES: dict[str, dict[str, Any]] = {
    "two features, averaged, with patience and a penalty": drawn(2)
    | {
        "split": {"shards": 8},
        "train": {
            "average": 0.5,
            "patience": 2,
            "l2": 0.01,
            "schedule": "cosine",
            "batch_size": 64,
            "epochs": 6,
        },
    },
    "16 features, z-scores, float64": drawn(16)
    | {
        "split": {"shards": 3},
        "train": {"scale": "standardize", "dtype": "float64", "batch_size": 63, "epochs": 3},
    },
    "100 features": drawn(100, 4000)
    | {
        "split": {"shards": 2},
        "train": {"batch_size": 250, "lr": 0.003, "epochs": 3, "schedule": "linear"},
    },
    "100 features, exact": drawn(100, 4000)
    | {"split": {"shards": 4}, "train": {"solver": "exact"}},
    "cars": CARS
    | {
        "split": {"shards": 3},
        "train": {
            "scale": "standardize",
            "average": 0.3,
            "patience": 3,
            "epochs": 8,
            "schedule": "cosine",
            "batch_size": 30,
        },
    },
    "cars, exact": CARS
    | {"split": {"shards": 5}, "train": {"solver": "exact", "collinear": "drop"}},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of_the_project(tmp_path_factory.mktemp("features"), sends=False)


@pytest.mark.very_slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("feature", FEATURES)
def test_neither_workers_nor_threads_nor_the_cpu_change_a_byte(
    project: Project, feature: str
) -> None:
    """The reference is one process with one thread on the native CPU."""
    path = project.folder / "params.yaml"
    yaml = YAML()
    params = yaml.load((Path(__file__).parents[2] / "params.yaml").read_text())
    for section, values in FEATURES[feature].items():
        params[section].update(values)
    yaml.dump(params, path)

    expected = executed(project, Configuration())
    supported = {each.cpu for each in configurations()}
    for configuration in CONFIGURATIONS:
        if configuration.cpu not in supported:
            continue
        found = executed(project, configuration)
        for folder in ("data", "models"):
            difference = first_difference(expected / folder, found / folder)
            assert difference is None, f"{configuration}: {difference}"


def executed(project: Project, configuration: Configuration) -> Path:
    """Run the stages in a configuration, and return a folder with what they made."""
    stages = ("generate", "ingest", "split", "train", "evaluate")
    project.run_stages(*stages, env=configuration.environment)
    made = project.folder / "made" / f"{configuration.workers}-{configuration.cpu}"
    shutil.rmtree(made, ignore_errors=True)
    for name in ("data/raw", "data/ingested", "data/split", "models"):
        shutil.move(project.folder / name, made / name)
    return made
