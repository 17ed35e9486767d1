"""A model whose checksum fits may still have been written by a forger: it is refused in one line,
or answers.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from linreg.data.formula.design import Design
from tests.faults.forked import run_command
from tests.faults.security import forgery
from tests.prediction.fitted import save_model, training_rows

pytestmark = pytest.mark.slow
NUM_FORGERIES = 400


@pytest.mark.very_slow
def test_no_forged_model_executes_anything_or_ends_in_a_traceback(
    learn: Callable[..., Design], tmp_path: Path
) -> None:
    save_model(tmp_path / "genuine", learn)
    pq.write_table(training_rows(), tmp_path / "rows.parquet")
    document = json.loads((tmp_path / "genuine" / "model.json").read_text())
    outcomes: Counter[str] = Counter()
    for seed in range(NUM_FORGERIES):
        shutil.rmtree(tmp_path / "model", ignore_errors=True)
        shutil.copytree(tmp_path / "genuine", tmp_path / "model")
        forgery.write(forgery.forged(document, seed), tmp_path / "model")
        found = run_command(
            ["predict", "model", "rows.parquet", "predictions.csv"], tmp_path, timeout=20
        )
        assert not (tmp_path / "marker").exists(), seed
        assert found.is_right or (found.code == 2 and found.refusal), (seed, found)
        assert found.refusal is None or found.refusal.isprintable(), (seed, found)
        outcomes["right" if found.is_right else "refused"] += 1
    assert min(outcomes.values()) > NUM_FORGERIES / 10, outcomes
