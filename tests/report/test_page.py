"""The report shows the numbers of the files, on one page that loads nothing and is reproducible."""

import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.errors import UserError
from linreg.number_format import p_value
from linreg.report.figures.coefficients import distance_figure, effect_figure
from linreg.report.figures.descent import contour_factor
from linreg.report.figures.losses import gap_figure, loss_figure
from linreg.report.figures.residuals import quantile_figure
from linreg.results.run_results import NamedResults, RunResults

Evaluated = Callable[..., RunResults]
PageOf = Callable[..., str]


@pytest.fixture
def page_of(evaluated: Evaluated, tmp_path: Path) -> PageOf:
    """Returns the page of a run that `evaluated` makes of the same arguments."""

    def page_of(*arguments: Any, name: str = "evaluation", **options: Any) -> str:
        evaluated(*arguments, name=name, **options)
        return (tmp_path / name / "report.html").read_text()

    return page_of


def rows(n: int = 200, num_features: int = 2, noise: float = 0.5, seed: int = 3) -> pa.Table:
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, num_features))
    y = 1.5 + X @ np.linspace(2.0, -1.0, num_features) + noise * random.standard_normal(n)
    return pa.table({"y": y} | {f"x{j + 1}": X[:, j] for j in range(num_features)})


class Page(HTMLParser):
    """The words of a page and what it loads; fails where tags are not closed in their order."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [
            f"{name}={value}"
            for name, value in attrs
            if name in ("src", "href", "xlink:href", "srcset")
        ]
        self.loaded += [tag] if tag in ("script", "link", "iframe", "object", "img") else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


TEXT = pa.table(
    {"y": [1.0, 2.0, 3.0, 4.5, 5.0, 7.0] * 4, "<b>&x": [float(i * i % 7) for i in range(24)]}
)
SECTIONS = ("gates", "coefficients", "convergence", "predictions", "data", "reproduce")
CASES: dict[str, tuple[str, pa.Table, dict[str, Any]]] = {
    "two features": ("y ~ x1 + x2", rows(), {}),
    "one": ("y ~ x1", rows(num_features=1), {}),
    "none": ("y ~ 1", rows(num_features=1), {}),
    "no intercept": ("y ~ 0 + x1 + x2", rows(), {}),
    "one without intercept": ("y ~ 0 + x1", rows(), {}),
    "forty": (f"y ~ {' + '.join(f'x{j + 1}' for j in range(40))}", rows(num_features=40), {}),
    "exact": ("y ~ x1 + x2", rows(), {"solver": "exact"}),
    "ridge": ("y ~ x1 + x2", rows(), {"l2": 0.1}),
    "lasso": ("y ~ x1 + x2", rows(), {"solver": "exact", "l1": 0.5}),
    "elastic net of nothing": ("y ~ x1 + x2", rows(), {"solver": "exact", "l1": 1e9, "l2": 1.0}),
    "z-scores": ("y ~ x1 + x2", rows(), {"scale": "standardize"}),
    "perfect": ("y ~ x1 + x2", rows(noise=0.0), {}),
    "as many rows as coefficients": ("y ~ x1 + x2", rows(n=3), {}),
    "constant target": ("y ~ x1", pa.table({"y": [2.0] * 9, "x1": np.arange(9.0)}), {}),
    "huge": (
        "y ~ x1",
        pa.table({"y": np.arange(30.0) * 1e150, "x1": np.arange(30.0) ** 2}),
        {"solver": "exact"},
    ),
    "names that look like HTML": ("y ~ `<b>&x`", TEXT, {"lr": 0.001}),
    "names that look like numbers": (
        "y ~ `2020` + `1e3`",
        rows().rename_columns(["y", "2020", "1e3"]),
        {},
    ),
    "collinear": ("y ~ x1 + I(2*x1)", rows(), {"collinear": "drop"}),
}


@pytest.mark.parametrize("case", CASES)
def test_for_every_kind_of_model_the_page_is_complete_and_loads_nothing(
    case: str, page_of: PageOf
) -> None:
    formula, table, options = CASES[case]
    text = page_of(formula, table, **options)
    page = Page(text)
    assert page.loaded == []
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", page.text)
    positions = [text.index(f'<section id="{name}">') for name in SECTIONS]
    assert positions == sorted(positions)


def test_the_same_results_give_the_same_bytes(evaluated: Evaluated, tmp_path: Path) -> None:
    for name in ("one", "two"):
        evaluated("y ~ x1 + x2", rows(), name=name)
    assert (tmp_path / "one" / "report.html").read_bytes() == (
        tmp_path / "two" / "report.html"
    ).read_bytes()


def test_names_of_columns_are_escaped(page_of: PageOf) -> None:
    text = page_of("y ~ `<b>&x`", TEXT, lr=0.001)
    assert "<b>&x" not in text
    assert "&lt;b&gt;&amp;x" in text


def test_numbers_on_the_page_are_those_of_the_files(evaluated: Evaluated, tmp_path: Path) -> None:
    run = evaluated("y ~ x1 + x2", rows(), test=rows(seed=4), gates={"test_r2": {"min": 0.5}})
    text = Page((tmp_path / "evaluation/report.html").read_text()).text
    exact = run.inference["coefficients"]
    for c in run.coefficients:
        error = exact[c.name]["usual"]["standard_error"]
        decimals = 2 - math.floor(math.log10(error))
        assert f"{error:.{decimals}f}" in text
        assert f"{c.trained:.{decimals}f}" in text
        assert f"{exact[c.name]['estimate']:.{decimals}f}" in text
        assert f"{exact[c.name]['usual']['low']:.{decimals}f}" in text
        assert f"{exact[c.name]['usual']['t']:.2f}" in text
    for part in ("train", "test"):
        assert f"{run.metrics[part]['rmse']:.5f}" in text
    assert f"n = 200; residual sd {run.inference['sigma']:.4g} on 197 df" in text
    assert f"adjusted R² {run.inference['adjusted_r2']:.4f}" in text
    assert f"F = {run.inference['f']:.5g} on 2 and 197 df, p < 0.0001" in text
    assert f"{100 * run.metrics['gap']:.3g} % above the minimum" in text


@pytest.mark.slow
def test_the_banner_names_the_gates_that_passed_or_failed(page_of: PageOf) -> None:
    gates = {"train_r2": {"min": 0.5}, "gap": {"max": 100.0}}
    converged: dict[str, Any] = {
        "scale": "whiten",
        "schedule": "linear",
        "average": 0.5,
        "epochs": 50,
    }
    passed = Page(page_of("y ~ x1 + x2", rows(), gates=gates, name="a", **converged)).text
    gates |= {"train_r2": {"min": 0.9999}}
    failed = Page(page_of("y ~ x1 + x2", rows(), gates=gates, name="b", **converged)).text
    unset = Page(page_of("y ~ x1 + x2", rows(), name="c", **converged)).text
    assert "Gates passed: gap, train_r2." in passed
    assert "Gates failed: train_r2." in failed
    assert "No gates are set." in unset
    assert "Gates failed" not in passed + unset
    assert "Gates passed" not in failed + unset


def test_dropped_rows_are_listed_with_the_reason(page_of: PageOf) -> None:
    columns = {
        "x1": {"type": "double", "missing": 3, "min": 0.0, "max": 1.0, "mean": 0.5, "sd": 0.1}
    }
    profile = {"rows_read": 203, "rows": 200, "dropped": {"x1 is missing": 3}, "columns": columns}
    text = Page(page_of("y ~ x1 + x2", rows(), profile=profile)).text
    assert "203 rows read, 200 used; 3 dropped: x1 is missing" in text
    assert "3 of 203 rows were dropped" in text


def test_the_loss_on_a_contour_is_what_its_label_says(evaluated: Evaluated) -> None:
    """With all other coefficients at their optimum, found by numpy's least squares."""
    table = rows(num_features=3)
    context = evaluated("y ~ x1 + x2 + x3", table).context
    path, least_loss = context["path"], context["least_loss"]
    X = np.column_stack([table[name].to_numpy() for name in ("x1", "x2", "x3")])
    y, factor = table["y"].to_numpy(), contour_factor(path)
    pair = [("x1", "x2", "x3").index(name) for name in path["names"]]
    others = np.column_stack([np.ones(len(y)), np.delete(X, pair, axis=1)])
    excess = 0.07
    for angle in np.linspace(0, 6, 7):
        u = np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(
            excess * least_loss * path["num_rows"]
        )
        partial = y - X[:, pair] @ (np.array(path["exact"]) + factor @ u)
        residuals = partial - others @ np.linalg.lstsq(others, partial, rcond=None)[0]
        assert np.mean(residuals**2) / least_loss - 1 == pytest.approx(excess, rel=1e-9)


def test_the_path_is_that_of_the_two_columns_with_the_largest_effects(evaluated: Evaluated) -> None:
    table = rows(num_features=3)
    in_other_units = table.set_column(
        table.column_names.index("x1"), "x1", pa.array(table["x1"].to_numpy() * 1e-3)
    )
    for name, data in (("a", table), ("b", in_other_units)):
        run = evaluated("y ~ x1 + x2 + x3", data, name=name, scale="standardize")
        assert run.context["path"]["names"] == ["x1", "x3"]


@pytest.mark.slow
def test_a_long_training_is_thinned_and_keeps_its_last_epoch(evaluated: Evaluated) -> None:
    context = evaluated("y ~ x1 + x2", rows(n=20), epochs=700, batch_size=20).context
    epochs = context["history"]["epoch"]
    assert (len(epochs), epochs[0], epochs[-1]) == (500, 1.0, 700.0)
    assert [len(values) for values in context["path"]["epochs"]] == [500, 500]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["report.json", "predictions.csv", "gates.json", "inference.json", "metrics.json"]
)
@pytest.mark.parametrize("damage", ["", "{", "actual\nx\n", "[]"])
def test_a_damaged_file_is_an_error_that_names_it(
    evaluated: Evaluated, tmp_path: Path, name: str, damage: str
) -> None:
    evaluated("y ~ x1 + x2", rows())
    path = tmp_path / "evaluation" / name
    if damage == "":
        path.unlink()
    else:
        path.write_text(damage)
    with pytest.raises(UserError, match=re.escape(name)):
        RunResults.read(tmp_path / "evaluation")


def test_two_runs_share_a_figure(evaluated: Evaluated) -> None:
    both = [
        NamedResults(name, evaluated("y ~ x1 + x2", rows(), name=name, lr=lr))
        for name, lr in (("slow", 0.001), ("fast", 0.01))
    ]
    for figure in (loss_figure, gap_figure, effect_figure, distance_figure, quantile_figure):
        text = figure(both)
        assert text is not None
        assert "slow" in text
        assert "fast" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.03124, "0.0312"), (0.0001, "0.0001"), (9.9e-5, "<0.0001"), (0.0, "<0.0001")],
)
def test_a_p_value_that_would_be_0_is_shown_as_a_bound(value: float | None, text: str) -> None:
    assert p_value(value) == text


def test_both_definitions_of_r2_are_shown_where_they_differ(page_of: PageOf) -> None:
    table = pa.table({"y": [1.0, 2.0, 4.0, 4.5, 6.0], "g": ["a", "a", "b", "b", "b"]})
    text = page_of("y ~ 0 + g", table, solver="exact")
    assert "around the mean it is as statsmodels does" in text
    text = page_of("y ~ g", table, name="with an intercept", solver="exact")
    assert "around the mean" not in text
