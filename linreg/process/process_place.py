"""The number of this process among those that run a stage together, by the variables of torchrun.

Kubeflow, SageMaker and Azure ML set some of these variables for a process that is alone, too.
"""

import os
from typing import NamedTuple

from linreg.errors import UserError
from linreg.process.workers import RENDEZVOUS

_ALONE = "unset RANK to run it as one process, or start it by torchrun"


class ProcessPlace(NamedTuple):
    """The number of a process, from 0, and how many there are."""

    rank: int
    size: int


def process_place() -> ProcessPlace:
    """Return the place of this process; RANK alone says nothing but that it is the first.

    Raises UserError for a RANK that no process can have.
    """
    if not os.environ.get("RANK"):
        return ProcessPlace(0, 1)
    place = ProcessPlace(_number("RANK"), _number("WORLD_SIZE", "1"))
    if place.rank >= place.size:
        what = "must be less than WORLD_SIZE"
        found = f"{place.rank}, with WORLD_SIZE={os.environ.get('WORLD_SIZE', '')}"
        raise UserError("environment: RANK", what, found=found, todo=_ALONE)
    return place


def require_meeting_place() -> None:
    """Raise UserError where the environment does not say where several processes meet."""
    if RENDEZVOUS in os.environ:
        return
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        what = f"RANK and WORLD_SIZE are set without {' and '.join(missing)}"
        raise UserError("environment", what, todo=_ALONE)
    _number("MASTER_PORT")


def _number(name: str, default: str = "") -> int:
    text = os.environ.get(name) or default
    if not text.isdecimal():
        raise UserError(f"environment: {name}", "must be a whole number", found=text, todo=_ALONE)
    return int(text)
