"""docs/statistics.md explains what the files of a run hold."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from linreg.evaluation.inference import Inference
from linreg.fit.cross_validation.cross_validation import CrossValidation, FoldResult
from linreg.fit.cross_validation.elastic_net import L1Choice
from linreg.fit.exact.penalized.path import PenaltyPath
from tests.project import ROOT, small_run

EXPLAINED = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs/statistics.md").read_text("utf-8")))
NAMED_BY_THE_TABLE = ("coefficients", "vif", "terms", "variance_proportions", "reference_levels")
"""Below these, keys are names of columns."""


def keys_of(document: Any) -> Iterator[str]:
    """Yield the keys of a document at every depth, but for names of columns."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key
            is_named = key in NAMED_BY_THE_TABLE and isinstance(value, dict)
            inner = [*value.values()] if is_named else value
            yield from keys_of(inner)
    elif isinstance(document, list):
        for value in document:
            yield from keys_of(value)


def test_every_number_of_a_fit_is_explained(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = small_run(tmp_path_factory) / "models/evaluation"
    found = {field.name for field in fields(Inference)} - {"criteria"}
    for name in ("inference.json", "diagnostics.json", "metrics.json"):
        found |= set(keys_of(json.loads((folder / name).read_text(encoding="utf-8"))))
    assert found > {"aicc", "robust_f_p", "internally_studentized", "variance_proportions"}
    assert not found - EXPLAINED


def test_every_number_of_folds_and_of_a_path_is_explained() -> None:
    fold = FoldResult(1, 2, 3, None, None, None, None, "no rows")
    one = np.ones(1)
    path = PenaltyPath(("x",), one, one, np.ones((1, 1)), one, one, one, one)
    choice = L1Choice("1se", 1.0, 1.0, np.ones(1), np.ones(1), np.ones(1))
    found = {
        *keys_of(CrossValidation("row", "ridge", (fold, fold)).as_data(["x"])),
        *path.as_data(),
        *keys_of(choice.as_data()),
        "cross_validation",
        "model",
    }
    assert found > {"trained_rows", "num_nonzero", "chosen", "standard_deviation"}
    assert not found - EXPLAINED
