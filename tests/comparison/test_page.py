"""What is said of two runs is what their numbers allow."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from linreg.comparison.page import comparison, differing_parameters, in_text, measures, verdict
from linreg.report.figures import Run
from linreg.report.results import RunResults

Evaluated = Callable[..., RunResults]


def rows(seed: int = 3, n: int = 300) -> pa.Table:
    random = np.random.default_rng(seed)
    x, z = random.standard_normal((2, n))
    return pa.table(
        {"y": 1 + 2 * x + 0.5 * z + random.standard_normal(n), "w": 5 * x, "x": x, "z": z}
    )


def test_the_better_one_is_named_with_the_interval_that_scipy_finds(evaluated: Evaluated) -> None:
    both = [
        Run(f, evaluated(f"y ~ {f}", rows(), test=rows(4), name=f, solver="exact"))
        for f in ("x", "z")
    ]
    x, z = (run.findings.residuals**2 for run in both)
    low, high = stats.ttest_rel(z, x).confidence_interval(0.95)
    told = verdict(*both)
    assert told["kind"] == "bad"
    assert told["text"].startswith("x predicts better: on the same 300 rows")
    assert f"0.95 interval {-high:.6g} to {-low:.6g}" in told["text"]
    assert verdict(*reversed(both))["kind"] == "good"
    assert f"0.95 interval {low:.6g} to {high:.6g}" in verdict(*reversed(both))["text"]


def test_a_difference_that_may_be_chance_is_called_so(evaluated: Evaluated) -> None:
    random = np.random.default_rng(9)
    table = rows().append_column("noise", pa.array(random.standard_normal(300)))
    test = rows(4).append_column("noise", pa.array(random.standard_normal(300)))
    both = [
        Run(f, evaluated(f"y ~ {f}", table, test=test, name=f[:1], solver="exact"))
        for f in ("x + z", "noise + x + z")
    ]
    assert "do not tell which predicts better" in verdict(*both)["text"]


def test_the_same_model_is_told_to_be_the_same(evaluated: Evaluated) -> None:
    both = [Run(name, evaluated("y ~ x", rows(), name=name, solver="exact")) for name in ("a", "b")]
    assert "They predict the same" in verdict(*both)["text"]
    assert {each.change for each in measures(*(run.findings for run in both))} <= {"the same", ""}


def test_other_rows_and_other_targets_are_not_compared(evaluated: Evaluated) -> None:
    first = Run("first", evaluated("y ~ x", rows(), test=rows(4), name="a", solver="exact"))
    other = Run("other", evaluated("y ~ x", rows(), test=rows(5), name="b", solver="exact"))
    target = Run("target", evaluated("w ~ z", rows(), test=rows(4), name="c", solver="exact"))
    assert "different rows" in verdict(first, other)["text"]
    assert "The targets differ" in verdict(first, target)["text"]
    changes = {each.name: each.change for each in measures(first.findings, target.findings)}
    assert {name for name, change in changes.items() if change} <= {"gap"}  # which has no unit


def test_only_parameters_that_differ_are_shown(evaluated: Evaluated) -> None:
    a, b = (
        evaluated("y ~ x", rows(), name=name, lr=lr) for name, lr in (("a", 0.01), ("b", 0.002))
    )
    assert differing_parameters(a, b) == {"train.lr": (0.01, 0.002)}
    lines = in_text(Run("a", a), Run("b", b))
    assert lines[1].split() == ["train.lr", "0.01", "0.002"]


@pytest.mark.parametrize("other", ["y ~ z", "y ~ 1", "y ~ 0 + x + z", "w ~ z"])
def test_whatever_the_two_models_the_page_is_whole(other: str, evaluated: Evaluated) -> None:
    both = [
        Run(f"<{f}>", evaluated(f, rows(), name=f"of-{i}")) for i, f in enumerate(("y ~ x", other))
    ]
    text = comparison(*both)
    assert text.count("<svg") == text.count("</svg>") > 10
    assert "&lt;y ~ x&gt;" in text
    assert "<y ~ x>" not in text
    assert "nan" not in text
