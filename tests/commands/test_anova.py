"""`linreg anova` and `linreg step`: the numbers of the tests, printed, and formulas written."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from linreg.commands.statistics import anova, step
from linreg.errors import UserError
from linreg.evaluation.selection.term_tests import term_tests
from linreg.fit.model import LinearModel
from linreg.params.file import load_params
from tests.evaluated_runs import Evaluated
from tests.evaluated_runs import evaluated as evaluated
from tests.evaluation.selection.fits import Learn, fit
from tests.evaluation.selection.known_tables import swiss, warpbreaks
from tests.project import ROOT

Written = Callable[..., Path]
SWISS = "Fertility ~ Agriculture + Examination + Education + Catholic + InfantMortality"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learn: Learn) -> Written:
    """Writes the model of a formula and a table into a folder below the working directory."""
    monkeypatch.chdir(tmp_path)

    def written(formula: str, table: pa.Table, folder: str = "models/model") -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True)
        found = fit(learn, formula, table)
        solution = found.exact.solution
        LinearModel(found.design, solution.theta, solution.b, {}).save(path)
        found.exact.write(path, "error")
        return path

    return written


def run(command: ModuleType, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    code: int = command.run(parser.parse_args(arguments))
    return code


def test_warpbreaks_is_printed_as_in_r(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    written("breaks ~ wool * tension", warpbreaks())
    run(anova, "models/model", "--type", "1")
    assert capsys.readouterr().out.splitlines() == [
        "breaks ~ wool + tension + wool:tension, type I",
        "              df  sum of squares  mean square       F       p",
        "wool           1          450.67       450.67  3.7653  0.0582",
        "tension        2         2034.3       1017.1   8.4980  0.0007",
        "wool:tension   2         1002.8        501.39  4.1891  0.0210",
        "residuals     48         5745.1        119.69",
    ]


def test_json_has_every_digit(
    written: Written, learn: Learn, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project with a model in it is a model, too."""
    folder = written("breaks ~ wool * tension", warpbreaks()).parents[1]
    run(anova, str(folder), "--type", "3", "--json")
    expected = term_tests(fit(learn, "breaks ~ wool * tension", warpbreaks()).submodels, 3)
    found = json.loads(capsys.readouterr().out)
    assert found[:-1] == [each._asdict() for each in expected]
    assert found[-1]["term"] == "residuals"


def test_robust_tests_are_those_of_the_evaluation(
    evaluated: Evaluated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of statsmodels; the other tests say that there are these."""
    table = warpbreaks()
    table = table.append_column("loom", pa.array([i % 9 for i in range(len(table))]))
    formula = "breaks ~ wool * tension"
    evaluated(formula, table, errors="cluster:loom", solver="exact", save_model=True)
    model = str(tmp_path / "model")
    run(anova, model, "--robust", "--type", "3", "--json")
    found = {each["term"]: each for each in json.loads(capsys.readouterr().out)}
    frame = table.to_pandas()
    fit = smf.ols(formula, frame).fit(
        cov_type="cluster", cov_kwds={"groups": frame["loom"]}, use_t=True
    )
    theirs = fit.wald_test_terms(scalar=True).table.rename({"Intercept": "b"})
    assert found.keys() == set(theirs.index)
    for term, test in found.items():
        assert test["df2"] == 8
        assert test["f"] == pytest.approx(theirs.statistic[term], rel=1e-10)
        assert test["p"] == pytest.approx(theirs.pvalue[term], rel=1e-10)
    run(anova, model, "--robust", "--type", "3")
    lines = capsys.readouterr().out.splitlines()
    errors = "standard errors clustered by loom (9 clusters)"
    assert lines[0] == f"breaks ~ wool + tension + wool:tension, type III, {errors}"
    assert lines[4].split()[:2] == ["tension", "2"]
    assert lines[-1] == "F on df and 8 degrees of freedom"
    run(anova, model)
    note = "These tests are classical. The evaluation has"
    assert capsys.readouterr().out.splitlines()[-1] == f"{note} {errors}: linreg anova --robust"


def test_robust_tests_of_type_two_are_those_of_statsmodels(
    evaluated: Evaluated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formula, table = "breaks ~ wool * tension", warpbreaks()
    evaluated(formula, table, errors="HC3", solver="exact", save_model=True)
    run(anova, str(tmp_path / "model"), "--robust", "--json")
    found = json.loads(capsys.readouterr().out)
    theirs = anova_lm(smf.ols(formula, table.to_pandas()).fit(), typ=2, robust="hc3")
    assert [each["term"] for each in found] == list(theirs.index[:-1])
    for test in found:
        term = test["term"]
        assert (test["df"], test["df2"]) == (theirs.df[term], 48)
        assert test["f"] == pytest.approx(theirs["F"][term], rel=1e-10)
        assert test["p"] == pytest.approx(theirs["PR(>F)"][term], rel=1e-10)
    run(anova, str(tmp_path / "model"), "--robust")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "breaks ~ wool + tension + wool:tension, type II, HC3 standard errors"
    assert [line.split()[0] for line in lines[2:5]] == ["wool", "tension", "wool:tension"]
    for option in (["--drop"], ["--type", "1"]):
        with pytest.raises(UserError, match="--robust: tests terms by type 2 or 3; found --"):
            run(anova, str(tmp_path / "model"), "--robust", *option)


def test_models_in_folders_are_compared(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    """In R: anova(lm(breaks ~ wool), lm(breaks ~ wool * tension))."""
    small = written("breaks ~ wool", warpbreaks(), "small")
    large = written("breaks ~ wool * tension", warpbreaks(), "large")
    run(anova, str(large), str(small))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{small}: breaks ~ wool"
    row = lines[-1].removeprefix(str(large)).split()
    assert row[:4] == ["48", "5745.1", "4", "3037.0"]
    # 2034.3 and 1002.8 together, on 4 degrees of freedom, against 119.69.
    assert float(row[4]) == pytest.approx(3037.1 / 4 / 119.69, rel=1e-4)


def test_dropped_terms_are_those_of_drop1(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    written(SWISS, swiss())
    run(anova, "models/model", "--drop")
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["none", "2105.0", "190.691"]
    assert lines[4].split()[:6] == ["−", "Examination", "1", "53.027", "2158.1", "189.861"]


def test_the_formula_at_the_end_of_a_path_is_written(
    written: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(SWISS, swiss())
    params = tmp_path / "params.yaml"
    params.write_text((ROOT / "params.yaml").read_text())
    before = params.read_text()
    chosen = "Fertility ~ Agriculture + Education + Catholic + InfantMortality"
    run(step)
    assert capsys.readouterr().out.splitlines()[-1] == chosen
    assert params.read_text() == before
    run(step, "--set", "--direction", "forward", "--criterion", "bic")
    assert load_params().model.formula == chosen
    changed = [
        a != b for a, b in zip(before.splitlines(), params.read_text().splitlines(), strict=True)
    ]
    assert sum(changed) == 1


def test_mistakes_are_one_line(written: Written) -> None:
    written(SWISS, swiss())
    with pytest.raises(
        UserError, match="linreg anova: takes --type, --drop and --robust with one model"
    ):
        run(anova, "models/model", "models/model", "--drop")
    table = pa.table({"y": np.arange(3.0) ** 2, "x": np.arange(3.0), "z": [0.0, 1.0, 0.0]})
    written("y ~ x + z", table, "full")
    with pytest.raises(UserError, match="full: has as many coefficients as training rows"):
        run(anova, "full")
