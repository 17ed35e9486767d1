import argparse
import json
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from linreg.commands import certify
from linreg.errors import UserError

NIST = Path(__file__).parents[1] / "data/nist"
BARS = {"Norris": 13.7, "Longley": 14.4, "Wampler1": 14.7, "Wampler4": 14.7, "NoInt1": 14.7}
"""0.3 digits less than what is left when the decimals of the data are rounded to float64."""


def run(folder: Path, *options: str) -> int:
    parser = argparse.ArgumentParser()
    certify.add_arguments(parser)
    return certify.run(parser.parse_args([str(folder), *options]))


def exact(estimate: str, sd: str = "0") -> dict[str, str]:
    return {"exact_estimate": estimate, "exact_sd": sd}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one data set: y = 3x + 1 at x = 0 to 3, with one cell off by 0.5."""
    answer: dict[str, Any] = {
        "intercept": True,
        "coefficients": {"b": exact("1.2", "0.3"), "x": exact("2.9", "0.1")},
        "exact_rss": "0.2",
        "exact_r_squared": "0.9976",
        "df_resid": 2,
    }
    (tmp_path / "certified.json").write_text(json.dumps({"Line": answer}))
    (tmp_path / "Line.csv").write_text("x,y\n0,1\n1,4\n2,7.5\n3,10\n")
    return tmp_path


def answers(folder: Path, **changes: Any) -> None:
    certified = json.loads((folder / "certified.json").read_text())
    certified["Line"] |= changes
    (folder / "certified.json").write_text(json.dumps(certified))


def digits_of_line(folder: Path) -> dict[str, float]:
    digits, failures = certify.certify(folder)
    assert not failures
    return digits["Line"]


def test_nist_sets_reach_what_float64_allows() -> None:
    digits, failures = certify.certify(NIST)
    assert not failures
    assert set(digits) == set(BARS)
    for name, bar in BARS.items():
        for kind in ("coefficients", "standard_errors", "residual_sd", "r_squared"):
            assert digits[name][kind] >= bar, f"{kind} of {name}"


def test_the_digits_of_the_nist_sets_are_these() -> None:
    digits, _ = certify.certify(NIST)
    assert {
        name: [round(each[key], 1) for key in certify.HEADERS] for name, each in digits.items()
    } == {
        "Longley": [14.7, 15.0, 15.0, 15.0],
        "NoInt1": [15.0, 15.0, 15.0, 15.0],
        "Norris": [14.0, 14.0, 14.0, 15.0],
        "Wampler1": [15.0, 15.0, 15.0, 15.0],
        "Wampler4": [15.0, 15.0, 15.0, 15.0],
    }


def test_json_and_table_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(NIST, "--json") == 0
    digits = json.loads(capsys.readouterr().out)
    assert set(digits["Longley"]) == {"coefficients", "standard_errors", "residual_sd", "r_squared"}
    assert run(NIST) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert re.split(" {2,}", header) == [
        "digits of",
        "worst coefficient",
        "worst standard error",
        "residual sd",
        "R²",
    ]
    assert [row.split() for row in rows] == [
        [name, *(f"{each[key]:.1f}" for key in certify.HEADERS)] for name, each in digits.items()
    ]
    assert {len(row) for row in rows} == {len(header)}


def test_digits_are_those_of_the_answers(folder: Path) -> None:
    # By hand: θ = 3.05, b = 1.05, Σ(y − ỹ)² = 0.175, Σ(y − ȳ)² = 46.6875.
    found = digits_of_line(folder)
    assert found["coefficients"] == pytest.approx(
        -float((Decimal("0.15") / Decimal("1.2")).log10())
    )
    answers(
        folder, exact_rss="0.175", exact_r_squared=str(1 - Decimal("0.175") / Decimal("46.6875"))
    )
    better = digits_of_line(folder)
    assert (better["residual_sd"], better["r_squared"]) == (15, 15)
    assert better["coefficients"] == found["coefficients"]


def test_an_answer_of_0_counts_the_absolute_error(folder: Path) -> None:
    (folder / "Line.csv").write_text("x,y\n-1,0.001\n0,0\n1,-0.001\n")
    answers(folder, coefficients={"b": exact("0"), "x": exact("0")}, exact_rss="0", df_resid=1)
    found = digits_of_line(folder)
    assert found["coefficients"] == pytest.approx(3)
    assert (found["standard_errors"], found["residual_sd"]) == (15, 15)


def test_a_wild_answer_counts_no_digits(folder: Path) -> None:
    answers(folder, coefficients={"b": exact("1e-9", "1"), "x": exact("1", "1")})
    assert digits_of_line(folder)["coefficients"] == 0


def test_without_intercept_the_formula_has_none(folder: Path) -> None:
    (folder / "Line.csv").write_text("x,y\n1,2\n2,4\n3,7\n")  # θ = Σxy / Σx² = 31/14
    answers(folder, intercept=False, coefficients={"x": exact(str(Decimal(31) / 14), "1")})
    assert digits_of_line(folder)["coefficients"] == 15


def test_cells_with_many_digits_and_integers_beyond_64_bits_are_read(folder: Path) -> None:
    rows = [(f"{Decimal(x) / 7:.60f}", x**25) for x in range(1, 9)]
    (folder / "Line.csv").write_text("x,x2,y\n" + "".join(f"{x},{x2},{3 * x2}\n" for x, x2 in rows))
    answers(
        folder, coefficients={"b": exact("0"), "x": exact("0"), "x2": exact("3")}, exact_rss="0"
    )
    answers(folder, exact_r_squared="1")
    found = digits_of_line(folder)
    assert (found["residual_sd"], found["r_squared"]) == (15, 15)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("x,y\n1,2\n", "found 1 rows for 2 coefficients"),
        ("x,y\n1,2\n1,3\n1,4\n", "found x = 1"),
        ("x,y\n1,2\n2,\n3,4\n", "row 2: column y"),
        ("x,y\n1,2\n2,inf\n3,4\n", "row 2: column y"),
    ],
)
def test_a_set_that_cannot_be_fitted_is_reported_beside_the_others(
    folder: Path, content: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("certified.json", "Norris.csv"):
        shutil.copy(NIST / name, folder)
    certified = json.loads((folder / "certified.json").read_text())
    (folder / "certified.json").write_text(json.dumps(certified | {"Line": certified["Norris"]}))
    (folder / "Line.csv").write_text(content)
    assert run(folder, "--json") == 1
    out, err = capsys.readouterr()
    digits = json.loads(out)
    assert set(digits["Line"].values()) == {0.0}
    assert digits["Norris"]["coefficients"] > 13
    assert err.startswith(f"error: {folder / 'Line.csv'}")
    assert reason in err
    assert err.count("\n") == 1


def test_answers_for_other_columns_are_reported(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(folder, coefficients={"b": exact("1"), "z": exact("1")})
    assert run(folder) == 1
    assert "has answers for other columns than Line.csv; found b, z" in capsys.readouterr().err


def test_mistakes_in_the_folder_are_one_line(folder: Path) -> None:
    answers(folder, coefficients={"x": 3})
    with pytest.raises(
        UserError, match=r"certified\.json: has a damaged answer for Line\.csv; found"
    ):
        certify.certify(folder)
    (folder / "Line.csv").rename(folder / "Other.csv")
    with pytest.raises(UserError, match=r"certified\.json: has no answer for Other\.csv"):
        certify.certify(folder)
    (folder / "Other.csv").unlink()
    with pytest.raises(UserError, match=r"holds no data set <name>\.csv"):
        certify.certify(folder)
    (folder / "certified.json").write_text("{")
    with pytest.raises(UserError, match=r"certified\.json: is damaged"):
        certify.certify(folder)
    (folder / "certified.json").unlink()
    with pytest.raises(UserError, match=r"must hold certified\.json"):
        certify.certify(folder)
    with pytest.raises(UserError, match=r"must hold certified\.json"):
        certify.certify(folder / "nowhere")
