"""Run stages one after the other by the same processes: importing torch takes each of them seconds.

STAGES="generate ingest split train evaluate" WORKERS=2 python -m tests.run_stages
"""

import importlib
import os
import sys
from pathlib import Path


def main() -> None:
    """Run the main() of each stage; with several WORKERS in each of them."""
    workers = int(os.environ.get("WORKERS", "1"))
    if workers > 1 and "RANK" not in os.environ:
        from linreg.process.launcher import launch

        launch("tests.run_stages", workers)
    for stage in os.environ["STAGES"].split():
        if workers > 1:
            _meet_elsewhere(stage)
        sys.argv = [f"stages/{stage}.py"]
        importlib.import_module(f"stages.{stage}").main()


def _meet_elsewhere(stage: str) -> None:
    """Have the processes of a stage meet in a file of its own: one that was used is of no use."""
    from linreg.process.workers import RENDEZVOUS

    os.environ[RENDEZVOUS] = str(Path(os.environ[RENDEZVOUS]).with_name(stage))


if __name__ == "__main__":
    main()
