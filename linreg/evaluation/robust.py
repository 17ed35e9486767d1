"""Leverages and heteroscedasticity-robust standard errors, from one more pass over the rows."""

from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.fit.exact.double_double_numpy import numpy_is_faster
from linreg.fit.exact.least_squares import LeastSquares
from linreg.process.workers import ALONE, Workers

PIECE = 8192
LEVERAGE_1 = 1e-10
"""A row whose leverage is this near to 1 is fitted exactly: what noise it has, nobody can tell."""


class RobustErrors:
    """Heteroscedasticity-robust standard errors of (b, θ), from one pass over the rows of the fit.

    HC3: √ Σ (w r aⱼ / (1 − h))², with the residual r, the leverage h and a = A⁻¹x of each row (J.
    MacKinnon and H. White, J. Econometrics 29, 1985). Where a leverage is 1, HC1 takes its place: √
    (n/(n − p) Σ (w r aⱼ)²).
    """

    def __init__(self, fit: LeastSquares, expected: int = 0) -> None:
        self._fit, self._expected = fit, expected
        # By kind (HC3, HC1) and coefficient, Σ as a pair of float64.
        self._sums = np.zeros((2, len(fit.kept), 2))
        self._largest_leverage = 0.0
        self._num_rows = 0

    def add(self, X: Floats, y: Floats, w: Floats | None = None) -> None:
        """Add rows, in the order in which they are in all passes: X (n, M), y (n,), w (n,) or
        None.
        """
        fit, theta = self._fit, _scaled_theta(self._fit)
        X, y = (
            _frozen(np.asfortranarray(X, np.float64)),
            _frozen(np.ascontiguousarray(y, np.float64)),
        )
        self._num_rows += len(y)
        passes = _passes(max(self._num_rows, self._expected), fit)
        for rows in _pieces(len(y)):
            q, a = _influence(fit, X[rows], passes)
            residuals = np.empty(len(a[0]))
            passes.residuals(X[rows], y[rows], fit.exponents, theta, residuals)
            weights = np.ones(len(residuals)) if w is None else w[rows]
            leverage = weights * _squares(q)
            self._largest_leverage = max(self._largest_leverage, float(leverage.max()))
            errors = weights * residuals
            passes.add_squares(
                np.stack([errors / np.maximum(1 - leverage, LEVERAGE_1), errors]), a, self._sums
            )

    @classmethod
    def of(
        cls, fit: LeastSquares, shards: Sequence[Rows], workers: Workers = ALONE
    ) -> "RobustErrors":
        """Read the rows of the fit, each process its own shards; their sums are added in the order
        of the shards.
        """
        own, num_rows = [], sum(rows.num_rows for rows in shards)
        for index in workers.own_range(len(shards)):
            part = cls(fit, expected=num_rows)
            for chunk in shards[index]:
                part.add(*chunk)
            own.append([part._largest_leverage, part._sums.ravel().tolist()])
        result = cls(fit)
        for leverage, sums in workers.concatenate(own):
            result._largest_leverage = max(result._largest_leverage, leverage)
            _add_pairs(result._sums, np.reshape(sums, result._sums.shape))
        return result

    def result(self) -> tuple[str, Floats]:
        """Return "HC3" or "HC1" and the standard errors (M + 1,); NaN where there are none."""
        fit = self._fit
        kind = "HC3" if self._largest_leverage < 1 - LEVERAGE_1 else "HC1"
        if fit.df <= 0 or fit.l2:
            return kind, np.full(len(fit.kept), np.nan)
        sums = self._sums[0 if kind == "HC3" else 1].sum(axis=1)
        if kind == "HC1":
            sums *= (fit.df + fit.rank) / fit.df
        errors = np.ldexp(np.sqrt(sums), fit.exponents[-1] - fit.exponents[:-1])
        if fit.rss == 0:
            # what the residuals hold is rounding
            errors[:] = 0.0
        errors[~fit.kept] = np.nan
        return kind, errors


def leverages(fit: LeastSquares, X: Floats) -> Floats:
    """Return xᵀ·A⁻¹·x of each row (n,), for rows of the fit or new ones; x = [1 X] or [X]."""
    X, passes = _frozen(np.asfortranarray(X, np.float64)), _passes(len(X), fit)
    return np.concatenate(
        [np.empty(0), *(_squares(_influence(fit, X[rows], passes)[0]) for rows in _pieces(len(X)))]
    )


def _passes(num_rows: int, fit: LeastSquares) -> ModuleType:
    """Return the module that goes through so many rows the faster, counting its import; both give
    the same bits.
    """
    if numpy_is_faster(num_rows, len(fit.kept) + 1):
        from linreg.evaluation import robust_numpy as robust_small

        return robust_small
    from linreg.evaluation import robust_kernels

    return robust_kernels


def _frozen(array: Floats) -> Floats:
    """Return a read-only view: numba compiles one kernel for arrays that are read-only, another for
    the rest.
    """
    view = array.view()
    view.flags.writeable = False
    return view


def _pieces(num_rows: int) -> Iterator[slice]:
    """Bound the memory for q and a, which take more than the rows themselves."""
    return (slice(start, start + PIECE) for start in range(0, num_rows, PIECE))


def _influence(fit: LeastSquares, X: Floats, passes: ModuleType) -> tuple[Floats, Floats]:
    """Return q = Wᵀx and a = W·q = A⁻¹x for each row, both (M + 1, n), of columns divided by powers
    of two.
    """
    q = np.empty((len(fit.kept), len(X)))
    a = np.zeros((len(fit.kept), len(X)))
    passes.project(X, fit.exponents, fit.inverse_cholesky, fit.kept, q, a)
    return q, a


def _scaled_theta(fit: LeastSquares) -> Floats:
    """Return (b, θ) as (2, M + 1), high and low, in the units of scaled columns and target."""
    both = np.stack([np.concatenate([[fit.b], fit.theta]), fit.remainders])
    scaled: Floats = np.ldexp(both, fit.exponents[:-1] - fit.exponents[-1])
    return scaled


def _squares(q: Floats) -> Floats:
    total = np.zeros(q.shape[1])
    # infinite, for a row beyond all of the fit
    with np.errstate(over="ignore"):
        for row in q:
            total += row * row
    return total


def _add_pairs(total: Floats, added: Floats) -> None:
    """Add pairs (…, 2) of a rounded sum and what it lacks, keeping what this rounding loses (D.
    Knuth's two-sum).
    """
    s = total[..., 0] + added[..., 0]
    z = s - total[..., 0]
    total[..., 1] += (total[..., 0] - (s - z)) + (added[..., 0] - z) + added[..., 1]
    total[..., 0] = s
