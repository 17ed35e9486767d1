"""What `evaluate.errors` and the kinds of weights mean for standard errors."""

from typing import NamedTuple

ERRORS = r"^(auto|classical|HC[0-3]|cluster:[^,]+(,[^,]+)?|HAC:\d+)$"
"""The values of `evaluate.errors`."""


class Errors(NamedTuple):
    """A value of `evaluate.errors`, taken apart.

    kind     auto, classical, HC0, HC1, HC2, HC3, cluster or HAC
    columns  one or two columns of clusters
    lags     of HAC
    """

    kind: str
    columns: tuple[str, ...] = ()
    lags: int | None = None


def parse_errors(errors: str) -> Errors:
    """Take a value of `evaluate.errors` apart."""
    kind, _, rest = errors.partition(":")
    if kind == "cluster":
        return Errors(kind, tuple(name.strip() for name in rest.split(",")))
    return Errors(kind, lags=int(rest) if kind == "HAC" else None)
