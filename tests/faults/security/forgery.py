"""A model's artifact as a forger may have written it: its checksum and its numbers fit, its content
does not.
"""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from linreg.data.formula.column_statistics import ColumnStatistics
from linreg.data.formula.design import Design
from linreg.data.formula.schema import Schema
from linreg.files import checksum

TEXTS = [
    "__import__('os').system('touch marker')",
    "I(open('marker', 'w'))",
    "C(open('marker', 'w'))",
    "{open('marker')}",
    "x.__class__",
    "().__class__",
    "log(x, z)",
    "I(" * 5000 + "x" + ")" * 5000,
    "x" * 100_000,
    "",
    "`",
    "\x1b[31m",
    "\0",
    "x ** 10 ** 10",
    "../../marker",
    "/etc/passwd",
    "<script>",
    "nowhere",
    "y",
    "{x}",
    "x; import os",
    "\ud800",
    "string",
    "int64",
    "double",
    "dictionary<values=string>",
    "extension<arrow.json>",
    "list<item: double>",
    "timestamp[ns]",
]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    2**64,
    10**400,
    1e308,
    -1e308,
    5e-324,
    0.5,
    [],
    {},
    [[]],
    [None],
    ["x"],
    [1, "x"],
    {"x": 1},
    [0] * 10_000,
    "x",
    {"factor": "x"},
    [{"factor": "x", "kind": "number", "columns": ["x"]}],
]


def forged(document: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return model.json with one to three places changed to what stands in none."""
    chance = random.Random(seed)
    document = copy.deepcopy(document)
    for _ in range(chance.choice([1, 1, 2, 3])):
        *path, key = chance.choice(list(_places(document)))
        parent = document
        for step in path:
            parent = parent[step]
        kind = chance.random()
        if kind < 0.15:
            del parent[key]
        elif kind < 0.25:
            other = chance.choice(list(_places(document)))
            value: Any = document
            for step in other:
                value = value[step]
            parent[key] = copy.deepcopy(value)
        else:
            parent[key] = chance.choice(TEXTS if kind < 0.65 else VALUES)
    return document


def _places(value: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield (key,)
            yield from ((key, *inner) for inner in _places(value[key]))


def write(document: dict[str, Any], folder: Path) -> None:
    """Write it as the library does, with a checksum that fits, and with as many θ as it has
    coefficients.
    """
    document.pop("checksum", None)
    try:
        statistics = {
            name: ColumnStatistics.from_data(each) for name, each in document["learned"].items()
        }
        names = Design(Schema.from_data({"truth": None, **document}, folder), statistics).names
        theta = np.linspace(1.0, 2.0, len(names))
        if isinstance(document.get("theta"), dict):
            document["theta"] = dict(zip(names, theta.tolist(), strict=True))
            save_file(
                {"theta": theta, "b": np.array([document["b"]], np.float64)},
                folder / "model.safetensors",
            )
    except Exception:  # noqa: BLE001, S110 - then it stays as it is
        pass
    text = json.dumps(document | {"checksum": checksum(document)})
    (folder / "model.json").write_text(text)
