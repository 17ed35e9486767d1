"""Factors behind `|`: the fit is that of all their indicators, of which none is reported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from linreg.data.formula import compact_matrix
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.evaluation.coefficient_covariance import CoefficientCovariance
from linreg.evaluation.covariance.level_robust import robust_standard_errors
from linreg.evaluation.inference import Inference, infer
from linreg.fit.exact.reference import ExactReference
from linreg.process.workers import ALONE, Workers
from tests.fit.exact.absorbed import Learn, panel, reference, shards_of

DUMMIES = {
    "y ~ x1 + x2 | firm": "y ~ x1 + x2 + C(firm)",
    "y ~ x1 + x2 + zone | firm + year": "y ~ x1 + x2 + zone + C(firm) + C(year)",
    "y ~ x1 + x1:zone | year + firm + plant": "y ~ x1 + x1:zone + C(firm) + C(year) + C(plant)",
}


@pytest.fixture(params=[False, True], ids=["one eliminated", "two eliminated"])
def is_joint(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether two factors are eliminated together, as those with very many levels are."""
    if request.param:
        monkeypatch.setattr(compact_matrix, "MOST_PRODUCTS", 0)
    return bool(request.param)


def table_of(found: ExactReference, robust: CoefficientCovariance | None = None) -> Inference:
    return infer(found.solution, 0.95, robust)


def estimates(found: Inference) -> dict[str, tuple[float, float | None]]:
    """Estimate and standard error by name."""
    return {row.name: (row.estimate, row.classical.standard_error) for row in found.coefficients}


@pytest.mark.parametrize(("firms", "weights"), [(10, None), (300, None), (300, "w")])
def test_one_factor_gives_every_digit_of_ordinary_columns(
    tmp_path: Path, learn: Learn, firms: int, weights: str | None
) -> None:
    frame = panel(900, firms)
    num_levels = frame["firm"].nunique()
    absorbed, ordinary = (
        table_of(reference(shards_of(tmp_path, learn, formula, frame, weights=weights)))
        for formula in ("y ~ x1 + x2 | firm", "y ~ x1 + x2 + C(firm)")
    )
    assert list(estimates(absorbed)) == ["x1", "x2"]
    for name, pair in estimates(absorbed).items():
        assert pair == estimates(ordinary)[name]
    assert (absorbed.df, absorbed.sigma, absorbed.r2) == (ordinary.df, ordinary.sigma, ordinary.r2)
    assert absorbed.adjusted_r2 == ordinary.adjusted_r2
    assert absorbed.absorbed == {"firm": {"levels": num_levels, "df": num_levels}}


@pytest.mark.parametrize(("formula", "weights"), list(zip(DUMMIES, [None, "w", None], strict=True)))
def test_the_fit_is_that_of_statsmodels_with_all_indicators(
    tmp_path: Path, learn: Learn, is_joint: bool, formula: str, weights: str | None
) -> None:
    """Measured: 2e-13 for coefficients, 4e-14 for errors, 1e-13 for robust ones."""
    frame = panel()
    shards = shards_of(tmp_path, learn, formula, frame, weights=weights)
    found = reference(shards)
    table = table_of(found, robust_standard_errors(found.solution, shards).covariance())
    w = np.ones(len(frame)) if weights is None else frame["w"]
    theirs = smf.wls(DUMMIES[formula], frame, weights=w).fit()
    # No leverage is known of two factors.
    has_several = "+" in formula.partition("|")[2]
    kind = "HC1" if is_joint and has_several else "HC3"
    robust = theirs.get_robustcov_results(kind, use_t=True)
    names = [name for name in theirs.params.index if not name.startswith(("C(", "Intercept"))]
    assert sorted(row.name for row in table.coefficients) == sorted(names)
    place = [theirs.params.index.get_loc(row.name) for row in table.coefficients]
    for row, j in zip(table.coefficients, place, strict=True):
        assert row.estimate == pytest.approx(theirs.params.iloc[j], rel=1e-10)
        assert row.classical.standard_error == pytest.approx(theirs.bse.iloc[j], rel=1e-11)
        assert row.classical.p == pytest.approx(theirs.pvalues.iloc[j], rel=1e-8)
        assert row.robust is not None
        assert row.robust.standard_error == pytest.approx(robust.bse[j], rel=1e-10)
    assert table.robust_kind == kind
    assert table.df == theirs.df_resid
    assert table.r2 == pytest.approx(theirs.rsquared, rel=1e-12)
    assert table.adjusted_r2 == pytest.approx(theirs.rsquared_adj, rel=1e-12)
    constraints = np.eye(len(theirs.params))[place]
    joint = theirs.f_test(constraints)
    assert table.f_df == len(place)
    assert table.f == pytest.approx(float(joint.fvalue), rel=1e-9)
    _, _, factors = DUMMIES[formula].partition("C(")
    alone = smf.wls(f"y ~ C({factors}", frame, weights=w).fit()
    assert table.r2_within == pytest.approx(1 - theirs.ssr / alone.ssr, rel=1e-11)


PLM = {
    "invest ~ value + capital | firm": [
        (0.110124, 0.011857, 0.310065, 0.017355),
        (0.76676, 309.014, 188, {"firm": {"levels": 10, "df": 10}}),
    ],
    "invest ~ value + capital | firm + year": [
        (0.117716, 0.013751, 0.357916, 0.022719),
        (
            0.7201,
            217.442,
            169,
            {"firm": {"levels": 10, "df": 10}, "year": {"levels": 20, "df": 19}},
        ),
    ],
}


@pytest.mark.usefixtures("is_joint")
@pytest.mark.parametrize("formula", PLM)
def test_grunfeld_is_that_of_the_within_model_of_plm(
    tmp_path: Path, learn: Learn, formula: str
) -> None:
    """R's plm(inv ~ value + capital, effect = "individual" and "twoways").

    Source: Y. Croissant and G. Millo, Panel Data Econometrics in R: The plm Package, J. Stat.
    Software 27(2), 2008, and the vignette of plm.
    """
    frame = sm.datasets.grunfeld.load_pandas().data
    frame = frame[frame["firm"] != "American Steel"].astype({"firm": "object", "year": "int64"})
    table = table_of(reference(shards_of(tmp_path, learn, formula, frame)))
    coefficients, (r2, f, df, absorbed) = PLM[formula]
    found = [round(number or 0, 6) for pair in estimates(table).values() for number in pair]
    assert tuple(found) == coefficients
    assert table.r2_within == pytest.approx(r2, abs=5e-5)
    assert table.f == pytest.approx(f, abs=5e-4)
    assert (table.df, table.absorbed) == (df, absorbed)


@pytest.mark.usefixtures("is_joint")
@pytest.mark.parametrize("factors", ["year + firm", "firm + year + plant"])
def test_degrees_of_freedom_are_the_rank_of_the_indicators(
    tmp_path: Path, learn: Learn, factors: str
) -> None:
    """Firms and years that fall into three groups without a link, and plants within firms."""
    frame = panel(500, 30, 12)
    group = frame["firm"].str[1:].astype(int) % 3
    frame["year"] = 1990 + 3 * (frame["year"] % 4) + group
    frame["plant"] = frame["firm"].str[1:].astype(int) // 2
    table = table_of(reference(shards_of(tmp_path, learn, f"y ~ x1 | {factors}", frame)))
    names = factors.split(" + ")
    indicators = np.column_stack(
        [pd.get_dummies(frame[name].astype(str)).to_numpy(float) for name in names]
    )
    rank = int(np.linalg.matrix_rank(indicators))
    if len(names) == 2:
        assert rank == 30 + 12 - 3
    assert sum(each["df"] for each in table.absorbed.values()) == rank
    assert table.df == 500 - rank - 1
    # By the pseudoinverse, as there are more columns than the rank.
    X = np.column_stack([frame["x1"], indicators])
    inverse = np.linalg.pinv(X)
    theirs = inverse @ frame["y"].to_numpy()
    rss = float(np.square(frame["y"] - X @ theirs).sum())
    error = np.sqrt(rss / table.df * np.square(inverse[0]).sum())
    (row,) = table.coefficients
    assert row.estimate == pytest.approx(theirs[0], rel=1e-10)
    assert row.classical.standard_error == pytest.approx(error, rel=1e-10)


def test_clustered_errors_count_parameters_as_fixest_does(tmp_path: Path, learn: Learn) -> None:
    """pyfixest 0.60 counts 3 for firms nested in the clusters, and 11 for years that are not."""
    nested = {"firm"}
    for factors, counted in {
        "firm": 2 + 1,
        "year": 2 + 9,
        "firm + year + plant": 2 + 9 + 5,
    }.items():
        found = reference(shards_of(tmp_path, learn, f"y ~ x1 + x2 | {factors}", panel()))
        levels = {factor.name: factor.num_levels for factor in found.solution.absorbed}
        assert found.solution.num_parameters(nested, levels) == counted


@pytest.mark.usefixtures("is_joint")
@pytest.mark.parametrize(
    ("factors", "of", "text"),
    [
        ("firm", "firm", "a number for each level of firm"),
        ("year + firm", "year", "a number for each level of year"),
    ],
)
def test_a_regressor_that_the_factors_explain_is_collinear(
    tmp_path: Path, learn: Learn, factors: str, of: str, text: str
) -> None:
    frame = panel()
    frame["x2"] = np.sqrt(frame[of].astype("category").cat.codes + 2.0)
    shards = shards_of(tmp_path, learn, f"y ~ x1 + x2 | {factors}", frame)
    with pytest.raises(UserError, match="column x2: is collinear") as error:
        reference(shards)
    assert text in str(error.value)
    dropped = table_of(reference(shards, collinear="drop"))
    assert list(dropped.dropped) == ["x2"]
    without = table_of(reference(shards_of(tmp_path, learn, f"y ~ x1 | {factors}", frame)))
    assert estimates(dropped)["x1"] == pytest.approx(estimates(without)["x1"], rel=1e-14)
    assert dropped.df == without.df


def test_a_category_within_an_absorbed_factor_loses_its_own_columns(
    tmp_path: Path, learn: Learn
) -> None:
    """However many levels it has: it is not the absorbed factor that gives way."""
    frame = panel(900, 150, 4)
    frame["year"] = 1990 + frame["firm"].str[1:].astype(int) % 4
    table = table_of(
        reference(shards_of(tmp_path, learn, "y ~ x1 + firm | year", frame), collinear="drop")
    )
    assert table.absorbed == {"year": {"levels": 4, "df": 4}}
    # A reference level for each year, of which the first is that of treatment coding.
    assert len(table.coefficients) == 1 + 150 - 4
    assert len(table.dropped) == 3


def test_a_level_of_one_row_changes_nothing_but_the_counts(tmp_path: Path, learn: Learn) -> None:
    frame = panel()
    alone = pd.concat([frame, frame.head(1).assign(firm="f999", y=1e3)], ignore_index=True)
    found, with_single = (
        table_of(reference(shards_of(tmp_path, learn, "y ~ x1 + x2 | firm", each)))
        for each in (frame, alone)
    )
    for name, pair in estimates(found).items():
        assert estimates(with_single)[name] == pytest.approx(pair, rel=1e-13)
    assert (with_single.df, with_single.num_rows) == (found.df, found.num_rows + 1)


@pytest.mark.usefixtures("is_joint")
@pytest.mark.parametrize("case", ["alone", "no df", "perfect", "constant within"])
def test_degenerate_fits_have_numbers_or_none(tmp_path: Path, learn: Learn, case: str) -> None:
    frame, formula = panel(120, 10), "y ~ x1 | firm + year"
    of_firm = frame["firm"].str[1:].astype(float)
    match case:
        case "alone":
            formula = "y ~ 1 | firm + year"
        case "no df":
            frame["firm"] = [f"f{i}" for i in range(120)]
        case "perfect":
            frame["x1"] = np.round(frame["x1"] * 64)
            frame["y"] = 2 * frame["x1"] + of_firm - frame["year"]
        case "constant within":
            frame["y"] = of_firm
    collinear = "drop" if case == "no df" else "error"
    table = table_of(reference(shards_of(tmp_path, learn, formula, frame), collinear=collinear))
    if case == "alone":
        assert (table.coefficients, table.r2_within, table.f) == ((), 0.0, None)
    elif case == "no df":
        assert (table.df, table.no_errors) == (0, "no degrees of freedom")
    elif case == "perfect":
        assert table.r2_within == 1.0
        estimate, standard_error = estimates(table)["x1"]
        assert estimate == pytest.approx(2.0, rel=1e-15)
        assert standard_error == 0.0
    else:
        assert table.r2_within is None
        assert estimates(table)["x1"][0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.usefixtures("is_joint")
@pytest.mark.parametrize("num_shards", [1, 3])
def test_neither_workers_nor_chunks_change_a_bit(
    tmp_path: Path, learn: Learn, together: Callable[..., list[Any]], num_shards: int
) -> None:
    whole, cut = (
        shards_of(
            tmp_path, learn, "y ~ x1 + x2 | firm + year", panel(), num_shards, length, weights="w"
        )
        for length in (131_072, 70)
    )

    def work(shards: list[Rows], workers: Workers = ALONE) -> list[bytes]:
        found = reference(shards, workers)
        robust = robust_standard_errors(found.solution, shards, workers)
        solution = found.solution
        numbers = [solution.theta, solution.standard_errors, robust.standard_errors()[1]]
        return [*(each.tobytes() for each in numbers), str(solution.tss_within).encode()]

    expected = work(whole)
    assert work(cut) == expected
    assert together(num_shards, lambda workers: work(cut, workers)) == [expected] * num_shards


@pytest.mark.usefixtures("is_joint")
def test_a_reference_is_read_back_bit_for_bit(tmp_path: Path, learn: Learn) -> None:
    found = reference(shards_of(tmp_path, learn, "y ~ x1 + x2 | firm + year", panel()))
    found.write(tmp_path, "error")
    again = ExactReference.read(tmp_path)
    assert table_of(again) == table_of(found)
    np.testing.assert_array_equal(again.solution.theta, found.solution.theta)


@pytest.mark.usefixtures("is_joint")
def test_columns_far_from_0_are_read_a_second_time(tmp_path: Path, learn: Learn) -> None:
    """x2 is a number for each firm and year but for 1e-12 of itself."""
    frame = panel()
    firm = frame["firm"].str[1:].astype(float)
    noise = np.random.default_rng(2).normal(size=len(frame))
    frame["x2"] = np.sqrt(2 + firm) + np.sqrt(frame["year"]) + 1e-12 * noise
    shards = shards_of(tmp_path, learn, "y ~ x1 + x2 | firm + year", frame)
    found = reference(shards)
    assert found.second is not None
    ordinary = reference(shards_of(tmp_path, learn, "y ~ x1 + x2 + C(firm) + C(year)", frame))
    for name, pair in estimates(table_of(found)).items():
        assert pair == pytest.approx(estimates(table_of(ordinary))[name], rel=1e-6)
    assert table_of(found).df == table_of(ordinary).df
