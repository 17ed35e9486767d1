"""A formula is data: whatever it says, reading it executes nothing, and ends soon, in a design or
in one line.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.forked import run_stage

ROOT = Path(__file__).parents[3]
COUNT = 3000
SECONDS = 5.0
"""For one formula, on a machine that is busy: the slowest took 0.1 s."""


@pytest.mark.very_slow
@pytest.mark.parametrize("seed", [1, 2])
def test_thousands_of_hostile_formulas_execute_nothing_and_open_nothing(
    seed: int, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    command = [
        sys.executable,
        "-m",
        "tests.faults.inputs.hostile_formulas",
        str(seed),
        str(COUNT),
        str(marker),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert not marker.exists()
    assert found["acts"] == {}
    assert found["hook_sees"], "the hook must see code that is executed, or it proves nothing"
    assert set(found["outcomes"]) == {"accepted", "refused"}, found["outcomes"]
    assert found["outcomes"]["accepted"] > COUNT / 20
    assert found["outcomes"]["refused"] > COUNT
    assert found["slowest"][0] < SECONDS, found["slowest"]


@pytest.mark.parametrize(
    "formula",
    [
        "Q(__import__('os').system('touch marker')) ~ x",
        "{Q(open('marker', 'w'))} ~ x",
        "y ~ I(__import__('os').system('touch marker'))",
        "y ~ {Q(open('marker', 'w'))}",
        "y ~ C(x, open('marker', 'w'))",
    ],
)
def test_ingest_refuses_a_formula_that_calls_python_before_it_reads_anything(
    formula: str, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("x,y\n1,2\n2,3\n3,5\n")
    parameters = {"ingest": {"source": "table.csv"}, "model": {"formula": formula}}
    (tmp_path / "params.yaml").write_text(json.dumps(parameters))
    found = run_stage("ingest", tmp_path)
    assert found.refusal is not None, found
    assert found.code == 2
    assert found.refusal.startswith("params.yaml: model.formula: ")
    allowed = ("use columns, numbers, + - * / **, C(column) and I, abs, ", "names no contrast")
    assert any(text in found.refusal for text in allowed)
    assert not (tmp_path / "marker").exists()
    assert not (tmp_path / "data").exists()
