"""The minimum of squared error with an elastic net penalty, by an active set at 60 digits.

The coefficients that are not 0 are the active set. Once their signs are known, linear equations
give them. From coefficients near the minimum, as coordinate descent finds, that is one solution. If
a sign in it is another one, coefficients move towards it until the first of them is 0, which leaves
the active set; if none is, the column that violates the Karush–Kuhn–Tucker conditions most joins.
The loss falls with each step, so that no active set comes twice (C. Lawson and R. Hanson, Solving
Least Squares Problems, 1974, chapter 23; M. Osborne, B. Presnell and B. Turlach, IMA Journal of
Numerical Analysis 20, 2000).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.normal_equations.ldl import Factors, LinearDependency, Vector
from linreg.fit.exact.penalized.equations import PenalizedEquations, of_columns, scores
from linreg.fit.exact.penalized.penalty import ColumnPenalties

KKT_TOLERANCE = Decimal(2) ** -90
"""Of the lengths of a column and of all terms: a gradient within it is taken for its threshold.

The moments are exact to 2^-102 of them.
"""


@dataclass(frozen=True)
class Minimum:
    """The minimum, scaled as the columns of `Gram` are.

    columns       of [1 X y] whose coefficients were solved for: that of 1, if there is an
                  intercept, and the active set
    equations     of these columns, numbered by their place among them
    factors       of the equations
    beta          their coefficients
    scores        (M,) xᵀ diag(w) r of all columns of X
    equicorrelated  the columns of X, counted from 0, whose scores are at their thresholds
    """

    columns: list[int]
    equations: PenalizedEquations
    factors: Factors
    beta: Vector
    scores: Vector
    equicorrelated: list[int]


@dataclass
class ActiveSet:
    """The steps from a start to the minimum.

    excluded  columns of X, counted from 0, whose coefficients are to stay 0

    All methods are to be called in the decimal context `ldl.PRECISION`.
    """

    gram: Gram
    intercept: bool
    penalties: ColumnPenalties
    excluded: Collection[int] = ()
    _refused: set[int] = field(default_factory=set)

    def minimize(self, start: Sequence[float]) -> Minimum:
        """Return the minimum; `start` (M,) are coefficients of the columns of `gram`.

        The minimum is not unique if the equicorrelated columns are collinear (R. Tibshirani,
        Electronic Journal of Statistics 7, 2013).
        """
        thresholds = self.penalties.thresholds
        beta = {
            j: Decimal(value)
            for j, value in enumerate(start)
            if j not in self.excluded and (value or not thresholds[j])
        }
        signs = {j: Decimal(1).copy_sign(value) for j, value in beta.items()}
        joined = -1
        while True:
            columns, equations = self.equations(sorted(beta), signs)
            factors = equations.factorize()
            if factors.dependencies:
                leaving = self._leave_along(factors.dependencies[0], columns, beta, signs)
                if leaving == joined:
                    self._refused.add(joined)
                if leaving is None:
                    # Of columns without a threshold, which no sign leaves out.
                    left_out = columns[equations.first + factors.dependencies[0].column] - 1
                    return Minimum(columns, equations, factors, [], [], sorted({*beta, left_out}))
                continue
            places = list(range(equations.first, equations.target))
            solution, _ = factors.solve(equations.right_side(places))
            own = [columns[place] for place in places]
            target = {j - 1: value for j, value in zip(own, solution, strict=True) if j}
            crossing = [j for j, value in target.items() if thresholds[j] and value * signs[j] <= 0]
            if crossing:
                self._move(beta, target, crossing, joined)
                continue
            beta = target
            found = scores(self.gram, own, solution)
            excess = self._excess(found, beta, self._tolerance(own, solution))
            joined = max(excess, key=lambda j: (excess[j], -j), default=-1)
            if joined < 0:
                tolerance = self._tolerance(own, solution)
                at_threshold = self._at_threshold(found, tolerance, beta)
                return Minimum(own, equations, factors, solution, found, at_threshold)
            beta[joined], signs[joined] = Decimal(0), Decimal(1).copy_sign(found[joined])

    def equations(
        self, of_theta: Sequence[int], signs: dict[int, Decimal]
    ) -> tuple[list[int], PenalizedEquations]:
        """Return the columns of [1 X y] of equations for some θ, and the equations."""
        columns = [0, *(j + 1 for j in of_theta), len(self.gram.exponents) - 1]
        thresholds, squares = self.penalties.thresholds, self.penalties.squares
        shifts = [thresholds[j] * signs.get(j, Decimal(0)) for j in of_theta]
        squares = [squares[j] for j in of_theta]
        chosen = of_columns(self.gram, columns)
        return columns, PenalizedEquations(chosen, self.intercept, squares, shifts)

    def _move(
        self, beta: dict[int, Decimal], target: dict[int, Decimal], crossing: list[int], joined: int
    ) -> None:
        """Move towards the solution of the equations until the first coefficient is 0; drop it."""
        ratios = {j: beta[j] / (beta[j] - target[j]) if beta[j] else Decimal(0) for j in crossing}
        share = min(ratios.values())
        for j in beta:
            beta[j] += share * (target[j] - beta[j])
        for j, ratio in ratios.items():
            if ratio == share:
                del beta[j]
                if j == joined:
                    # What had it join was rounding, and would again.
                    self._refused.add(j)

    def _leave_along(
        self,
        dependency: LinearDependency,
        columns: list[int],
        beta: dict[int, Decimal],
        signs: dict[int, Decimal],
    ) -> int | None:
        """Move along a linear dependency, which changes no prediction, to the first 0; drop it.

        Returns the column that leaves the active set; None if none has a threshold.
        """
        thresholds = self.penalties.thresholds
        first = 0 if self.intercept else 1
        direction = {columns[first + dependency.column] - 1: Decimal(1)}
        for k, coefficient in dependency.coefficients.items():
            direction[columns[first + k] - 1] = -coefficient
        direction.pop(-1, None)
        of_signs = sum(thresholds[j] * signs[j] * value for j, value in direction.items())
        for sign in (-1, 1) if of_signs >= 0 else (1, -1):
            steps = {
                j: -beta[j] / (sign * value)
                for j, value in direction.items()
                if thresholds[j] and value * sign * signs[j] < 0
            }
            if steps:
                leaving = min(steps, key=lambda j: (steps[j], -j))
                step = steps[leaving]
                for j, value in direction.items():
                    beta[j] += step * sign * value
                del beta[leaving]
                return leaving
        return None

    def _tolerance(self, columns: Sequence[int], beta: Vector) -> Decimal:
        """Return the rounding of a score of a column of length 1."""
        norms = self.gram.norms
        terms = Decimal(float(norms[-1]))
        for j, value in zip(columns, beta, strict=True):
            terms += abs(value) * Decimal(float(norms[j]))
        return KKT_TOLERANCE * terms

    def _excess(
        self, found: Vector, beta: dict[int, Decimal], tolerance: Decimal
    ) -> dict[int, Decimal]:
        """Return how far scores are above their thresholds, by column, for columns of length 1."""
        excess = {}
        for j, score in enumerate(found):
            if j in beta or j in self.excluded or j in self._refused:
                continue
            norm = Decimal(float(self.gram.norms[j + 1]))
            above = abs(score) - self.penalties.thresholds[j]
            if above > tolerance * norm:
                excess[j] = above / norm
        return excess

    def _at_threshold(
        self, found: Vector, tolerance: Decimal, beta: dict[int, Decimal]
    ) -> list[int]:
        """Return the columns of X that could have a coefficient without a change of the loss."""
        return [
            j
            for j, score in enumerate(found)
            if j in beta
            or (
                j not in self.excluded
                and abs(score)
                >= self.penalties.thresholds[j] - tolerance * Decimal(float(self.gram.norms[j + 1]))
            )
        ]
