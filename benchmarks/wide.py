"""Many levels and many columns: the exact fit with its standard errors, compared with peers.

levels      y ~ x + C(g), HC1 for all: pyfixest (which absorbs g), glum (which keeps g as codes),
            scikit-learn on a sparse one-hot matrix (which has no standard errors)
two factors  y ~ x + C(g) + C(h) of 300 levels each
wide        998 numeric columns: scikit-learn's LinearRegression, which has no standard errors
"""

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from benchmarks import exact
from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes, CompactMatrix, Indicators, Layout
from linreg.evaluation.covariance.level_robust import LevelRobustStandardErrors
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.solver import solve

MOST_LEVELS_OF_GLUM = 2000


class Table(NamedTuple):
    """One number and categories: x (n,), the codes of each category, y (n,)."""

    x: Floats
    codes: tuple[Codes, ...]
    sizes: tuple[int, ...]
    y: Floats


def compare(turns: int, *, quick: bool) -> Iterator[Ratio]:
    """Compare with those peers that are installed."""
    sizes: tuple[tuple[int, ...], ...] = ((1000,), (20_000,), (300, 300))
    for of_categories in sizes:
        table = _draw(20_000 if quick else 100_000, of_categories)
        name = "levels" if len(of_categories) == 1 else "two factors"
        for peer, run in _peers(table).items():
            with threadpool_limits(1):
                times = in_turns(
                    lambda: seconds(lambda: _fit(table)),  # noqa: B023
                    lambda: seconds(run),  # noqa: B023
                    turns,
                )
            yield ratio_of(name, 1 + sum(of_categories), peer, times, len(table.y))
    X, y = exact.rows(198 if quick else 998, 14_000)
    with threadpool_limits(1):
        times = in_turns(
            lambda: seconds(lambda: exact.fit(X, y)),
            lambda: seconds(lambda: LinearRegression().fit(X, y)),
            turns,
        )
    note = "theirs has half of the digits"
    yield ratio_of("wide", X.shape[1], "sklearn", times, len(y), note=note)


def _draw(num_rows: int, sizes: tuple[int, ...]) -> Table:
    random = np.random.default_rng(1)
    x = random.standard_normal(num_rows)
    y = x + random.standard_normal(num_rows)
    codes = []
    for size in sizes:
        # Every level occurs, so that no row has a leverage of 1.
        of_rows = random.permutation(np.arange(num_rows) % size).astype(np.int32)
        y += random.standard_normal(size)[of_rows]
        codes.append(of_rows)
    return Table(x, tuple(codes), sizes, y)


def _fit(table: Table) -> Floats:
    """Return robust standard errors, after one pass for the fit and one for them."""
    firsts = np.cumsum([1, *(size - 1 for size in table.sizes)]).tolist()
    categories = [
        Indicators(first, size - 1) for first, size in zip(firsts, table.sizes, strict=False)
    ]
    layout = Layout(firsts[-1], tuple(categories))
    # The first level of each category has no column.
    codes = tuple(of_category - np.int32(1) for of_category in table.codes)
    X = CompactMatrix(layout, table.x[:, None], codes)
    moments = LevelMoments(layout)
    moments.add(X, table.y)
    solution = solve(moments, [str(j) for j in range(layout.num_features)], intercept=True)
    robust = LevelRobustStandardErrors(solution, layout)
    robust.add(X, table.y)
    return robust.standard_errors()[1]


def _peers(table: Table) -> dict[str, Callable[[], object]]:
    frame = pd.DataFrame({"y": table.y, "x": table.x})
    names = [f"g{k}" for k in range(len(table.sizes))]
    for name, codes in zip(names, table.codes, strict=True):
        frame[name] = pd.Categorical(codes)
    peers: dict[str, Callable[[], object]] = {"sklearn, sparse": lambda: _one_hot(table)}
    if importlib.util.find_spec("pyfixest"):
        pyfixest: Any = importlib.import_module("pyfixest")
        formula = f"y ~ x | {' + '.join(names)}"
        peers["pyfixest"] = lambda: pyfixest.feols(formula, frame, vcov="HC1")
    # It keeps a dense matrix of all levels.
    if importlib.util.find_spec("glum") and sum(table.sizes) <= MOST_LEVELS_OF_GLUM:
        glum: Any = importlib.import_module("glum")
        features = frame.drop(columns="y")
        peers["glum"] = lambda: glum.GeneralizedLinearRegressor(
            family="normal", alpha=0, drop_first=True
        ).fit(features, table.y)
    return peers


def _one_hot(table: Table) -> object:
    rows = np.arange(len(table.y))
    ones = np.ones(len(rows))
    blocks = [sparse.csr_matrix(table.x[:, None])]
    for codes, size in zip(table.codes, table.sizes, strict=True):
        blocks.append(sparse.csr_matrix((ones, (rows, codes)), (len(rows), size))[:, 1:])
    return LinearRegression().fit(sparse.hstack(blocks, "csr"), table.y)
