"""Odd numbers through ingest, split, train and evaluate: the exact minimum and finite results, or
one line.

Constant and collinear columns, one row, one level, numbers near the largest and the smallest
float64, whole numbers up to 2^63, a penalty of 1e300: drawn by seed and put together at random.
"""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd  # noqa: F401 - imported once here and not in every process
import pyarrow.parquet as pq
import pytest

import linreg.fit.compiled.moment_steps
import linreg.fit.compiled.row_steps  # noqa: F401
from tests.faults.forked import Outcome, run_command, run_stage
from tests.faults.inputs.csv_writing import SIZES

pytestmark = pytest.mark.slow

SEEDS, PER_TEST = 64, 8
SECONDS, MEGABYTES = 30.0, 300.0
"""The kernels may have to be compiled, which takes ten seconds, and torch takes 200 MB."""


def column(r: Random, count: int) -> list[Any]:
    """Draw a column of one odd kind."""
    sign = (1, -1)
    kinds: list[Callable[[], list[Any]]] = [
        lambda: [r.gauss(0, 1) for _ in range(count)],
        lambda: [r.gauss(5, 2) for _ in range(count)],
        lambda: [r.choice(SIZES)] * count,
        lambda: [0.0] * count,
        lambda: [r.choice(SIZES) for _ in range(count)],
        lambda: [r.choice(sign) * 10 ** r.uniform(290, 308) for _ in range(count)],
        lambda: [r.choice(sign) * 10 ** r.uniform(-320, -290) for _ in range(count)],
        lambda: [r.randint(-5, 5) for _ in range(count)],
        lambda: [r.randint(-(2**63), 2**63 - 1) for _ in range(count)],
        lambda: [r.gauss(0, 1) * 1e100 for _ in range(count)],
        lambda: [r.gauss(0, 1) * 1e-200 for _ in range(count)],
        lambda: [0.0] * (count - 1) + [1e300],
    ]
    return r.choice(kinds)()


def table(r: Random) -> dict[str, list[Any]]:
    """Draw y, x, z and a category g, perhaps collinear or with the target given away."""
    count = r.choice([1, 2, 3, 5, 30, 100])
    cells = {name: column(r, count) for name in "yxz"}
    if r.random() < 0.2:
        cells["z"] = list(cells["x"])
    if r.random() < 0.2:
        cells["y"] = [cell / 4 for cell in cells["x"]]
    return cells | {"g": [r.choice("ab") if r.random() < 0.8 else "a" for _ in range(count)]}


def params(r: Random) -> dict[str, dict[str, Any]]:
    """Draw parameters."""
    formulas = [
        "y ~ x",
        "y ~ x + z",
        "y ~ x + z",
        "y ~ 1",
        "y ~ 0 + x",
        "y ~ x + C(g)",
        "y ~ x*z",
        "y ~ I(x**2)",
        "y ~ .",
    ]
    some: dict[str, dict[str, Any]] = {
        "ingest": {"source": "table"},
        "model": {"formula": r.choice(formulas)} | ({"weights": "z"} if r.random() < 0.1 else {}),
        "split": r.choice(
            [
                {"shards": 2},
                {"train": 1, "validation": 0, "test": 0},
                {"train": 0.5, "validation": 0, "test": 0.5},
            ]
        ),
        "train": {
            "solver": r.choice(["sgd", "exact", "exact"]),
            "engine": r.choice(["autograd", "compiled"]),
            "epochs": 2,
            "l2": r.choice([0, 0, 0, 1e-3, 1e300]),
            "collinear": r.choice(["error", "drop"]),
            "dtype": r.choice(["float32", "float64"]),
            "scale": r.choice(["none", "standardize", "whiten"]),
            "lr": r.choice([0.01, 1e-5, 1e-300]),
            "average": r.choice([0, 0.5]),
        },
    }
    return some


def lay(r: Random, folder: Path) -> dict[str, dict[str, Any]]:
    """Write a table and params.yaml; return the parameters."""
    cells, some = table(r), params(r)
    lines = [
        ",".join(cells),
        *(",".join(map(str, row)) for row in zip(*cells.values(), strict=True)),
    ]
    (folder / "table").write_text("\n".join(lines) + "\n")
    sections = (
        f"{name}:\n" + "".join(f"  {key}: {json.dumps(value)}\n" for key, value in keys.items())
        for name, keys in some.items()
    )
    (folder / "params.yaml").write_text("".join(sections))
    return some


def complaint(outcome: Outcome) -> str | None:
    """Return what is wrong with how a process has ended."""
    if outcome.timed_out or outcome.megabytes > MEGABYTES:
        return f"{outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB"
    silent = outcome.code == 0 and not outcome.stderr
    return (
        None
        if silent or (outcome.code == 2 and outcome.refusal)
        else f"exit code {outcome.code}: {outcome.stderr[-1500:]}"
    )


def excess(folder: Path, names: list[str]) -> Fraction:
    """Return how far the loss of the model is above the least one, as a share of Σy², in
    fractions.
    """
    rows = pq.read_table(sorted((folder / "data/split/train").glob("*.parquet")))
    y = [Fraction(cell) for cell in rows["y"].to_pylist()]
    Z = [[Fraction(1), *(Fraction(rows[name][i].as_py()) for name in names)] for i in range(len(y))]
    model = json.loads((folder / "models/model/model.json").read_text())
    learned = [model["b"], *(model["theta"][name] for name in names)]
    assert all(np.isfinite(learned))

    def loss(beta: list[Fraction]) -> Fraction:
        return sum(
            (
                (each - sum(map(Fraction.__mul__, row, beta))) ** 2
                for row, each in zip(Z, y, strict=True)
            ),
            Fraction(0),
        )

    size = sum((each**2 for each in y), Fraction(0))
    return (
        (loss([Fraction(each) for each in learned]) - loss(minimum(Z, y))) / size
        if size
        else Fraction(0)
    )


def minimum(Z: list[list[Fraction]], y: list[Fraction]) -> list[Fraction]:
    """Solve the normal equations by elimination in fractions."""
    size = len(Z[0])
    A = [
        [sum((row[i] * row[j] for row in Z), Fraction(0)) for j in range(size)] for i in range(size)
    ]
    for i, row in enumerate(A):
        row.append(sum((each[i] * value for each, value in zip(Z, y, strict=True)), Fraction(0)))
    for i in range(size):
        for k in range(size):
            if k != i:
                factor = A[k][i] / A[i][i]
                A[k] = [one - factor * other for one, other in zip(A[k], A[i], strict=True)]
    return [A[i][-1] / A[i][i] for i in range(size)]


def values_in(document: Any) -> Iterator[float]:
    """Yield every number of a JSON document."""
    if isinstance(document, dict | list):
        for each in document.values() if isinstance(document, dict) else document:
            yield from values_in(each)
    elif isinstance(document, float):
        yield document


@pytest.mark.very_slow
@pytest.mark.parametrize("first", range(0, SEEDS, PER_TEST))
def test_the_pipeline_finds_the_minimum_or_says_why_not(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINREG_SYNC", "later")
    for seed in range(first, first + PER_TEST):
        folder = tmp_path / str(seed)
        folder.mkdir()
        some = lay(Random(f"numbers {seed}"), folder)
        for stage in ("ingest", "split", "train", "evaluate"):
            outcome = run_stage(stage, folder, timeout=SECONDS)
            assert complaint(outcome) is None, (seed, stage, complaint(outcome))
            if outcome.code:
                break
        else:
            assert all(
                np.isfinite(
                    list(
                        values_in(
                            json.loads((folder / "models/evaluation/metrics.json").read_text())
                        )
                    )
                )
            )
            formula, train = some["model"]["formula"], some["train"]
            names = {"y ~ x": ["x"], "y ~ x + z": ["x", "z"], "y ~ 1": []}.get(formula)
            model = json.loads((folder / "models/model/model.json").read_text())
            if (
                names is not None
                and train["solver"] == "exact"
                and not train["l2"]
                and "weights" not in some["model"]
            ):
                kept = [name for name in names if model["theta"][name] != 0]
                assert excess(folder, kept) < Fraction(1, 10**12), seed
        outcome = run_command(["use", "table"], folder, timeout=SECONDS)
        assert complaint(outcome) is None, (seed, "use", complaint(outcome))
