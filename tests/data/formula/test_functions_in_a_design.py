"""Functions in a formula, from the text to the columns of X."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import patsy
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from formulaic import model_matrix

from linreg.arrays import Floats
from linreg.data.formula.coercion import coerce
from linreg.data.formula.design import Design
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.row_warnings import row_warnings
from linreg.errors import UserError
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.reference import ExactReference
from linreg.process.workers import Workers

ROOT = Path(__file__).parents[3]
N = 240
RANDOM = np.random.default_rng(7)
X, Z = RANDOM.normal(size=N), RANDOM.gamma(2.0, size=N)
G = [["a", "b", "c", "d"][i % 4] for i in range(N)]
WHEN = [datetime(2021, 1, 1) + timedelta(hours=int(h)) for h in RANDOM.integers(0, 20_000, N)]
ROWS = pa.table({"x": X, "z": Z, "g": G, "t": WHEN, "y": X**2 + Z + RANDOM.normal(size=N)})
FRAME = pd.DataFrame({"x": X, "z": Z, "g": G, "t": pd.to_datetime(WHEN), "y": ROWS["y"]})
ALL = (
    "y ~ poly(x, 3) + center(z) + scale(x) + bs(z, df=5) + ns(x, df=4) + cut(z, 3)"
    " + C(g, Sum) + poly(x, 2):C(g, Helmert) + C(month(t)) + sin(2*pi*days(t)/365.25)"
)


def dense(design: Design, rows: pa.Table = ROWS) -> Floats:
    """X (n, M) of a design that keeps no category as codes."""
    X = design.matrix(rows)
    assert isinstance(X, np.ndarray)
    return X


def columns(design: Design, rows: pa.Table = ROWS) -> dict[str, Any]:
    return dict(zip(design.names, dense(design, rows).T, strict=True))


@pytest.fixture(scope="module")
def everything(learn: Callable[..., Design]) -> Design:
    return learn(ALL, ROWS)


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        ("poly(x, 3)", "poly(x, 3) - 1", ["poly(x, 3)[1]", "poly(x, 3)[2]", "poly(x, 3)[3]"]),
        ("scale(z)", "scale(z) - 1", ["scale(z)"]),
        ("center(z)", "center(z) - 1", ["center(z)"]),
        ("bs(z, df=4)", "bs(z, df=4) - 1", [f"bs(z, df=4)[{k}]" for k in (1, 2, 3, 4)]),
        ("poly(x, 2, raw=TRUE)", "x + {x**2} - 1", [f"poly(x, 2, raw=TRUE)[{k}]" for k in (1, 2)]),
        ("I(scale(x)^2)", "{scale(x) ** 2} - 1", ["I(scale(x) ** 2)"]),
        ("log1p(z)", "{np.log1p(z)} - 1", ["log1p(z)"]),
    ],
)
def test_columns_are_those_of_formulaic(
    learn: Callable[..., Design], ours: str, theirs: str, names: list[str]
) -> None:
    """Measured: 2e-15."""
    design = learn(f"y ~ {ours}", ROWS)
    assert list(design.names) == names
    expected = model_matrix(theirs, FRAME, context={"np": np})
    np.testing.assert_allclose(dense(design), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ C(g, Sum) + x",
        "y ~ C(g, Helmert)*x",
        "y ~ C(g, Poly)",
        "y ~ C(g, Diff):z + z",
        "y ~ bs(x, df=5):C(g, Sum) + C(g, Sum)",
        "y ~ bs(x, df=4)*z",
    ],
)
def test_a_fit_is_that_of_statsmodels_with_patsy(
    learn: Callable[..., Design], formula: str
) -> None:
    """Measured: 1e-12 of the coefficients; a category with all levels is coded by them here."""
    design = learn(formula, ROWS)
    moments = Moments.zero(len(design.names))
    moments.add(design.matrix(ROWS), design.target(ROWS))
    solution = ExactReference.from_moments(moments, design.names, True).solution
    theirs = smf.ols(formula, FRAME).fit()
    assert (solution.rank, solution.df) == (theirs.df_model + 1, theirs.df_resid)
    np.testing.assert_allclose(float(solution.rss or 0), theirs.ssr, rtol=1e-11)
    names = {name: k for k, name in enumerate(theirs.model.exog_names)}
    assert set(names) >= {name for name in design.names if "bs(" not in name}
    for name, value in zip(design.names, solution.theta, strict=True):
        # patsy numbers the columns of a spline from 0, formulaic from 1.
        if "bs(" not in name:
            np.testing.assert_allclose(value, theirs.params.iloc[names[name]], rtol=1e-9)


def test_with_an_intercept_the_columns_span_a_constant(learn: Callable[..., Design]) -> None:
    for ours, theirs in (
        ("bs(x, df=6, intercept=TRUE)", "bs(x, df=6, include_intercept=True)"),
        ("ns(x, df=4, intercept=TRUE)", "cr(x, knots=knots)"),
    ):
        design = learn(f"y ~ 0 + {ours}", ROWS)
        columns = dense(design)
        knots = design.learned[ours]["knots"]
        expected = np.asarray(patsy.dmatrix(f"{theirs} - 1", {"x": X, "knots": knots}))
        assert columns.shape == expected.shape
        projected = expected @ np.linalg.lstsq(expected, columns)[0]
        np.testing.assert_allclose(projected, columns, atol=1e-12)
        ones = np.linalg.lstsq(columns, np.ones(len(X)))[0]
        np.testing.assert_allclose(columns @ ones, 1, atol=1e-12)


@pytest.mark.slow
def test_what_is_learned_depends_neither_on_chunks_nor_on_processes(
    learn: Callable[..., Design], together: Callable[..., list[Any]], everything: Design
) -> None:
    in_chunks = learn(ALL, ROWS.slice(0, 7), ROWS.slice(7, 0), ROWS.slice(7))
    assert in_chunks.learned == everything.learned
    assert np.array_equal(dense(in_chunks), dense(everything))
    parts = [ROWS.slice(0, 100), ROWS.slice(100, 0), ROWS.slice(100)]

    def fit(workers: Workers) -> Any:
        return Design.fit(everything.schema, [parts[workers.rank]], workers).learned

    for found in together(3, fit):
        assert json.dumps(found) == json.dumps(everything.learned)


def test_a_model_in_json_computes_the_same_columns_of_other_rows(everything: Design) -> None:
    learned = json.loads(json.dumps(everything.learned))
    again = Design(everything.schema, everything.statistics, learned)
    few = ROWS.slice(3, 5)
    np.testing.assert_array_equal(dense(again, few), dense(everything)[3:8])


def test_the_formula_is_written_out_as_it_can_be_read(everything: Design) -> None:
    text = everything.schema.formula
    assert str(parse_formula(text, FRAME.columns.tolist(), frozenset("g"))) == text
    offset = "y ~ x + offset(log(z)) + offset(`a b`)"
    assert str(parse_formula(offset, ["y", "x", "z"])) == offset


def test_levels_of_dates_and_intervals_are_columns(learn: Callable[..., Design]) -> None:
    found = columns(learn("y ~ 0 + C(weekday(t)) + cut(x, c(-Inf, 0, 1, Inf)) + hour(t)", ROWS))
    for day in range(1, 8):
        own = found.pop(f"C(weekday(t))[{day}]")
        assert np.array_equal(own, FRAME.t.dt.day_of_week == day - 1)
    assert np.array_equal(found.pop("hour(t)"), FRAME.t.dt.hour)
    assert list(found) == [
        "cut(x, c(-Inf, 0, 1, Inf))[T.(0,1]]",
        "cut(x, c(-Inf, 0, 1, Inf))[T.(1,Inf]]",
    ]
    assert np.array_equal(found["cut(x, c(-Inf, 0, 1, Inf))[T.(1,Inf]]"], X > 1)


def test_a_category_of_dates_is_compact_where_it_is_wide(learn: Callable[..., Design]) -> None:
    rows = pa.table(
        {"t": [datetime(1800 + k % 200, 1, 1) for k in range(600)], "y": np.arange(600.0)}
    )
    design = learn("y ~ C(year(t))", rows)
    assert len(design.layout.categories) == 1
    compact = design.matrix(rows)
    assert not isinstance(compact, np.ndarray)
    assert np.array_equal(compact.to_array().argmax(axis=1)[1:200], np.arange(199))


def test_a_mean_fills_what_a_function_is_computed_of(learn: Callable[..., Design]) -> None:
    design = learn("y ~ scale(x) + bs(z, df=4)", ROWS, fill_missing=True)
    missing = pa.table({"x": pa.array([None], pa.float64()), "z": pa.array([None], pa.float64())})
    means = pa.table({"x": [design.statistics["x"].mean], "z": [design.statistics["z"].mean]})
    np.testing.assert_array_equal(dense(design, missing), dense(design, means))


def test_a_name_of_rs_that_is_a_column_is_the_column(learn: Callable[..., Design]) -> None:
    rows = pa.table({"pi": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]})
    assert dense(learn("y ~ I(2 * pi)", rows), rows).ravel().tolist() == [2.0, 4.0, 8.0]
    without = rows.rename_columns(["x", "y"])
    assert dense(learn("y ~ I(pi * x)", without), without)[0, 0] == np.pi


def test_what_no_training_row_has_is_named(learn: Callable[..., Design]) -> None:
    design = learn("y ~ cut(x, 4) + C(month(t)) + days(t) + sin(days(t))", ROWS)
    new = pd.DataFrame({"x": [99.0, 0.0, 0.0], "t": ["2021-05-05", "nonsense", "2050-02-03"]})
    features = coerce(new, design.schema, "new", text=True)
    _, errors = design.matrix_and_errors(features)
    assert {reason: rows.tolist() for reason, rows in errors.reasons.items()} == {
        "unseen level: cut(x, 4)": [True, False, False],
        "not a time: t": [False, True, False],
    }
    assert list(row_warnings(design, features)) == [
        "outside the training range: x",
        "outside the training range: t",
    ]
    based = learn("y ~ cut(x, 4) + C(month(t), 3)", ROWS.filter(pa.array(X < 1)), unseen="base")
    features = coerce(ROWS.slice(int(X.argmax()), 1), based.schema, "new")
    assert "unseen level, taken as the reference level: cut(x, 4)" in row_warnings(based, features)
    with pytest.raises(UserError, match=r"the reference level of C\(month\(t\), 13\) is not in"):
        learn("y ~ C(month(t), 13)", ROWS).names  # noqa: B018 - a property


def test_patsy_spells_its_own_functions_otherwise() -> None:
    """What the documentation says: patsy's scale divides by n, R's and ours by n − 1."""
    theirs = np.asarray(patsy.dmatrix("scale(x) - 1", {"x": X}))
    assert np.isclose(theirs.std(), 1.0)
    assert np.isclose(np.asarray(model_matrix("scale(x) - 1", FRAME)).std(ddof=1), 1.0)


PROGRAM = """
import hashlib, json
from tests.data.formula.test_functions_in_a_design import ALL, ROWS
from linreg.data.formula.design import Design
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.schema import Column, Schema, kind_of

parsed = parse_formula(ALL, ROWS.schema.names, frozenset("g"))
types = {name: ROWS.schema.field(name).type for name in parsed.columns}
columns = {name: Column(str(type_), kind_of(type_)) for name, type_ in types.items()}
schema = Schema(formula=ALL, columns=columns, fill_missing=False, **design_spec(parsed))
design = Design.fit(schema, [ROWS])
found = json.dumps(design.learned).encode() + design.matrix(ROWS).tobytes()
print(hashlib.sha256(found).hexdigest())
"""


@pytest.mark.slow
def test_learned_numbers_and_columns_have_the_same_bits_on_every_cpu() -> None:
    def digest(disabled: str) -> str:
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled}
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    newest = digest("")
    assert digest("X86_V4 AVX512_ICL AVX512_SPR") == newest
    assert digest("X86_V4 X86_V3 AVX512_ICL AVX512_SPR") == newest
