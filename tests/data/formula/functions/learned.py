"""Learning without a design: the values of some chunks, pass after pass."""

from collections.abc import Sequence
from typing import Any

from linreg.arrays import Floats
from linreg.data.formula.functions.learning import Learner


def learn(learner: Learner, *chunks: Floats) -> dict[str, Any]:
    """What is learned from chunks in one process."""
    while True:
        for chunk in chunks:
            learner.update(chunk)
        if not learner.merge([learner.as_data()]):
            return learner.result()


def learn_together(learners: Sequence[Learner], *chunks: Floats) -> dict[str, Any]:
    """What the learners of several processes learn, of which each has one chunk."""
    while True:
        for learner, chunk in zip(learners, chunks, strict=True):
            learner.update(chunk)
        found = [learner.as_data() for learner in learners]
        has_more = {learner.merge(found) for learner in learners}
        if has_more == {False}:
            return learners[0].result()
