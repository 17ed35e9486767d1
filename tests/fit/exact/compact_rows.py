"""Rows of compact design matrices, and fits of them and of the same rows with all their zeros."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, Indicators, Layout
from linreg.data.rows import Chunk
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.second_pass import second_moments
from linreg.fit.exact.solver import solve


@dataclass(frozen=True)
class CompactRows:
    """X (n, M), y (n,), and weights (n,) or None."""

    X: CompactMatrix
    y: Floats
    w: Floats | None = None

    @property
    def array(self) -> Floats:
        """X with all its zeros."""
        return self.X.to_array()

    @property
    def names(self) -> list[str]:
        """x1, x2, … for numbers, and g[T.0], g[T.1], …, h[T.0], … for indicators."""
        layout = self.X.layout
        names = [f"x{j + 1}" for j in range(layout.num_features)]
        for letter, category in zip("ghijk", layout.categories, strict=False):
            names[category.columns] = [f"{letter}[T.{level}]" for level in range(category.size)]
        return names

    def __getitem__(self, rows: Any) -> "CompactRows":
        return CompactRows(self.X[rows], self.y[rows], None if self.w is None else self.w[rows])

    def with_dense(self, dense: Floats) -> "CompactRows":
        """Other columns that are no indicators."""
        return CompactRows(CompactMatrix(self.X.layout, dense, self.X.codes), self.y, self.w)


def layout_of(*sizes: int) -> Layout:
    """A layout with a number for every 1, and a category for every larger size."""
    firsts = np.cumsum([0, *sizes]).tolist()
    categories = [Indicators(first, size) for first, size in zip(firsts, sizes, strict=False)]
    return Layout(firsts[-1], tuple(each for each in categories if each.size > 1))


def drawn(
    num_rows: int, *sizes: int, weighted: bool = False, full: bool = False, seed: int = 1
) -> CompactRows:
    """Rows of columns as in `layout_of`, with a target that all of them have an effect on.

    full  whether each row has a level of the first category; of others it may have none
    """
    random = np.random.default_rng(seed)
    layout = layout_of(*sizes)
    dense = np.asfortranarray(random.normal(2.0, 1.0, (num_rows, int(layout.is_dense.sum()))))
    y = 0.5 + dense @ random.normal(size=dense.shape[1]) + random.normal(size=num_rows)
    codes = []
    for k, category in enumerate(layout.categories):
        lowest = 0 if full and k == 0 else -1
        codes.append(random.integers(lowest, category.size, num_rows).astype(np.int32))
        y += random.normal(size=category.size + 1)[codes[-1]]
    w = random.uniform(0.1, 3.0, num_rows) if weighted else None
    return CompactRows(CompactMatrix(layout, dense, tuple(codes)), y, w)


def level_moments(rows: CompactRows, cuts: list[int] | None = None) -> LevelMoments:
    """The moments of rows that are added in chunks, which end at `cuts`."""
    moments = LevelMoments(rows.X.layout)
    for start, end in pairwise([0, *sorted(cuts or []), len(rows.y)]):
        chunk = rows[start:end]
        moments.add(chunk.X, chunk.y, chunk.w)
    return moments


def dense_moments(rows: CompactRows) -> Moments:
    """The moments of the same rows, of all columns."""
    moments = Moments.zero(rows.X.layout.num_features, len(rows.y))
    moments.add(rows.array, rows.y, rows.w)
    return moments


def fit(
    rows: CompactRows,
    intercept: bool = True,
    *,
    passes: Literal[1, 2] = 1,
    cuts: list[int] | None = None,
    **options: Any,
) -> LeastSquares:
    """The solution in which a category is eliminated, after one pass or, if need be, two."""
    moments = level_moments(rows, cuts)
    chunks = [
        Chunk(chunk.X, chunk.y, chunk.w)
        for start, end in pairwise([0, *(cuts or []), len(rows.y)])
        for chunk in (rows[start:end],)
    ]
    return _fit(moments, chunks, rows.names, intercept, passes, **options)


def dense_fit(
    rows: CompactRows, intercept: bool = True, *, passes: Literal[1, 2] = 1, **options: Any
) -> LeastSquares:
    """The solution with all columns."""
    chunks = [Chunk(rows.array, rows.y, rows.w)]
    return _fit(dense_moments(rows), chunks, rows.names, intercept, passes, **options)


def _fit(
    moments: AnyMoments,
    chunks: list[Chunk],
    names: list[str],
    intercept: bool,
    passes: int,
    **options: Any,
) -> LeastSquares:
    first = solve(moments, names, intercept, **options)
    if passes == 1 or not first.needs_second_pass:
        return first
    second = second_moments(first, moments, chunks)
    return solve(moments, names, intercept, second=second, **options)
