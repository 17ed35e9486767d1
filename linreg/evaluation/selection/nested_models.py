"""Models of the same rows, each nested in the next, compared by F tests from their moments."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from linreg.errors import UserError
from linreg.evaluation.formula_terms import INTERCEPT
from linreg.evaluation.joint_test import f_test
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.normal_equations.ldl import PRECISION
from linreg.params.model import WeightsKind

SAME = Fraction(1, 2**80)
"""The sums of the same rows in another order differ by less, as a part of their norms."""
ROUNDED = Fraction(1, 2**48)
"""Those of exact powers up to 10 differ by less from those of the powers as float64.

x² has its exact value in a model with x, from which it follows, and is rounded in one without x.
"""
DEGREE = re.compile(r"(\bpoly\((?:[^()]|\([^()]*\))*?), (?:degree=)?\d+((?:, [^()]*)?\)\[\d+\])")
"""That of a polynomial, in the name of a column."""


class FittedModel(NamedTuple):
    """A model, its name in messages, and the moments that it was computed from.

    offset  the texts of its offsets, in the order of the alphabet
    """

    name: str
    formula: str
    target: str
    solution: LeastSquares
    moments: AnyMoments
    offset: tuple[str, ...] = ()


class NestedModel(NamedTuple):
    """A model beside the next smaller one; the last four are None for the smallest.

    df              its residual degrees of freedom
    added           coefficients that the smaller model does not have
    sum_of_squares  by how much they reduce the residual sum of squares
    f, p            against σ² of the largest model, as in R's anova(fit1, fit2)
    """

    name: str
    formula: str
    df: int
    rss: float
    added: int | None = None
    sum_of_squares: float | None = None
    f: float | None = None
    p: float | None = None


def compare_nested(models: Sequence[FittedModel]) -> list[NestedModel]:
    """Compare two models or more, from the smallest to the largest.

    Raises UserError for models of other rows, another target, offset or weights, and where one is
    not nested in the next: the larger must have the columns of the smaller, by name and by their
    sums. Columns that span those of the smaller are not enough, as no moments tell that they do.
    """
    in_order = sorted(models, key=lambda each: each.solution.rank)
    for smaller, larger in pairwise(in_order):
        _require_same_rows(smaller, larger)
        _require_nested(smaller, larger)
    largest = in_order[-1].solution
    compared = []
    for i, model in enumerate(in_order):
        name, formula, solution = model.name, model.formula, model.solution
        rss = _rss(solution)
        if i == 0:
            compared.append(NestedModel(name, formula, solution.df, float(rss)))
            continue
        smaller = in_order[i - 1]
        added = solution.rank - smaller.solution.rank
        with localcontext(PRECISION):
            explained = max(_rss(smaller.solution) - rss, Decimal(0))
        f, p = f_test(explained, added, largest.rss, largest.df)
        compared.append(
            NestedModel(name, formula, solution.df, float(rss), added, float(explained), f, p)
        )
    return compared


def require_classical_weights(weights_kind: WeightsKind, where: object) -> None:
    """Raise UserError for weights with which sums of squares say nothing of noise."""
    if weights_kind == "sampling":
        what = "has sampling weights, which classical F tests would take for inverse variances"
        raise UserError(where, what, todo="take `linreg anova --robust` of one model")


def require_estimates_of_noise(
    solution: LeastSquares, where: object, *, absorbed: bool = False
) -> None:
    """Raise UserError for a fit whose residuals say nothing of noise: there are no tests.

    absorbed  whether there are tests beside absorbed factors
    """
    if solution.absorbed and not absorbed:
        what = "absorbs factors, beside which sums of squares are not computed"
        todo = (
            "write them as terms, as in + C(firm); `linreg anova --robust` tests the other terms "
            "as they are"
        )
        raise UserError(where, what, todo=todo)
    match solution.no_errors:
        case "ridge" | "lasso" | "elastic net":
            what, todo = "is a penalized fit, whose terms have no F tests", "set train.l1, l2 to 0"
        case "no degrees of freedom":
            what = "has as many coefficients as training rows, which leaves nothing to test against"
            todo = "add rows, or name fewer terms in model.formula"
        case "rounding":
            what = "leaves residuals that are no larger than the rounding of the cells"
            todo = "store the cells with more digits"
        case None:
            return
    raise UserError(where, what, todo=todo)


def _require_same_rows(a: FittedModel, b: FittedModel) -> None:
    if a.target != b.target:
        what = "predict different targets"
        raise UserError(f"{a.name} and {b.name}", what, found=f"{a.target} and {b.target}")
    if a.offset != b.offset:
        offsets = [" + ".join(map("offset({})".format, each.offset)) or "none" for each in (a, b)]
        what = "have different offsets, and so fit different targets"
        raise UserError(f"{a.name} and {b.name}", what, found=" and ".join(offsets))
    if not _are_same(a.moments, b.moments):
        sizes = [f"{each.moments.num_weighted} rows" for each in (a, b)]
        raise UserError(
            f"{a.name} and {b.name}",
            "were fitted to different training rows, or with different weights",
            found=" and ".join(sizes),
            todo="fit both to the same rows: incomplete rows are dropped by the columns of the"
            " formula, and the split depends on what is left",
        )


def _are_same(a: AnyMoments, b: AnyMoments) -> bool:
    """Tell whether the number of rows, Σw, Σwy and Σwy² agree."""
    if (a.num_rows, a.num_weighted) != (b.num_rows, b.num_weighted):
        return False
    first, second = ([each.totals().entry(i, j) for i, j in _TOTALS] for each in (a, b))
    return _agree(first[0], second[0], first[0]) and _agree_as_column(first[1:], second[1:], first)


_TOTALS = ((0, 0), (-1, 0), (-1, -1))


def _require_nested(smaller: FittedModel, larger: FittedModel) -> None:
    columns, others = _columns(smaller), _columns(larger)
    where = f"{smaller.name} and {larger.name}"
    missing = [name for name in columns if name not in others]
    if missing == [INTERCEPT] and larger.solution.tss_around_mean is not None:
        # The columns of the larger model span a constant.
        missing = []
    if missing:
        names = {_without_degree(name): name for name in smaller.solution.names}
        missing = [names.get(name, name) for name in missing]
        raise UserError(
            where,
            "are not nested column by column: the larger model lacks columns of the other",
            found=", ".join(missing[:3]) + (", …" if len(missing) > 3 else ""),
            todo="write what both have in the same way, such as poly(x, 2) and poly(x, 3)",
        )
    if smaller.solution.rank == larger.solution.rank:
        raise UserError(where, "have the same coefficients", todo="name two different models")
    totals = smaller.moments.totals()
    weight = totals.entry(0, 0)
    exact_in_one = _exact_powers(smaller) ^ _exact_powers(larger)
    for name, sums in columns.items():
        within = ROUNDED if name in exact_in_one else SAME
        if name in others and not _agree_as_column(sums, others[name], [weight], within):
            todo = "name models whose columns are the same in both"
            raise UserError(f"{where}: column {name}", "is not the same column in both", todo=todo)


def _columns(model: FittedModel) -> dict[str, list[Fraction]]:
    """Return Σwx and Σwx² of the columns that were estimated, by name."""
    solution, moments = model.solution, model.moments
    names = [_without_degree(name) for name in solution.names]
    kept = [name for name, is_kept in zip(names, solution.kept[1:], strict=True) if is_kept]
    sums = dict(_sums(moments, names))
    ones = [moments.totals().entry(0, 0)] * 2
    return ({INTERCEPT: ones} if solution.kept[0] else {}) | {name: sums[name] for name in kept}


def _exact_powers(model: FittedModel) -> set[str]:
    """Return the names of the columns whose sums are those of exact powers of others."""
    solution = model.solution
    return {_without_degree(solution.names[each.column]) for each in solution.monomials}


def _without_degree(name: str) -> str:
    """Return `poly(x)[1]` for `poly(x, 3)[1]`: polynomials of higher degrees leave it as it is."""
    return DEGREE.sub(r"\1\2", name)


def _sums(moments: AnyMoments, names: Sequence[str]) -> Iterator[tuple[str, list[Fraction]]]:
    """Yield the name of each column of X with Σwx and Σwx²."""
    gram, layout = moments.totals(), moments.layout
    for place, j in enumerate(np.flatnonzero(layout.is_dense).tolist(), start=1):
        yield names[j], [gram.entry(place, 0), gram.entry(place, place)]
    if isinstance(moments, LevelMoments):
        for k, category in enumerate(layout.categories):
            # In units of the weights, where the column of ones was scaled.
            for j, parts in enumerate(moments.level_weights(k).T.tolist(), start=category.first):
                yield names[j], [sum(map(Fraction, parts), Fraction(0))] * 2


def _agree_as_column(
    a: list[Fraction], b: list[Fraction], weight: list[Fraction], within: Fraction = SAME
) -> bool:
    """Tell whether Σx and Σx² of a column agree, for Σw first in `weight`."""
    is_square_same = _agree(a[1], b[1], a[1], within)
    # |Σwx| is at most √(Σw·Σwx²), of which the error is a part.
    return is_square_same and (a[0] - b[0]) ** 2 <= within**2 * weight[0] * a[1]


def _agree(a: Fraction, b: Fraction, size: Fraction, within: Fraction = SAME) -> bool:
    return abs(a - b) <= within * size


def _rss(solution: LeastSquares) -> Decimal:
    assert solution.rss is not None, "require_estimates_of_noise has been called"
    return solution.rss
