"""Clustered and HAC standard errors against statsmodels, exact arithmetic, and themselves."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from linreg.errors import UserError
from linreg.evaluation.coefficient_covariance import CoefficientCovariance
from linreg.evaluation.covariance.coefficients import robust_covariance
from linreg.evaluation.distributions import t_p_value
from linreg.fit.exact.least_squares import LeastSquares
from linreg.params.evaluate import Evaluate
from linreg.process.workers import Workers
from tests.evaluation.covariance.panel import (
    Learn,
    covariance_of,
    fit_of,
    panel,
    shards_of,
    table_of,
)
from tests.fit.exact.fits import exact_minimum
from tests.fit.level_shards import compact_and_dense
from tests.fit.level_shards import drawn as drawn_with_levels

FEATURES = ["x1", "x2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards")


def codes(values: Any) -> np.ndarray:
    return pd.Series(values).astype("category").cat.codes.to_numpy()


def theirs(
    rows: pd.DataFrame, kind: dict[str, Any], w: str | None = None, intercept: bool = True
) -> Any:
    X = sm.add_constant(rows[FEATURES]) if intercept else rows[FEATURES]
    fit = sm.WLS(rows.y, X, weights=rows[w] if w else 1.0).fit()
    return fit.get_robustcov_results(use_t=True, **kind)


def of(
    folder: Path, learn: Learn, rows: pd.DataFrame, errors: str, by: str = "row", **options: Any
) -> tuple[LeastSquares, CoefficientCovariance]:
    small_sample = options.pop("small_sample", True)
    shards = shards_of(folder, learn, rows, **options)
    solution = fit_of(shards)
    return solution, covariance_of(solution, shards, errors, by, small_sample=small_sample)


@pytest.mark.parametrize("small_sample", [True, False])
@pytest.mark.parametrize("w", [None, "w"])
@pytest.mark.parametrize("errors", ["cluster:school", "cluster:school,year"])
def test_clusters_agree_with_statsmodels(
    folder: Path, learn: Learn, errors: str, w: str | None, small_sample: bool
) -> None:
    """Measured: 3e-12, as far as statsmodels is from exact arithmetic (below)."""
    rows = panel()
    _, found = of(folder, learn, rows, errors, weights=w, small_sample=small_sample)
    columns = errors.partition(":")[2].split(",")
    groups = np.column_stack([codes(rows[name]) for name in columns]).squeeze()
    kind = {"cov_type": "cluster", "groups": groups, "use_correction": small_sample}
    expected = theirs(rows, kind, w)
    np.testing.assert_allclose(found.standard_errors, expected.bse, rtol=1e-10)
    np.testing.assert_allclose(found.matrix([0, 1, 2]), expected.cov_params(), rtol=1e-10)
    assert found.df == min(rows[name].nunique() for name in columns) - 1
    assert found.kind == errors
    assert found.num_clusters["school"] == rows.school.nunique()


@pytest.mark.parametrize("lags", [0, 4])
@pytest.mark.parametrize("w", [None, "w"])
def test_hac_agrees_with_statsmodels_whatever_the_order_of_the_rows(
    folder: Path, learn: Learn, lags: int, w: str | None
) -> None:
    """The rows are in no order of their days, each of which is there once."""
    rows = panel()
    _, found = of(folder, learn, rows, f"HAC:{lags}", "time:day", weights=w, num_shards=3)
    kind = {"cov_type": "HAC", "maxlags": lags, "use_correction": True}
    expected = theirs(rows.sort_values("day"), kind, w)
    np.testing.assert_allclose(found.standard_errors, expected.bse, rtol=1e-10)
    np.testing.assert_allclose(found.matrix([2, 0]), expected.cov_params()[[2, 0]][:, [2, 0]])
    assert (found.df, found.num_clusters) == (237, {"day": 240})


def test_hac_of_several_rows_of_a_time_is_that_of_driscoll_and_kraay(
    folder: Path, learn: Learn
) -> None:
    rows = panel()
    _, found = of(folder, learn, rows, "HAC:2", "time:year")
    ordered = rows.sort_values("year", kind="stable")
    kind = {"cov_type": "hac-groupsum", "time": codes(ordered.year), "maxlags": 2}
    expected = theirs(ordered, {**kind, "use_correction": False}).bse
    factor = 11 / 10 * 239 / 237
    np.testing.assert_allclose(found.standard_errors, expected * np.sqrt(factor), rtol=1e-10)
    assert found.df == 10


def test_an_error_by_clusters_is_that_of_exact_arithmetic(folder: Path, learn: Learn) -> None:
    """A slope without intercept, in fractions; a mean of 1e6 leaves float64 few digits."""
    rows = panel(60).assign(x1=lambda each: each.x1 + 1e6)
    solution, found = of(folder, learn, rows, "cluster:school", formula="y ~ 0 + x1")
    x, y = rows.x1.to_numpy(), rows.y.to_numpy()
    (slope,), _ = exact_minimum(x[:, None], y, intercept=False)
    total = sum(Fraction(each) ** 2 for each in x)
    sums: dict[str, Fraction] = {}
    for school, a, b in zip(rows.school, x.tolist(), y.tolist(), strict=True):
        score = (Fraction(b) - slope * Fraction(a)) * Fraction(a)
        sums[school] = sums.get(school, Fraction(0)) + score
    G = len(sums)
    variance = sum(each**2 for each in sums.values()) / total**2
    variance *= Fraction(G, G - 1) * Fraction(59, 59)
    assert found.standard_errors[1] == pytest.approx(float(variance) ** 0.5, rel=1e-14, abs=0)
    assert abs(found.standard_errors[1] / float(variance) ** 0.5 - 1) <= found.relative_error
    assert solution.df == 59


def test_every_row_a_cluster_is_hc1_but_for_its_factor(folder: Path, learn: Learn) -> None:
    rows = panel()
    _, by_row = of(folder, learn, rows, "cluster:day", small_sample=False)
    _, hc0 = of(folder, learn, rows, "HC0")
    np.testing.assert_allclose(by_row.standard_errors, hc0.standard_errors, rtol=1e-14)
    np.testing.assert_allclose(by_row.matrix([1, 2]), hc0.matrix([1, 2]), rtol=1e-13)


def test_a_row_of_weight_0_is_in_no_cluster(folder: Path, learn: Learn) -> None:
    rows = panel()
    rows["w"] = rows.w.where(rows.school != "s03", 0.0)
    _, found = of(folder, learn, rows, "cluster:school", weights="w")
    _, expected = of(folder, learn, rows[rows.school != "s03"], "cluster:school", weights="w")
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-14)
    assert found.num_clusters == expected.num_clusters == {"school": 16}


@pytest.mark.parametrize("kind", ["analytic", "frequency"])
def test_a_time_of_weight_0_is_no_step_in_time(folder: Path, learn: Learn, kind: str) -> None:
    """Frequencies are the table in which each row is repeated: such a time is not in it."""
    rows = panel()
    rows["w"] = rows.n
    assert (rows.w == 0).sum() > 40
    weights = {"weights": "w", "weights_kind": kind, "num_shards": 2}
    _, found = of(folder, learn, rows, "HAC:3", "time:day", **weights)
    _, expected = of(folder, learn, rows[rows.w > 0], "HAC:3", "time:day", **weights)
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-14)
    assert found.num_clusters == expected.num_clusters == {"day": (rows.w > 0).sum()}
    if kind == "frequency":
        repeated = rows.loc[rows.index.repeat(rows.w)]
        _, expected = of(folder, learn, repeated, "HAC:3", "time:day")
        np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-12)


def test_clusters_of_weight_0_are_too_few_clusters(folder: Path, learn: Learn) -> None:
    rows = panel()
    rows["w"] = rows.w.where(rows.year == 2005, 0.0)
    shards = shards_of(folder, learn, rows, "y ~ x1", weights="w")
    solution = fit_of(shards)
    with pytest.raises(UserError, match="needs at least two clusters; found one value of year"):
        covariance_of(solution, shards, "cluster:year")
    with pytest.raises(UserError, match=r"HAC:1: must have fewer lags .*found 1 different values"):
        covariance_of(solution, shards, "HAC:1", "time:year")
    choice, found = robust_covariance(solution, shards, Evaluate(), "group:year")
    assert (found.kind, choice.headline) == ("HC3", "usual")


@pytest.mark.parametrize(
    ("errors", "by"),
    [("cluster:school", "row"), ("cluster:school,year", "row"), ("HAC:3", "time:day")],
)
@pytest.mark.parametrize("compact", [False, pytest.param(True, marks=pytest.mark.very_slow)])
def test_workers_and_chunks_change_no_bit(
    tmp_path: Path,
    learn: Learn,
    together: Callable[..., list[Any]],
    errors: str,
    by: str,
    compact: bool,
) -> None:
    rows = panel(450)
    if compact:
        rows["g"] = [f"g{each:03d}" for each in np.random.default_rng(1).permutation(450) % 130]
    formula = "y ~ x1 + x2 + g" if compact else "y ~ x1 + x2"

    def work(rows_per_group: int) -> Callable[[Workers], Any]:
        shards = shards_of(tmp_path, learn, rows, formula, 3, rows_per_group, weights="w")
        assert bool(shards[0].layout.categories) == compact

        def compute(workers: Workers) -> Any:
            solution = fit_of(shards, workers)
            return repr(table_of(solution, shards, errors, by, workers))

        return compute

    alone = work(131_072)(Workers())
    assert together(3, work(131_072)) == [alone] * 3
    # The number of rows in a chunk.
    assert work(41)(Workers()) == alone


@pytest.mark.slow
@pytest.mark.parametrize("by", ["h", "g", "g,h", "HAC"])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_eliminated_category_changes_nothing(
    tmp_path: Path, learn: Learn, by: str, weighted: bool
) -> None:
    """By h, clusters cut across the levels; by g, they are the levels."""
    table = drawn_with_levels()
    time = np.random.default_rng(4).permutation(300).repeat(3)
    table = table.append_column("t", [time])
    compact, dense = compact_and_dense(tmp_path, learn, table, weighted=weighted)
    asked = ("HAC:5", "time:t") if by == "HAC" else (f"cluster:{by}", "row")
    chosen = [0, 1, 5, 60, 112, 150]
    results = []
    for shards in (compact, dense):
        solution = fit_of(shards)
        covariance = covariance_of(solution, shards, *asked)
        results.append((covariance.standard_errors, covariance.matrix(chosen), covariance.df))
    (found, matrix, df), (expected, their_matrix, their_df) = results
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(matrix, their_matrix, rtol=1e-9, atol=1e-13)
    assert df == their_df


def test_a_coefficient_that_clusters_determine_has_an_error_of_0(
    folder: Path, learn: Learn
) -> None:
    """The scores of a cluster with an indicator of its own add up to 0, but for rounding."""
    rows = panel().assign(own=lambda each: (each.school == "s05") * 1.0)
    _, found = of(folder, learn, rows, "cluster:school", formula="y ~ 0 + own + I(1 - own)")
    assert found.standard_errors[1] == 0.0
    assert found.standard_errors[2] > 0.0
    assert found.relative_error < 1e-12


def test_dropped_columns_and_few_clusters_leave_the_other_numbers(
    folder: Path, learn: Learn
) -> None:
    rows = panel()
    rows["half"] = ["a" if each < "s08" else "b" for each in rows.school]
    shards = shards_of(folder, learn, rows, "y ~ x1 + I(2 * x1) + x2")
    found = table_of(fit_of(shards), shards, "cluster:half")
    assert [row.name for row in found.coefficients] == ["b", "x1", "x2"]
    expected = theirs(rows, {"cov_type": "cluster", "groups": codes(rows.half)})
    errors = [row.robust.standard_error or 0.0 for row in found.coefficients if row.robust]
    np.testing.assert_allclose(errors, expected.bse, rtol=1e-9)
    # Of two clusters, V has rank 1, and there is no joint test of two coefficients.
    assert (found.robust_df, found.robust_f, found.robust_f_p) == (1, None, None)
    assert found.coefficients[1].robust is not None
    t = found.coefficients[1].robust.t
    assert t is not None
    assert found.coefficients[1].robust.p == t_p_value(t, 1)


def test_a_negative_variance_of_two_clusterings_is_none_and_said(
    folder: Path, learn: Learn
) -> None:
    """Residuals ±1 that add up to 0 by a and by b, but not by both."""
    a, b = np.repeat([0, 0, 1, 1], 5), np.repeat([0, 1, 0, 1], 5)
    sign = np.repeat([1.0, -1.0, -1.0, 1.0], 5)
    rows = pd.DataFrame({"y": sign + np.tile([0.0, 1, 0, -1, 0], 4), "a": a, "b": b})
    shards = shards_of(folder, learn, rows, "y ~ 1")
    found = table_of(fit_of(shards), shards, "cluster:a,b")
    (row,) = found.coefficients
    assert row.robust is not None
    assert row.robust.standard_error is row.robust.p is None
    assert found.robust_problem == "a variance of the two clusterings is negative"


def test_what_classical_errors_lack_robust_ones_lack_too(folder: Path, learn: Learn) -> None:
    rows = panel().assign(y=lambda each: 2 * each.x1)
    shards = shards_of(folder, learn, rows)
    solution = fit_of(shards)
    assert solution.rss == 0
    perfect = table_of(solution, shards, "cluster:school")
    assert perfect.coefficients[1].robust is not None
    assert (perfect.coefficients[1].robust.standard_error, perfect.robust_f_p) == (0.0, 0.0)
    without = replace(solution, rss=None, sigma=None)
    assert table_of(without, shards, "cluster:school").digits >= 0
    for each in (without, replace(solution, l2=0.1), replace(solution, df=0)):
        covariance = covariance_of(each, shards, "cluster:school")
        assert np.isnan(covariance.standard_errors).all()
        assert np.isnan(covariance.matrix([0, 1])).all()


def test_too_few_clusters_or_times_are_one_line(folder: Path, learn: Learn) -> None:
    rows = panel().assign(one=1)
    shards = shards_of(folder, learn, rows)
    solution = fit_of(shards)
    with pytest.raises(UserError, match=r"evaluate\.errors: cluster:one: needs at least two"):
        covariance_of(solution, shards, "cluster:one")
    with pytest.raises(UserError, match=r"HAC:11: must have fewer lags.*11 different values"):
        covariance_of(solution, shards, "HAC:11", "time:year")
    choice, found = robust_covariance(solution, shards, Evaluate(), "group:one")
    assert (found.kind, choice.headline) == ("HC3", "usual")
    assert choice.reason.endswith("but all training rows are of one")


def test_clusters_of_the_grunfeld_data_are_those_that_stata_prints(
    folder: Path, learn: Learn
) -> None:
    """`regress invest mvalue kstock, vce(cluster company)` for the ten firms of webuse grunfeld."""
    rows = sm.datasets.grunfeld.load_pandas().data.query("firm != 'American Steel'")
    shards = shards_of(folder, learn, rows, "invest ~ value + capital")
    found = table_of(fit_of(shards), shards, "cluster:firm")
    printed = {
        "value": (0.1155622, 0.0158943, 7.27, 0.000),
        "capital": (0.2306785, 0.0849671, 2.71, 0.024),
        "b": (-42.71437, 20.4252, -2.09, 0.066),
    }
    for row in found.coefficients:
        estimate, error, t, p = printed[row.name]
        assert row.robust is not None
        assert row.estimate == pytest.approx(estimate, rel=5e-7)
        assert row.robust.standard_error == pytest.approx(error, rel=4e-6)
        assert row.robust.t == pytest.approx(t, abs=0.005)
        assert row.robust.p == pytest.approx(p, abs=0.0005)
    assert found.robust_f == pytest.approx(51.59, abs=0.005)
    assert (found.f_df, found.robust_df) == (2, 9)


@pytest.mark.parametrize("errors", ["HC3", "cluster:school"])
@pytest.mark.parametrize("of_y", [1e200, 1e-200])
def test_the_joint_test_is_that_of_any_units(
    folder: Path, learn: Learn, errors: str, of_y: float
) -> None:
    """Variances of 10^400 and 10^-400 are beyond float64, and F is a ratio."""
    rows = panel()
    expected = table_of(fit_of(shards := shards_of(folder, learn, rows)), shards, errors)
    rows = rows.assign(y=rows.y * of_y)
    found = table_of(fit_of(shards := shards_of(folder, learn, rows)), shards, errors)
    assert found.robust_f == pytest.approx(expected.robust_f, rel=1e-9)
    assert found.robust_f_p == pytest.approx(expected.robust_f_p, rel=1e-7)
