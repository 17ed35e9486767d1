"""Correlations from moments are those that numpy computes from the rows."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.evaluation.correlations import MAX_COLUMNS, Correlations, correlations_of
from linreg.fit.exact.moment_sums.any_moments import no_moments

Learn = Callable[..., Design]


def correlations(design: Design, table: pa.Table, w: Floats | None = None) -> Correlations:
    moments = no_moments(design.layout, len(table))
    moments.add(design.matrix(table), design.target(table), w)
    return correlations_of(design, moments, "y")


def columns(n: int = 300, num_features: int = 4, seed: int = 1) -> dict[str, Floats]:
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, num_features)) @ random.standard_normal((num_features,) * 2)
    y = X.sum(axis=1) + random.standard_normal(n)
    return {"y": 1e6 + y, **{f"x{j}": 1e3 * j + X[:, j] for j in range(num_features)}}


def test_they_are_numpys_far_from_0_too(learn: Learn) -> None:
    data = columns()
    design = learn("y ~ x0 + x1 + x2 + x3", pa.table(data))
    found = correlations(design, pa.table(data))
    assert found.names == ("x0", "x1", "x2", "x3", "y")
    expected = np.corrcoef([data[name] for name in found.names])
    np.testing.assert_allclose(found.matrix, expected, rtol=0, atol=1e-9)


def test_weights_count_as_repeated_rows(learn: Learn) -> None:
    data = columns(50)
    design = learn("y ~ x0 + x1", pa.table(data), weights="w")
    w = np.arange(50.0) % 4
    found = correlations(design, pa.table(data), w)
    repeated = [np.repeat(data[name], w.astype(int)) for name in found.names]
    np.testing.assert_allclose(found.matrix, np.corrcoef(repeated), rtol=0, atol=1e-9)


def test_of_many_columns_those_with_the_largest_correlations_with_y_are_kept(learn: Learn) -> None:
    data = columns(num_features=30)
    names = [name for name in data if name != "y"]
    design = learn(f"y ~ {' + '.join(names)}", pa.table(data))
    found = correlations(design, pa.table(data))
    with_y = {name: abs(np.corrcoef(data[name], data["y"])[0, 1]) for name in names}
    largest = sorted(names, key=lambda name: -with_y[name])[:MAX_COLUMNS]
    assert found.names == (*[name for name in names if name in largest], "y")
    assert found.left_out == 30 - MAX_COLUMNS


def test_levels_are_left_out_except_for_the_only_one_of_a_category(learn: Learn) -> None:
    data = columns(60, 1)
    table = pa.table({**data, "two": ["a", "b", "b"] * 20, "three": ["a", "b", "c"] * 20})
    design = learn("y ~ x0 + two + three", table)
    found = correlations(design, table)
    assert found.names == ("x0", "two[T.b]", "y")
    indicator = (np.arange(60) % 3 > 0).astype(float)
    assert found.matrix[1, 2] == pytest.approx(np.corrcoef(indicator, data["y"])[0, 1], abs=1e-9)


def test_a_wide_category_is_eliminated_and_the_others_are_right(learn: Learn) -> None:
    data = columns(1000, 2)
    table = pa.table({**data, "g": [f"v{i % 200:03}" for i in range(1000)]})
    design = learn("y ~ g + x0 + x1", table)
    assert design.layout.categories
    found = correlations(design, table)
    expected = np.corrcoef([data[name] for name in found.names])
    np.testing.assert_allclose(found.matrix, expected, rtol=0, atol=1e-9)


def test_a_constant_column_has_none(learn: Learn) -> None:
    table = pa.table({**columns(20, 1), "one": [1e15 + 0.1] * 20})
    found = correlations(learn("y ~ x0 + one", table), table)
    at = found.names.index("one")
    assert np.isnan(np.delete(found.matrix[at], at)).all()
