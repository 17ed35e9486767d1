"""Fits of the same rows with some of the terms only, from the moments of the full model."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.evaluation.formula_terms import FormulaTerms, Terms
from linreg.evaluation.selection.sweep import SweptTable
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.estimate import first_estimate
from linreg.fit.exact.normal_equations.ldl import PRECISION, times_power_of_two, to_double_double


@dataclass(frozen=True)
class _Model:
    """A table, and the terms and columns that it has in the model.

    columns  by coefficient of (b, θ), where it is in the table
    unit     e, for sums of squares in units of 4^e
    """

    table: SweptTable
    present: Terms
    columns: dict[int, int]
    unit: int


class Submodels:
    """Least squares with some of the terms of a model, and its intercept if it has one.

    Columns that the model dropped as collinear take no part. A category that was eliminated from a
    wide design stays so in all models that have it; models without it begin with a factorization of
    the other columns.
    """

    def __init__(self, solution: LeastSquares, moments: AnyMoments, terms: FormulaTerms) -> None:
        self.solution = solution
        self.terms = terms
        self._moments = moments
        self._latest: dict[bool, _Model] = {}

    @property
    def num_rows(self) -> int:
        """The rows with a weight above 0."""
        return self.solution.df + self.solution.rank

    @cached_property
    def eliminated(self) -> int | None:
        """The term whose category was eliminated; None without one."""
        levels = self.solution.levels
        if levels is None:
            return None
        columns = range(int(levels.columns[0]) + 1, int(levels.columns[-1]) + 2)
        of_terms = [set(term.coefficients) for term in self.terms.terms]
        return next(i for i, own in enumerate(of_terms) if not own.isdisjoint(columns))

    def rank(self, present: Collection[int]) -> int:
        """Return the number of coefficients of a model, the intercept included."""
        of_terms = sum(len(self.terms.terms[i].coefficients) for i in present)
        return of_terms + bool(self.solution.kept[0])

    def rss(self, present: Terms) -> Decimal:
        """Return the residual sum of squares of a model with some of the terms."""
        model = self._model(present)
        return _in_units(model.table.rss, model.unit)

    def sum_of_squares(self, term: int, given: Terms) -> Decimal:
        """Return by how much a term reduces the residual sum of squares of a model without it."""
        assert term not in given
        if term == self.eliminated:
            with localcontext(PRECISION):
                return self.rss(given) - self.rss(given | {term})
        # From the model at hand: taken out of it, or into it.
        is_at_hand = any(each.present == given for each in self._latest.values())
        model = self._model(given if is_at_hand else given | {term})
        columns = [model.columns[j] for j in self.terms.terms[term].coefficients]
        return _in_units(model.table.sum_of_squares(columns), model.unit)

    def sum_of_squares_of_intercept(self) -> Decimal:
        """Return by how much the intercept reduces that of the full model without it."""
        model = self._model(self.terms.all)
        return _in_units(model.table.sum_of_squares([model.columns[0]]), model.unit)

    def _model(self, present: Terms) -> _Model:
        """Return the table of a model, swept from the latest one."""
        has_levels = self.eliminated is not None and self.eliminated in present
        latest = self._latest.get(has_levels) or self._first(has_levels=has_levels)
        changed = (latest.present ^ present) - {self.eliminated}
        columns = [
            latest.columns[j] for i in sorted(changed) for j in self.terms.terms[i].coefficients
        ]
        table = latest.table.swept(columns) if columns else latest.table
        model = _Model(table, present, latest.columns, latest.unit)
        self._latest[has_levels] = model
        return model

    def _first(self, *, has_levels: bool) -> _Model:
        """Return the model with all terms, or all but the eliminated one."""
        if self.eliminated is not None and not has_levels:
            return self._without_levels()
        solution = self.solution
        rest = np.arange(len(solution.kept))
        if solution.levels:
            rest = np.concatenate([[0], solution.levels.rest + 1])
        is_kept = solution.kept[rest]
        columns = rest[is_kept]
        W = solution.inverse_cholesky[:, is_kept][:, :, is_kept]
        both = np.stack([np.concatenate([[solution.b], solution.theta]), solution.remainders])
        unit = int(solution.exponents[-1])
        beta = np.ldexp(both[:, columns], solution.exponents[columns] - unit)
        with localcontext(PRECISION):
            rss = (solution.rss or Decimal(0)) * times_power_of_two(1, -2 * unit)
        table = SweptTable.of_solution(W, beta, to_double_double(rss))
        return _Model(table, self.terms.all, _places(columns), unit)

    def _without_levels(self) -> _Model:
        """Return the model with all terms but the eliminated one, from the moments."""
        solution, moments = self.solution, self._moments
        assert isinstance(moments, LevelMoments)
        assert solution.levels is not None
        assert self.eliminated is not None
        rest = solution.levels.rest
        products, exponents, cells = moments.products_of(rest)
        # An interaction without its main effects has other columns beside those of the category.
        of_term = np.isin(rest + 1, self.terms.terms[self.eliminated].coefficients)
        others = np.flatnonzero(solution.kept[rest + 1] & ~of_term)
        # The column of ones, which may be left out again, and that of y.
        chosen = [0, *(others + 1).tolist(), len(rest) + 1]
        lower = products[np.ix_([0, 1], chosen, chosen)]
        norms = np.sqrt(np.diagonal(lower[0]))
        gram = Gram.from_lower(moments.num_rows, exponents[chosen], lower, cells[chosen], norms)
        with localcontext(PRECISION):
            intercept = bool(solution.kept[0])
            equations = NormalEquations(gram, moments.totals(), intercept, 0.0)
            estimate = first_estimate(equations, equations.factorize())
            beta: Floats = np.transpose([to_double_double(each) for each in estimate.beta])
            rss = to_double_double(estimate.rss)
        coefficients = np.concatenate([[0], rest + 1])[np.array(chosen)[estimate.columns]]
        table = SweptTable.of_solution(estimate.W, beta.reshape(2, -1), rss)
        present = self.terms.all - {self.eliminated}
        return _Model(table, present, _places(coefficients), int(exponents[-1]))


def _places(coefficients: NDArray[np.int64]) -> dict[int, int]:
    return {j: place for place, j in enumerate(coefficients.tolist())}


def _in_units(value: Decimal, unit: int) -> Decimal:
    """Return a sum of squares in the units of the data, not below 0."""
    with localcontext(PRECISION):
        return max(value * times_power_of_two(1, 2 * unit), Decimal(0))
