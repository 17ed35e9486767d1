"""What must hold of the results. These tests are yours: add what your data and model must satisfy.

dvc repro && pytest tests
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
EVALUATION = PROJECT / "models" / "evaluation"


def linreg(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of linreg in the project."""
    command = [sys.executable, "-m", "linreg", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_every_gate_passed() -> None:
    gates = json.loads((EVALUATION / "gates.json").read_text(encoding="utf-8"))
    assert gates["passed"], gates


def test_every_test_row_has_a_prediction() -> None:
    with (EVALUATION / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(row["predicted"] for row in rows)


def test_run_again_in_a_clone_every_stage_writes_the_same_bytes() -> None:
    verify = linreg("verify")
    assert verify.returncode == 0, verify.stdout + verify.stderr
