"""Functions of a formula that make several columns of a number: `poly(x)`, `bs(x)`, `ns(x)`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.functions.arguments import Arguments
from linreg.data.formula.functions.learning import Learner
from linreg.data.formula.functions.polynomials import (
    OrthogonalPolynomials,
    orthogonal_polynomials,
    raw_polynomials,
)
from linreg.data.formula.functions.splines import CUBIC, SplineKnots, b_splines, natural_splines
from linreg.data.formula.grammar.syntax_tree import LARGEST_POWER, Call, Node

MOST_SPLINES = 200
"""Columns of a spline."""


@dataclass(frozen=True)
class Basis:
    """How a call becomes columns.

    argument     what it is computed of
    num_columns  K
    learner      makes, for the text of the call, what learns from the training rows; None for a
                 function that learns nothing
    columns      returns the K columns (n,) of values (n,), given what was learned
    are_powers   whether they are the argument to the powers 1 to K
    """

    argument: Node
    num_columns: int
    learner: Callable[[str], Learner] | None
    columns: Callable[[Floats, Mapping[str, Any]], list[Floats]]
    are_powers: bool = False


def _poly(call: Call) -> Basis:
    arguments = Arguments(call, ["degree", "raw"])
    degree = arguments.integer("degree", 1, 1, LARGEST_POWER)
    if arguments.truth("raw", default=False):
        return Basis(
            arguments.first, degree, None, lambda x, _: raw_polynomials(x, degree), are_powers=True
        )
    return Basis(
        arguments.first,
        degree,
        lambda text: OrthogonalPolynomials(text, degree),
        orthogonal_polynomials,
    )


def _bs(call: Call) -> Basis:
    names = ["df", "knots", "degree", "intercept", "Boundary.knots", "include_intercept"]
    arguments = Arguments(call, names)
    degree = arguments.integer("degree", CUBIC, 1, LARGEST_POWER)
    intercept = _intercept(arguments)
    inner = _inner_knots(arguments, degree + intercept)
    return Basis(
        arguments.first,
        inner.number + degree + intercept,
        inner.learner,
        lambda x, learned: b_splines(x, learned, degree, intercept=intercept),
    )


def _ns(call: Call) -> Basis:
    names = ["df", "knots", "intercept", "Boundary.knots"]
    arguments = Arguments(call, names)
    intercept = _intercept(arguments)
    inner = _inner_knots(arguments, 1 + intercept)
    return Basis(
        arguments.first,
        inner.number + 1 + intercept,
        inner.learner,
        lambda x, learned: natural_splines(x, learned, intercept=intercept),
    )


BASES: dict[str, Callable[[Call], Basis]] = {"poly": _poly, "bs": _bs, "ns": _ns}


def read_basis(call: Call) -> Basis:
    """Return what a call of one of BASES makes; raises FormulaSyntaxError for its arguments."""
    return BASES[call.function](call)


@dataclass(frozen=True)
class _InnerKnots:
    """The inner knots of a spline, as the formula has them."""

    number: int
    knots: tuple[float, ...] | None
    boundary: tuple[float, ...] | None

    def learner(self, text: str) -> Learner:
        return SplineKnots(text, self.knots, self.number, self.boundary)


def _intercept(arguments: Arguments) -> bool:
    """Return whether the columns span a constant; the name of the argument is R's or patsy's."""
    name = "include_intercept" if arguments.has("include_intercept") else "intercept"
    return arguments.truth(name, default=False)


def _inner_knots(arguments: Arguments, fewest_df: int) -> _InnerKnots:
    """Return the inner knots; `fewest_df` is the number of columns without any."""
    knots = arguments.numbers("knots")
    boundary = arguments.numbers("Boundary.knots")
    _require_finite(arguments, "knots", knots)
    _require_finite(arguments, "Boundary.knots", boundary)
    if boundary is not None and (len(boundary) != 2 or boundary[0] >= boundary[1]):
        raise arguments.error("Boundary.knots must be two numbers, the smaller one first")
    if knots is not None:
        if arguments.has("df"):
            raise arguments.error("has df and knots, of which one says it all")
        if len(knots) > MOST_SPLINES:
            raise arguments.error(f"has more than {MOST_SPLINES} knots")
        return _InnerKnots(len(knots), knots, boundary)
    df = arguments.integer("df", fewest_df, fewest_df, MOST_SPLINES)
    return _InnerKnots(df - fewest_df, None, boundary)


def _require_finite(arguments: Arguments, name: str, numbers: Sequence[float] | None) -> None:
    if numbers is not None and not np.isfinite(numbers).all():
        raise arguments.error(f"{name} must be finite")
