"""`linreg summary` prints the numbers of the last run: for people, for programs, for papers."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.commands.summary import out_of_date
from linreg.data.formula.design import Design
from linreg.report.coefficient_table import LEVELS_OF_A_TERM, MAX_TERMS
from linreg.results.run_results import RunResults
from linreg.summary.formats import FORMATS
from linreg.summary.terminal import summary_lines
from linreg.summary.tex import tex
from tests.evaluated_runs import evaluated as evaluated
from tests.project import ROOT

Evaluated = Callable[..., RunResults]
Learn = Callable[..., Design]
RANDOM = np.random.default_rng(3)
X, NOISE = RANDOM.standard_normal((2, 60))
ROWS = pa.table({"y": 1.5 + 2 * X + NOISE, "x": X})
NIST = ROOT / "tests/data/nist"


@pytest.fixture
def printed(evaluated: Evaluated, learn: Learn) -> Callable[..., list[str]]:
    """Returns the lines that a run of these arguments prints, or those of another format."""

    def printed(
        formula: str, table: pa.Table, *, digits: int = 3, form: str = "", **options: Any
    ) -> list[str]:
        run = evaluated(formula, table, **options)
        terms = learn(formula, table).terms
        if form:
            return FORMATS[form](run, terms, digits).splitlines()
        return "\n".join(summary_lines(run, terms, digits)).splitlines()

    return printed


def longley() -> tuple[str, pa.Table, dict[str, Any]]:
    """The formula, the rows and the certified results of NIST's data set."""
    with (NIST / "Longley.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    columns = {
        name: [float(cell) for cell in cells]
        for name, cells in zip(header, zip(*lines, strict=True), strict=True)
    }
    *features, target = header
    certified = json.loads((NIST / "certified.json").read_text())["Longley"]
    return f"{target} ~ {' + '.join(features)}", pa.table(columns), certified


def test_longley_reads_as_in_the_certified_table(printed: Callable[..., list[str]]) -> None:
    """Adjusted R² and F are those of R and statsmodels: 0.9925 and 330.3 on 6 and 9 df."""
    formula, table, certified = longley()
    lines = printed(formula, table, solver="exact")
    assert lines[1].split("  ")[-1].strip() == "95 % high"
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:9]}
    names = ["b", *formula.split(" ~ ")[1].split(" + ")]
    assert list(rows) == names
    for name in names:
        estimate, error = (certified["coefficients"][name][key] for key in ("estimate", "sd"))
        shown_estimate, shown_error, t, p, low, high = rows[name]
        decimals = len(shown_error.partition(".")[2])
        assert float(shown_error) == round(error, decimals)
        assert float(shown_estimate) == round(estimate, decimals)
        assert decimals == 0 or len(shown_error.replace(".", "").lstrip("0")) == 3
        assert float(t) == round(estimate / error, 2)
        # The 97.5 % quantile of t with 9 degrees of freedom, from tables.
        unit = 10.0**-decimals
        assert float(low) == pytest.approx(estimate - 2.262157 * error, abs=unit)
        assert float(high) == pytest.approx(estimate + 2.262157 * error, abs=unit)
        assert p == "<0.0001" or 0 <= float(p) <= 1
    fit = " ".join(lines[9:12])
    assert "n = 16; residual sd 304.9 on 9 df" in fit
    assert "R² 0.99548; adjusted R² 0.99247" in fit
    assert "F = 330.29 on 6 and 9 df, p < 0.0001" in fit


def test_coefficients_are_in_the_order_of_the_formula(printed: Callable[..., list[str]]) -> None:
    """And not in that of the alphabet, which report.json has them in."""
    rows = ROWS.append_column("a", pa.array(RANDOM.standard_normal(60)))
    lines = printed("y ~ x + a", rows)
    assert [line.split()[0] for line in lines[2:5]] == ["b", "x", "a"]


def test_points_are_below_each_other(printed: Callable[..., list[str]]) -> None:
    rows = pa.table({"y": 1e3 + X + NOISE, "x": X * 1e-1, "z": np.abs(NOISE) * 1e3})
    lines = printed("y ~ x + z", rows, solver="exact")[2:5]
    decimals = {len(line.split()[1].partition(".")[2]) for line in lines}
    assert len(decimals) == 3
    points = {tuple(each.start() for each in re.finditer(r"\.(?=\d)", line)) for line in lines}
    assert len({each[0] for each in points}) == 1
    assert len({each[-2:] for each in points}) == 1


def test_a_column_has_one_format(printed: Callable[..., list[str]]) -> None:
    """With powers of ten in every row if one of them needs them."""
    rows = pa.table({"y": 1e3 + X + NOISE, "x": X * 1e15, "z": np.abs(NOISE)})
    lines = printed("y ~ x + z", rows, solver="exact")[2:5]
    forms = {tuple("e" in cell for cell in line.split()[1:]) for line in lines}
    assert forms == {(True, True, False, False, True, True)}


@pytest.mark.slow
def test_of_many_levels_the_clearest_are_shown_and_it_is_said_what_is_left_out(
    printed: Callable[..., list[str]],
) -> None:
    levels = [f"v{i % 80:02}" for i in range(400)]
    x, noise = RANDOM.standard_normal((2, 400))
    table = pa.table({"y": x + noise, "x": x, "g": levels})
    lines = printed("y ~ g + x", table, solver="exact")
    shown = [line.split()[0] for line in lines[2 : 4 + LEVELS_OF_A_TERM + 1]]
    assert shown[0] == "b"
    assert shown[1:-2] == sorted(shown[1:-2])
    assert all(name.startswith("g[T.v") for name in shown[1:-2])
    note = lines[2 + 1 + LEVELS_OF_A_TERM]
    assert re.fullmatch(r"… g: 67 more, from \S+ to \S+; significant at 95 %: (none|\d+)", note)
    assert shown[-1] == "x"
    assert "g: compared with v00" in lines
    whole = printed("y ~ g + x", table, solver="exact", name="csv", form="csv")
    assert len(whole) == 1 + 81


def test_the_coefficient_table_has_trained_true_and_exact_values(
    evaluated: Evaluated, learn: Learn
) -> None:
    truth = {"b": 1.5, "theta": {"x": 2.0}}
    run = evaluated("y ~ x", ROWS, truth=truth)
    lines = list(summary_lines(run, learn("y ~ x", ROWS).terms))
    titles = lines[1].split()[:4]
    assert titles == ["trained", "true", "exact", "std."]
    exact = run.inference["coefficients"]["x"]
    values = [run.context["theta"]["x"], 2.0, exact["estimate"], exact["usual"]["standard_error"]]
    assert [float(cell) for cell in lines[3].split()[1:5]] == pytest.approx(values, abs=1e-3)


def test_a_table_has_no_column_that_would_say_nothing(printed: Callable[..., list[str]]) -> None:
    header, row = printed("y ~ 0 + x", ROWS)[1:3]
    assert "true" not in header
    assert row.startswith("x  ")
    assert "trained" not in printed("y ~ x", ROWS, solver="exact", name="exact")[1]
    assert printed("y ~ x", ROWS, l2=0.1, name="ridge")[1].split() == ["trained", "exact"]


def test_digits_are_those_of_the_standard_error(printed: Callable[..., list[str]]) -> None:
    for digits in (1, 2, 6):
        lines = printed("y ~ x", ROWS, digits=digits, solver="exact", name=f"d{digits}")
        estimate, error, t, p, *_ = lines[3].split()[1:]
        assert len(error.replace(".", "").lstrip("0")) == digits
        assert len(estimate.partition(".")[2]) == len(error.partition(".")[2])
        assert len(t.partition(".")[2]) == digits - 1
        assert p == f"<{10.0 ** (-digits - 1):.{digits + 1}f}"


def test_json_and_csv_have_every_digit(
    evaluated: Evaluated, learn: Learn, printed: Callable[..., list[str]]
) -> None:
    rows = ROWS.append_column("g", pa.array(["v", "u"] * 30))
    run = evaluated("y ~ x + g", rows, name="run")
    document = json.loads("\n".join(printed("y ~ x + g", rows, form="json", name="json")))
    table = list(csv.DictReader(io.StringIO("\n".join(printed("y ~ x + g", rows, form="csv")))))
    assert [row["name"] for row in document["coefficients"]] == ["b", "x", "g[T.v]"]
    for ours, line in zip(document["coefficients"], table, strict=True):
        exact = run.inference["coefficients"][ours["name"]]
        assert ours["exact"] == exact["estimate"] == float(line["exact"])
        assert line["true"] == ""
        for key, value in exact["usual"].items():
            assert ours[key] == value == float(line[key])
        assert ours["robust_t"] == exact["robust"]["t"]
    assert document["reference_levels"] == {"g": "u"}
    for key in ("r2", "adjusted_r2", "f", "f_p", "df", "num_rows"):
        assert document[key] == run.inference[key]
    assert document["metrics"] == json.loads(json.dumps(run.metrics))


def test_markdown_and_latex_escape_names(printed: Callable[..., list[str]]) -> None:
    table = pa.table({"y": ROWS["y"], "a_b & 5% |*x*": ROWS["x"]})
    formula = "y ~ `a_b & 5% |*x*`"
    markdown = printed(formula, table, form="markdown")
    cells = r"\`a\_b & 5% \|\*x\*\`"
    assert any(line.startswith(f"| {cells} |") for line in markdown) or any(
        r"a\_b & 5% \|\*x\*" in line for line in markdown
    )
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in markdown if line.startswith("|")}
    assert len(widths) == 1
    latex = printed(formula, table, form="latex", name="latex")
    row = next(line for line in latex if line.startswith(tex("a_b")))
    assert r"a\_b \& 5\% |*x*" in row
    assert len(re.findall(r"(?<!\\)&", row)) == len(re.findall(r"(?<!\\)&", latex[2]))
    assert latex[0] == r"\begin{tabular}{lrrrrrrr}"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({}, "weights: n (analytic), of 60 training rows, 15 of weight 0"),
        (
            {"weights_kind": "sampling"},
            "weights: n (sampling), of 60 training rows, 15 of weight 0",
        ),
        ({"weights_kind": "frequency"}, "weights: n (frequency), which stand for 90 rows"),
        ({"weights": "m"}, "weights: m (analytic), of 60 training rows"),
        ({"l1": 0.01}, "weights: n (analytic), of 60 training rows, 15 of weight 0"),
    ],
)
def test_it_is_said_that_rows_are_weighted(
    printed: Callable[..., list[str]], tmp_path: Path, options: dict[str, Any], line: str
) -> None:
    n = np.arange(60) % 4
    g = [f"g{i % 5}" for i in range(60)]
    table = ROWS.append_column("n", pa.array(n)).append_column("m", pa.array(n + 1.0))
    table = table.append_column("g", pa.array(g))
    formulas = ["y ~ x + g"] if "l1" in options else ["y ~ x + g", "y ~ x | g", "y ~ 0 + x"]
    for i, formula in enumerate(formulas):
        shown = {"weights": "n", "solver": "exact", "name": f"of-{i}"} | options
        lines = printed(formula, table, **shown)
        assert lines[:2] == [formula, line]
        assert f"<p>{line}</p>" in (tmp_path / f"of-{i}/report.html").read_text()


def test_of_rows_without_weights_nothing_is_said(printed: Callable[..., list[str]]) -> None:
    assert not any("weight" in each for each in printed("y ~ x", ROWS))


def test_it_is_said_why_there_are_no_standard_errors(printed: Callable[..., list[str]]) -> None:
    assert (
        "A ridge fit (train.l2) is biased by intent: it has no standard errors, t and p."
        in printed("y ~ x", ROWS, l2=0.1)
    )


def test_metrics_of_all_parts_gates_and_the_gap_are_printed(
    evaluated: Evaluated, learn: Learn
) -> None:
    gates = {"test_r2": {"min": 0.5, "max": 1.0}, "gap": {"max": 1e-9}, "validation_r2": {"min": 0}}
    run = evaluated("y ~ x", ROWS, test=ROWS, gates=gates, lr=0.02, epochs=20)
    lines = "\n".join(summary_lines(run, learn("y ~ x", ROWS).terms)).splitlines()
    for part in ("train", "test"):
        metrics = run.metrics[part]
        values = [metrics[name] for name in ("r2", "rmse", "mae", "max_error")]
        values.append(metrics["baseline"]["rmse"])
        (row,) = (line.split()[1:] for line in lines if line.startswith(f"{part} "))
        assert row[0] == "60"
        assert [float(cell) for cell in row[1:]] == pytest.approx(values, rel=1e-4)
    r2 = run.metrics["test"]["r2"]
    assert f"gate test_r2 (at least 0.5 and at most 1): passed with {r2:.6g}" in lines
    assert f"gate gap (at most 1e-09): FAILED with {run.metrics['gap']:.6g}" in lines
    assert "gate validation_r2 (at least 0): FAILED with no value" in lines
    above = f"{100 * run.metrics['gap']:.3g} % above the minimum"
    assert f"gap: the training loss is {above}" in lines
    assert "rows: 60 read, 0 dropped" in lines


def test_results_that_are_out_of_date_are_announced() -> None:
    changed = ["split.seed", "train.epochs", "train.lr", "train.seed"]
    assert out_of_date(changed[:1]) == (
        "OUT OF DATE: split.seed changed in params.yaml since the last run.\n"
        "Run `dvc repro` to update the results."
    )
    announced = "OUT OF DATE: split.seed, train.epochs, train.lr and 1 more changed"
    assert out_of_date(changed).startswith(announced)


def test_nothing_slow_is_imported() -> None:
    """It answers in half a second, of which pandas, torch or MLflow would each take as much."""
    program = (
        "import linreg.commands.summary, sys;"
        "slow = {'jinja2', 'mlflow', 'numba', 'pandas', 'scipy', 'torch'};"
        "print(*sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "\n"


@pytest.mark.slow
def test_of_very_many_terms_those_behind_the_first_are_one_line(
    printed: Callable[..., list[str]],
) -> None:
    X = RANDOM.standard_normal((400, MAX_TERMS + 30))
    columns = {f"x{j}": X[:, j] for j in range(X.shape[1])}
    table = pa.table({"y": X.sum(axis=1) + X[:, 0] ** 2, **columns})
    lines = printed(f"y ~ {' + '.join(columns)}", table, solver="exact")
    assert lines[2 + MAX_TERMS].split()[0] == f"x{MAX_TERMS - 1}"
    assert lines[3 + MAX_TERMS].startswith("… 30 more, from ")
