"""Models compared by F tests, and refused where that would mean nothing."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import anova_lm

from linreg.errors import UserError
from linreg.evaluation.selection.nested_models import (
    FittedModel,
    compare_nested,
    require_classical_weights,
    require_estimates_of_noise,
)
from tests.evaluation.selection.fits import Learn, drawn, fit

FORMULAS = ["y ~ x", "y ~ x + a", "y ~ x*a + z"]


def test_nested_models_are_compared_as_by_statsmodels(learn: Learn) -> None:
    """In the order of their sizes, whatever that of the arguments."""
    columns, w = drawn()
    named = [fit(learn, text, pa.table(columns), w).named(text) for text in FORMULAS]
    found = compare_nested([named[1], named[2], named[0]])
    frame = pd.DataFrame(columns)
    theirs = anova_lm(*(smf.wls(text, frame, weights=w).fit() for text in FORMULAS))
    assert [each.name for each in found] == FORMULAS
    keys = {"df": "df_resid", "rss": "ssr", "added": "df_diff"}
    keys |= {"sum_of_squares": "ss_diff", "f": "F"}
    for key, column in keys.items():
        first = 0 if key in ("df", "rss") else 1
        ours: list[Any] = [getattr(each, key) for each in found]
        assert ours[:first] == [None] * first
        # Measured: 3e-13.
        np.testing.assert_allclose(ours[first:], theirs[column][first:], rtol=1e-11)
    # The degrees of freedom of σ² are those of the largest model, as in R; statsmodels takes those
    # of each row, and has the same p in the last one.
    p = stats.f.sf(theirs["F"][1:], theirs["df_diff"][1:], theirs["df_resid"].min())
    ours_p = np.array([each.p for each in found[1:]], np.float64)
    np.testing.assert_allclose(ours_p, p, rtol=1e-10)
    assert p[-1] == pytest.approx(theirs["Pr(>F)"].iloc[-1], rel=1e-12)


def test_a_category_spans_the_constant_of_a_smaller_model(learn: Learn) -> None:
    columns, _ = drawn()
    small, large = (
        fit(learn, text, pa.table(columns)).named(text) for text in ("y ~ x", "y ~ 0 + a + x")
    )
    equal = fit(learn, "y ~ a + x", pa.table(columns)).named("same")
    first, second = compare_nested([small, large]), compare_nested([small, equal])
    assert first[1].f == pytest.approx(second[1].f, rel=1e-12)


def test_a_power_is_the_same_column_without_the_column_that_it_is_of(learn: Learn) -> None:
    """In the larger model its sums are those of the exact power, in the smaller one rounded."""
    columns, _ = drawn()
    small, large = (
        fit(learn, text, pa.table(columns)).named(text)
        for text in ("y ~ I(x**2) + I(x**10)", "y ~ x + I(x**2) + I(x**10)")
    )
    assert not small.solution.monomials
    assert len(large.solution.monomials) == 2
    [_, found] = compare_nested([small, large])
    frame = pd.DataFrame(columns)
    theirs = anova_lm(*(smf.ols(text, frame).fit() for text in (small.name, large.name)))
    assert found.f == pytest.approx(theirs["F"].iloc[1], rel=1e-6)
    other = fit(learn, "y ~ x + I(x**2) + I(x**10)", pa.table(columns | {"x": columns["x"] + 1e-9}))
    with pytest.raises(UserError, match="is not the same column in both"):
        compare_nested([small, other.named("other")])


def test_an_eliminated_category_is_nested_in_a_model_with_more_columns(learn: Learn) -> None:
    columns, _ = drawn(600)
    columns["g"] = [f"g{i % 140:03}" for i in range(600)]
    small, large = (
        fit(learn, text, pa.table(columns)).named(text) for text in ("y ~ g", "y ~ g + x + z")
    )
    assert large.solution.levels is not None
    found = compare_nested([small, large])
    frame = pd.DataFrame(columns)
    theirs = anova_lm(*(smf.ols(each.formula, frame).fit() for each in (small, large)))
    assert found[1].f == pytest.approx(theirs["F"].iloc[1], rel=1e-11)


@pytest.fixture(scope="module")
def models(learn: Learn) -> dict[str, FittedModel]:
    columns, w = drawn()
    table = pa.table(columns)
    n = (np.arange(200) % 3 + 1).astype(np.float64)
    other: dict[str, Any] = {**columns, "x": columns["x"] * (1 + 1e-14)}
    fits = {
        "x": fit(learn, "y ~ x", table),
        "x and z": fit(learn, "y ~ x + z", table),
        "x and a": fit(learn, "y ~ x + a", table),
        "fewer rows": fit(learn, "y ~ x + a", table[1:]),
        "other weights": fit(learn, "y ~ x + a", table, w),
        "another target": fit(learn, "log(x) ~ z + a", table),
        "another x": fit(learn, "y ~ x + z", pa.table(other)),
        "frequencies": fit(learn, "y ~ x + a", table, n, frequencies=True),
        "as weights": fit(learn, "y ~ x", table, n),
        "offset": fit(learn, "y ~ x + a + offset(z)", table),
        "raw": fit(learn, "y ~ poly(x, 2, raw=TRUE) + a", table),
        "polynomial": fit(learn, "y ~ poly(x, 2) + a + z", table),
        "ridge": fit(learn, "y ~ x + a", table, l2=0.1),
    }
    return {name: each.named(name) for name, each in fits.items()}


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("x", "fewer rows", "were fitted to different training rows.*200 rows and 199 rows"),
        ("x", "other weights", "were fitted to different training rows, or with other weights"),
        ("x", "another target", "predict different targets; found y and log"),
        ("as weights", "frequencies", "or with other weights.*200 rows and 399 rows"),
        ("x", "offset", r"have different offsets.*; found none and offset.z."),
        ("raw", "polynomial", r"are not nested column by column.*found poly\(x, 2, raw=TRUE"),
        (
            "x and z",
            "x and a",
            "are not nested column by column: the larger model lacks columns.*found z",
        ),
        ("x", "another x", "column x: is not the same column in both"),
        ("x", "x", "have the same coefficients"),
    ],
)
def test_other_models_are_refused(
    models: dict[str, FittedModel], first: str, second: str, message: str
) -> None:
    with pytest.raises(UserError, match=message.replace("with other", "with different")):
        compare_nested([models[first], models[second]])


def test_a_ridge_fit_has_no_tests(models: dict[str, FittedModel]) -> None:
    with pytest.raises(UserError, match="is a penalized fit, whose terms have no F tests"):
        require_estimates_of_noise(models["ridge"].solution, "models/model")
    require_estimates_of_noise(models["x"].solution, "models/model")


@pytest.mark.parametrize("of_z", [", raw=TRUE", ""])
def test_polynomials_are_nested_in_those_of_a_higher_degree(learn: Learn, of_z: str) -> None:
    """Whose first columns are theirs."""
    columns, _ = drawn()
    table = pa.table(columns)
    formulas = [f"y ~ a + poly(log(x), {d}) + poly(z, {d + 1}{of_z})" for d in (1, 3)]
    found = compare_nested([fit(learn, text, table).named(text) for text in formulas])
    frame = pd.DataFrame(columns).assign(u=lambda each: np.log(each.x) - np.log(each.x).mean())
    of_u = [[f"I(u**{k})" for k in range(1, d + 1)] for d in (1, 3)]
    powers = [[*each, *(text.replace("u", "z") for text in each)] for each in of_u]
    powers = [[*each, f"I(z**{d + 1})"] for each, d in zip(powers, (1, 3), strict=True)]
    theirs = anova_lm(*(smf.ols(f"y ~ a + {' + '.join(each)}", frame).fit() for each in powers))
    assert found[1].added == 4
    assert found[1].f == pytest.approx(theirs["F"].iloc[1], rel=1e-9)


def test_frequencies_count_as_rows(learn: Learn) -> None:
    columns, _ = drawn()
    n = np.arange(200) % 3 + 1
    formulas = ["y ~ x", "y ~ x + a"]
    models = [
        fit(learn, text, pa.table(columns), n.astype(float), frequencies=True).named(text)
        for text in formulas
    ]
    found = compare_nested(models)[1]
    frame = pd.DataFrame(columns)
    frame = frame.loc[frame.index.repeat(n)]
    theirs = anova_lm(*(smf.ols(text, frame).fit() for text in formulas)).iloc[1]
    assert (found.df, found.added) == (theirs["df_resid"], theirs["df_diff"])
    assert found.f == pytest.approx(theirs["F"], rel=1e-11)
    assert found.p == pytest.approx(theirs["Pr(>F)"], rel=1e-9)


def test_models_with_the_same_offset_are_compared(learn: Learn) -> None:
    columns, _ = drawn()
    models = [
        fit(learn, f"{text} + offset(z)", pa.table(columns)).named(text)
        for text in ("y ~ x", "y ~ x + a")
    ]
    frame = pd.DataFrame(columns).assign(y=lambda each: each.y - each.z)
    theirs = anova_lm(*(smf.ols(each.name, frame).fit() for each in models))
    assert compare_nested(models)[1].f == pytest.approx(theirs["F"].iloc[1], rel=1e-11)


def test_sampling_weights_have_no_classical_tests() -> None:
    with pytest.raises(UserError, match=r"m: has sampling weights.*; take `linreg anova --robust`"):
        require_classical_weights("sampling", "m")
    require_classical_weights("frequency", "m")


def test_the_same_rows_in_another_order_are_the_same_rows(learn: Learn) -> None:
    columns, _ = drawn()
    table = pa.table(columns)
    small = fit(learn, "y ~ x", table).named("small")
    large = fit(learn, "y ~ x + z", table.take(list(reversed(range(200))))).named("large")
    assert compare_nested([small, large])[1].added == 1
