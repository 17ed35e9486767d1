"""Collinearity from the moments: variance inflation, condition indices. No row is read."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Mask
from linreg.data.formula.design import Design
from linreg.evaluation.diagnostics.one_sided_jacobi import singular_values
from linreg.fit.exact.double_double.sum_numpy import sums_of_squares
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.normal_equations.ldl import PRECISION, factorize, from_double_double
from linreg.fit.exact.normal_equations.ldl import ColumnRounding as Rounding
from linreg.fit.exact.reference import ExactReference

MAX_CONDITION_COLUMNS = 60
"""More coefficients than this have a table of variance proportions that nobody reads."""
MAX_TERM_COLUMNS = 60
"""Columns of a term up to which its generalized VIF is computed."""


class TermInflation(NamedTuple):
    """The generalized variance inflation of a term's columns together.

    gvif      det(R₁₁)·det(R₂₂) / det(R), for the correlations R of the columns
    df        the number of columns that were not dropped
    adjusted  gvif^(1 / 2df) as in R's `car::vif`: by how much standard errors are larger
    """

    gvif: float
    df: int
    adjusted: float


class Dependency(NamedTuple):
    """One singular value of the columns of [1 X], each scaled to length 1.

    condition    the condition index: the largest singular value divided by it
    proportions  by coefficient, the part of its variance that goes with it
    """

    condition: float
    proportions: Mapping[str, float]


class Collinearity(NamedTuple):
    """What the columns have in common.

    vif      by coefficient, 1 / (1 − R²) of its column on the others; around 0 where neither an
             intercept nor a full category is beside it
    terms    by term of several columns
    indices  by size; empty for more than MAX_CONDITION_COLUMNS coefficients
    """

    vif: Mapping[str, float]
    terms: Mapping[str, TermInflation]
    indices: Sequence[Dependency]

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "vif": dict(self.vif),
            "terms": {name: each._asdict() for name, each in self.terms.items()},
            "condition_indices": [
                {"index": each.condition, "variance_proportions": dict(each.proportions)}
                for each in self.indices
            ],
        }


def collinearity(exact: ExactReference, design: Design) -> Collinearity:
    """Return the collinearity of the columns of a fit without ridge penalty.

    A category that was eliminated has no variance inflation, nor have its levels; that of the other
    columns is beside it.
    """
    solution = exact.solution
    columns = _Columns(exact, design)
    with localcontext(PRECISION):
        vif = columns.inflations()
        position, terms = 0, {}
        for term in design.terms:
            of_term = range(position, position + len(term.names))
            position += len(term.names)
            known = [j for j in of_term if j in columns.position_of]
            if len(term.names) > 1 and 0 < len(known) <= MAX_TERM_COLUMNS:
                terms[term.text] = columns.inflation_of(known)
        indices: Sequence[Dependency] = ()
        if not solution.levels and solution.rank <= MAX_CONDITION_COLUMNS:
            indices = condition_indices(exact.moments.gram(), solution)
    names = solution.names
    return Collinearity({names[j]: value for j, value in vif.items()}, terms, indices)


class _Columns:
    """The columns of X that were kept and not eliminated, in the units of the inverse Cholesky.

    position_of  by column of X, its row in W
    """

    def __init__(self, exact: ExactReference, design: Design) -> None:
        solution = exact.solution
        self._is_centred = _has_constant_beside(design)
        self._solution = solution
        levels = solution.levels
        # Of X, the columns that W and the Gram matrix have, in their order.
        in_W = levels.rest if levels else np.arange(len(solution.names))
        self.position_of = {
            j: row for row, j in enumerate(in_W.tolist(), 1) if solution.kept[1 + j]
        }
        if levels:
            layout = exact.moments.layout
            dense = np.flatnonzero(layout.is_dense).tolist()
            self._gram = exact.moments.totals()
            in_gram = {j: 1 + k for k, j in enumerate(dense)}
            self.position_of = {j: row for j, row in self.position_of.items() if j in in_gram}
        else:
            self._gram = exact.moments.gram()
            in_gram = {j: 1 + j for j in self.position_of}
        self._in_gram = in_gram

    def inflations(self) -> dict[int, float]:
        """Return by column its variance inflation factor."""
        squares = sums_of_squares(self._solution.inverse_cholesky).T.tolist()
        return {
            j: float(self._product(j, j) * from_double_double(squares[row]))
            for j, row in self.position_of.items()
        }

    def inflation_of(self, columns: Sequence[int]) -> TermInflation:
        """Return the generalized inflation of some columns: det(S₁₁)·det((S⁻¹)₁₁)."""
        W = self._solution.inverse_cholesky
        rows = [
            [from_double_double(pair) for pair in W[:, self.position_of[j]].T.tolist()]
            for j in columns
        ]
        inverse = [
            [sum((a * b for a, b in zip(u, v, strict=True)), Decimal(0)) for v in rows[: i + 1]]
            for i, u in enumerate(rows)
        ]
        own = [[self._product(i, j) for j in columns[: k + 1]] for k, i in enumerate(columns)]
        gvif = _determinant(own) * _determinant(inverse)
        # Python's decimal rounds logarithm and exponential correctly, on every machine.
        adjusted = (gvif.ln() / (2 * len(columns))).exp()
        return TermInflation(float(gvif), len(columns), float(adjusted))

    def _product(self, i: int, j: int) -> Decimal:
        """Return Σ w(xᵢ − x̄ᵢ)(xⱼ − x̄ⱼ) of two columns of a term, scaled, or around 0."""
        gram = self._gram
        a, b = self._in_gram[i], self._in_gram[j]
        product = gram.entry(max(a, b), min(a, b))
        if self._is_centred[i]:
            product -= gram.entry(a, 0) * gram.entry(b, 0) / gram.entry(0, 0)
        exponent = int(self._solution.exponents[1 + i] + self._solution.exponents[1 + j])
        return _decimal(product * Fraction(2) ** -exponent)


def _has_constant_beside(design: Design) -> Mask:
    """Tell for each column of X (M,) whether an intercept, or a full category, is beside it."""
    full = [
        [any(factor.get("full") for factor in term)] * len(columns.names)
        for term, columns in zip(design.schema.terms, design.terms, strict=True)
    ]
    is_full = np.array([each for of_term in full for each in of_term], np.bool_)
    if design.schema.intercept:
        return np.ones_like(is_full)
    return np.full_like(is_full, bool(is_full.any())) & ~is_full


def condition_indices(gram: Gram, solution: LeastSquares) -> list[Dependency]:
    """Return the condition indices of the kept columns of [1 X], the smallest first.

    D. Belsley, Conditioning Diagnostics, 1991. To be called in the decimal context
    `ldl.PRECISION`.
    """
    columns = np.flatnonzero(solution.kept).tolist()
    if not columns:
        return []
    norms = [_decimal(gram.entry(j, j)).sqrt() for j in columns]
    lower = [
        [_decimal(gram.entry(i, j)) / (norms[k] * norms[m]) for m, j in enumerate(columns[: k + 1])]
        for k, i in enumerate(columns)
    ]
    factors = factorize(lower, [Rounding(0.0, 1.0)] * len(columns), error=0.0)
    R = np.zeros((len(columns), len(columns)))
    for k, (above, pivot) in enumerate(zip(factors.upper, factors.pivots, strict=True)):
        scales = [factors.pivots[m].sqrt() for m in range(k)]
        R[:k, k] = [float(value * scale) for value, scale in zip(above, scales, strict=True)]
        R[k, k] = float(pivot.sqrt())
    values, V = singular_values(R)
    parts = np.square(V / values)
    proportions = parts / parts.sum(axis=1)[:, None]
    names = [["b", *solution.names][j] for j in columns]
    return [
        Dependency(
            float(values[0] / values[k]), dict(zip(names, proportions[:, k].tolist(), strict=True))
        )
        for k in range(len(columns))
    ]


def _determinant(lower: Sequence[Sequence[Decimal]]) -> Decimal:
    """Return the determinant of a positive definite matrix, given by its lower triangle."""
    factors = factorize(lower, [Rounding(0.0, 1.0)] * len(lower), error=0.0)
    product = Decimal(1)
    for pivot in factors.pivots:
        product *= pivot
    return product


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
