"""The comparison of two runs concludes what their numbers allow."""

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from linreg.comparison.page import (
    comparison_lines,
    comparison_page,
    conclusion,
    differing_parameters,
    metric_changes,
)
from linreg.results.run_results import NamedResults, RunResults

Evaluated = Callable[..., RunResults]
RMSE = "neg_root_mean_squared_error"


def rows(seed: int = 3, n: int = 300) -> pa.Table:
    random = np.random.default_rng(seed)
    x, z = random.standard_normal((2, n))
    return pa.table(
        {"y": 1 + 2 * x + 0.5 * z + random.standard_normal(n), "w": 5 * x, "x": x, "z": z}
    )


def test_the_better_model_is_named_with_the_interval_that_scipy_finds(evaluated: Evaluated) -> None:
    both = [
        NamedResults(f, evaluated(f"y ~ {f}", rows(), test=rows(4), name=f, solver="exact"))
        for f in ("x", "z")
    ]
    x, z = (run.results.residuals**2 for run in both)
    worse, better = conclusion(*both), conclusion(*reversed(both))
    assert worse.kind == "error"
    assert worse.text.startswith("x predicts significantly better on the same 300 rows: RMSE ")
    share = 100 * (np.sqrt(z.mean() / x.mean()) - 1)
    assert f"{np.sqrt(x.mean()):.6g} → {np.sqrt(z.mean()):.6g}, {share:+.3g} % (" in worse.text
    assert better.kind == "ok"
    assert better.text.startswith("x predicts significantly better on the same 300 rows: RMSE ")


def test_a_difference_that_may_be_chance_is_not_significant(evaluated: Evaluated) -> None:
    random = np.random.default_rng(9)
    table = rows().append_column("noise", pa.array(random.standard_normal(300)))
    test = rows(4).append_column("noise", pa.array(random.standard_normal(300)))
    both = [
        NamedResults(f, evaluated(f"y ~ {f}", table, test=test, name=f[:1], solver="exact"))
        for f in ("x + z", "noise + x + z")
    ]
    assert conclusion(*both).kind == "none"
    assert conclusion(*both).text.startswith("No significant difference on the same 300 rows: RMSE")


def test_the_same_model_has_identical_predictions(evaluated: Evaluated) -> None:
    both = [
        NamedResults(name, evaluated("y ~ x", rows(), name=name, solver="exact"))
        for name in ("a", "b")
    ]
    assert conclusion(*both).text == "The predictions are identical on all 300 rows."
    changes = {each.change for each in metric_changes(*(run.results for run in both))}
    assert changes <= {"the same", ""}


def test_other_rows_and_other_targets_are_not_compared(evaluated: Evaluated) -> None:
    first, other, target = (
        NamedResults(name, evaluated(formula, rows(), test=test, name=name, solver="exact"))
        for name, formula, test in (
            ("first", "y ~ x", rows(4)),
            ("other", "y ~ x", rows(5)),
            ("target", "w ~ z", rows(4)),
        )
    )
    for second, why in ((other, "on different rows"), (target, "predicts y, the other w")):
        said = conclusion(first, second).text
        assert said.startswith("These runs cannot be compared: ")
        assert why in said
        changes = [each.change for each in metric_changes(first.results, second.results)]
        assert not any(changes), "no difference is printed"


def test_means_over_the_same_folds_have_their_standard_errors(evaluated: Evaluated) -> None:
    table = rows()
    more, less, other, none = (
        NamedResults(name, evaluated(f"y ~ {terms}", table, name=name, solver="exact", folds=folds))
        for name, terms, folds in (
            ("more", "x + z", 5),
            ("less", "x", 5),
            ("other", "x", 4),
            ("none", "x", 0),
        )
    )
    shown = {line.split()[0]: line for line in comparison_lines(more, less) if line[:3] == "cv_"}
    assert list(shown) == ["cv_mse", "cv_rmse", "cv_r2"]
    errors = {}
    for run, columns in ((more, ["x", "z"]), (less, ["x"])):
        X = np.column_stack([table[name] for name in columns])
        scored = cross_val_score(LinearRegression(), X, table["y"], cv=5, scoring=RMSE)
        errors[run.name] = (-scored.mean(), scored.std(ddof=1) / 5**0.5)
    cells = " +".join(rf"{mean:.3f} ± {error:.3f}" for mean, error in errors.values())
    change = 100 * (errors["less"][0] / errors["more"][0] - 1)
    assert re.fullmatch(rf"cv_rmse +{cells} +{re.escape(f'{change:+.3g}')} %", shown["cv_rmse"])
    cell = f"<td>{errors['less'][0]:.3f} ± {errors['less'][1]:.3f}</td>"
    assert cell in comparison_page(more, less)
    of_other = {each.name: each for each in metric_changes(more.results, other.results)}
    assert (of_other["cv_rmse"].change, of_other["train_rmse"].change != "") == ("", True)
    assert not any(
        each.name.startswith("cv") for each in metric_changes(more.results, none.results)
    )


@pytest.mark.slow
def test_only_parameters_that_differ_are_shown(evaluated: Evaluated) -> None:
    a, b = (
        evaluated("y ~ x", rows(), name=name, lr=lr) for name, lr in (("a", 0.01), ("b", 0.002))
    )
    assert differing_parameters(a, b) == {"train.lr": (0.01, 0.002)}
    lines = comparison_lines(NamedResults("a", a), NamedResults("b", b))
    assert lines[1].split() == ["train.lr", "0.01", "0.002"]


@pytest.mark.parametrize("other", ["y ~ z", "y ~ 1", "y ~ 0 + x + z", "w ~ z"])
def test_for_every_two_models_the_page_is_complete(other: str, evaluated: Evaluated) -> None:
    both = [
        NamedResults(f"<{f}>", evaluated(f, rows(), name=f"of-{i}"))
        for i, f in enumerate(("y ~ x", other))
    ]
    text = comparison_page(*both)
    assert text.count("<svg") == text.count("</svg>") > 10
    assert "&lt;y ~ x&gt;" in text
    assert "<y ~ x>" not in text
    assert "nan" not in text
