"""What the stages import when they run: nothing that takes long and that they do not need."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pipeline.wiring import STAGES
from tests.project import Project, copy_of_the_project

SLOW = ("matplotlib", "mlflow", "pandas", "sklearn", "torch")
NUM_ROWS = 2000
PROGRAM = f"""
import atexit, runpy, sys
atexit.register(lambda: print("imported:", *sorted(set({SLOW}) & set(sys.modules))))
sys.argv = sys.argv[1:]
runpy.run_module("stages." + sys.argv[0], run_name="__main__")
"""

STAGES_OF_A_FILE = [stage for stage in STAGES if stage != "fetch"]
"""Nothing is fetched here."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of_the_project(tmp_path_factory.mktemp("project"), sends=False)


def imported(project: Project) -> dict[str, list[str]]:
    """Run every stage in a new process, and return which of the slow libraries each imports."""
    found = {}
    for stage in STAGES_OF_A_FILE:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, stage],
            cwd=project.folder,
            env={**project.environment(), "WORKERS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        found[stage] = done.stdout.splitlines()[-1].removeprefix("imported:").split()
    return found


def write_csv(path: Path) -> None:
    """Write rows with numbers, categories, dates and times, some of them missing."""
    draw = random.Random(1)  # noqa: S311 - rows
    lines = ["y,x,count,colour,is_new,day,at,patient"]
    for row in range(NUM_ROWS):
        x = "" if row % 50 == 7 else draw.gauss(0, 1)
        colour = "NA" if row % 90 == 8 else draw.choice(["red", "green", "blue"])
        day = f"2024-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        at = f"{day} 12:00:00.{draw.randrange(10**9):09}"
        cells = [draw.gauss(3, 1), x, row % 10, colour, draw.choice(["true", "false"]), day, at]
        lines.append(",".join(map(str, [*cells, f"p{row % 40}"])))
    path.write_text("\n".join(lines) + "\n")


def write_parquet(path: Path) -> None:
    """Write rows of types that no CSV has: dictionaries, decimals, times with a zone."""
    draw = random.Random(2)  # noqa: S311 - rows
    numbers = [draw.gauss(0, 1) for _ in range(NUM_ROWS)]
    levels = pa.array([draw.choice(["red", "green", None]) for _ in numbers])
    times = [draw.randrange(10**18) for _ in numbers]
    table = pa.table(
        {
            "y": [2 * x + draw.gauss(0, 0.1) for x in numbers],
            "x": pa.array([None if row % 50 == 7 else x for row, x in enumerate(numbers)]),
            "count": pa.array([row % 10 for row in range(NUM_ROWS)]).cast(pa.decimal128(21, 2)),
            "colour": levels.dictionary_encode(),
            "is_new": [row % 3 == 0 for row in range(NUM_ROWS)],
            "at": pa.array(times, pa.timestamp("ns", "UTC")),
            "patient": [f"p{row % 40}" for row in range(NUM_ROWS)],
        }
    )
    pq.write_table(table, path)


SOURCES = {"table.csv": write_csv, "table.parquet": write_parquet}
# As dates are no features, `.` stands for all other columns but patient and at.
FORMULA = "y ~ . - patient + I(x**2) + log(count + 1):C(colour)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "missing", "by", "train"),
    [
        ("table.csv", "drop", "group:patient", {"solver": "exact"}),
        ("table.csv", "mean", "time:at", {"engine": "autograd", "epochs": 1, "batch_size": 256}),
        # Kernels may have to be compiled.
        pytest.param(
            *("table.parquet", "mean", "group:patient", {"engine": "compiled", "epochs": 1}),
            marks=pytest.mark.very_slow,
        ),
        ("table.parquet", "drop", "time:at", {"solver": "exact"}),
    ],
)
def test_stages_import_torch_where_autograd_takes_the_steps_and_nothing_else_that_takes_long(
    project: Project, source: str, missing: str, by: str, train: dict[str, object]
) -> None:
    write: Callable[[Path], None] = SOURCES[source]
    write(project.folder / source)
    params = {
        "ingest": {"source": source, "missing": missing},
        "model": {"formula": FORMULA},
        "split": {"by": by},
        "train": {"scale": "standardize", "lr": 0.001, **train},
    }
    # JSON is YAML.
    (project.folder / "params.yaml").write_text(json.dumps(params))
    with_torch = ["train"] if train.get("engine") == "autograd" else []
    assert imported(project) == {
        stage: ["torch"] if stage in with_torch else [] for stage in STAGES_OF_A_FILE
    }
