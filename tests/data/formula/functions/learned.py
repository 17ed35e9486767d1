"""Learning without a design: the values of some chunks, pass after pass."""

from typing import Any

from linreg.arrays import Floats
from linreg.data.formula.functions.learning import Learner
from linreg.process.workers import ALONE, Workers


def learn(learner: Learner, *chunks: Floats, workers: Workers = ALONE) -> dict[str, Any]:
    """What is learned from chunks, the own ones of one of the workers."""
    while True:
        for chunk in chunks:
            learner.update(chunk)
        if not learner.merge(workers):
            return learner.result()
