"""Runs stages one after the other in the same processes, each of which imports torch only once.

    STAGES="generate ingest split train evaluate" WORKERS=2 python -m linreg.verify.run_stages

The outputs are those of `python -m stages.NAME` for each of them.
"""

import importlib
import os
import sys
from pathlib import Path

from linreg.process.process_place import process_place
from linreg.process.workers import RENDEZVOUS

STAGES = "STAGES"
"""The environment variable with the names of the stages."""


def main() -> None:
    """Run each stage; with several WORKERS, or below torchrun, in each process."""
    workers = int(os.environ.get("WORKERS", "1"))
    size = process_place().size
    if workers > 1 and size == 1:
        # Imported here because it imports torch.
        from linreg.process.launcher import launch

        launch("linreg.verify.run_stages", workers)
    for number, stage in enumerate(os.environ[STAGES].split()):
        if size > 1:
            _meet_elsewhere(number)
        sys.argv = [f"stages/{stage}.py"]
        importlib.import_module(f"stages.{stage}").main()


def _meet_elsewhere(number: int) -> None:
    """Have the processes of a stage meet at a file or port at which no stage has met before."""
    if RENDEZVOUS in os.environ:
        os.environ[RENDEZVOUS] = str(Path(os.environ[RENDEZVOUS]).with_name(f"stage-{number}"))
    else:
        # Not at torchrun's own, which is at the first port.
        os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"
        os.environ["MASTER_PORT"] = str(int(os.environ["MASTER_PORT"]) + 1)


if __name__ == "__main__":
    main()
