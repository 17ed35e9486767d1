"""The page of a version in the registry, and the tags to search by."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from linreg.fit.model import load
from linreg.registry.candidate import Candidate
from linreg.registry.model_card import model_card, version_tags
from linreg.results.run_results import RunResults
from linreg.tracking.runs import KnownRun
from tests.evaluated_runs import Evaluated
from tests.evaluated_runs import evaluated as evaluated

RUN = KnownRun("key", "", "evaluate", 0, "FINISHED", {}, {})
X, NOISE = np.random.default_rng(2).normal(size=(2, 60))
ROWS = pa.table({"y": 1 + X + NOISE, "x": X})


def candidate(results: RunResults, folder: Path) -> Candidate:
    return Candidate(load(folder / "model"), "0" * 32, RUN, results.metrics, {}, "")


def test_a_cross_validated_model_says_its_means_over_folds_and_their_errors(
    evaluated: Evaluated, tmp_path: Path
) -> None:
    results = evaluated("y ~ x", ROWS, solver="exact", folds=4, save_model=True)
    found, cv = candidate(results, tmp_path), results.metrics["cv"]
    line = (
        "Cross-validation, 4 folds by row: "
        f"RMSE {cv['rmse']:.2f} ± {cv['rmse_standard_error']:.2f}, "
        f"R² {cv['r2']:.3f} ± {cv['r2_standard_error']:.3f} (mean ± standard error)."
    )
    assert line in model_card(found, "why").split("\n\n")
    assert float(version_tags(found)["cv_rmse"]) == cv["rmse"]
    assert float(version_tags(found)["cv_r2"]) == cv["r2"]


def test_a_fold_without_a_result_is_said_and_no_mean(evaluated: Evaluated, tmp_path: Path) -> None:
    lonely = ROWS.append_column("z", pa.array([1.0, 2.0] + [0.0] * 58))
    results = evaluated("y ~ x + z", lonely, solver="exact", folds=4, save_model=True)
    found = candidate(results, tmp_path)
    line = "Cross-validation, 4 folds by row: no result, as fold 1 has none"
    assert line in model_card(found, "why")
    assert not {"cv_rmse", "cv_r2"} & set(version_tags(found))


def test_without_folds_there_is_nothing_of_them(evaluated: Evaluated, tmp_path: Path) -> None:
    found = candidate(evaluated("y ~ x", ROWS, solver="exact", save_model=True), tmp_path)
    assert "ross-validation" not in model_card(found, "why")
    assert not any(name.startswith("cv") for name in version_tags(found))
