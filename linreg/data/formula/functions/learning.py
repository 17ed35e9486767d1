"""What a function of a formula learns from the training rows, in one pass over them or several."""

from typing import Any, Protocol

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.process.workers import Workers

WHERE = "params.yaml: model.formula"


class Learner(Protocol):
    """Learns from the values of a function's argument in the training rows.

    In each pass, every process adds its rows by `update`; then all of them merge what they have
    found. What is learned depends neither on the processes nor on the
    length of the chunks.
    """

    def update(self, values: Floats) -> None:
        """Add finite values (n,)."""

    def merge(self, workers: Workers) -> bool:
        """End a pass in all processes; return whether there is another one.

        Raises UserError for values that the function cannot be learned from.
        """

    def result(self) -> dict[str, Any]:
        """Return what was learned, as plain data for model.json."""


def cannot_learn(function: str, what: str, found: object, todo: str) -> UserError:
    """Return the error for training rows that a function cannot be learned from."""
    return UserError(f"{WHERE}: {function}", what, found=found, todo=todo)
