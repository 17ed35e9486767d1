"""What an evaluation adds to the run of its model."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linreg.tracking.journal.description import describe
from linreg.tracking.journal.failed_sync import describe_failed_sync
from linreg.tracking.journal.run import Run
from linreg.tracking.journal.training_run import record_gates


def record_evaluation(
    run: Run,
    folder: Path,
    values: Mapping[str, float],
    metrics: Mapping[str, Any],
    gates: Mapping[str, Any],
) -> None:
    """Log the numbers and the files of an evaluation; describe the run, which is then complete.

    folder          models/evaluation
    values          numbers by the names that MLflow shows
    metrics, gates  the contents of metrics.json and gates.json
    """
    run.log(values, step=0)
    run.log_artifact(folder)
    describe(run, metrics, gates)
    record_gates(run, passed=gates["passed"])


def warn_of_failed_sync() -> None:
    """Print what MLflow lacks by now, without waiting for it, in one line on standard error."""
    if failed := describe_failed_sync():
        print(f"evaluate: {failed}", file=sys.stderr)
