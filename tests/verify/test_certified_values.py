import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from linreg.errors import UserError
from linreg.verify.certified_values import QUANTITIES, certify

NIST = Path(__file__).parents[1] / "data/nist"
BARS = {"Norris": 13.7, "Longley": 14.4, "Wampler1": 14.7, "Wampler4": 14.7, "NoInt1": 14.7}
"""0.3 digits less than what is left when the decimals of the data are rounded to float64."""


def exact(estimate: str, sd: str = "0") -> dict[str, str]:
    return {"exact_estimate": estimate, "exact_sd": sd}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one data set: y = 3x + 1 at x = 0 to 3, with one cell off by 0.5."""
    values: dict[str, Any] = {
        "intercept": True,
        "coefficients": {"b": exact("1.2", "0.3"), "x": exact("2.9", "0.1")},
        "exact_rss": "0.2",
        "exact_r_squared": "0.9976",
        "df_resid": 2,
    }
    (tmp_path / "certified.json").write_text(json.dumps({"Line": values}))
    (tmp_path / "Line.csv").write_text("x,y\n0,1\n1,4\n2,7.5\n3,10\n")
    return tmp_path


def change_values(folder: Path, **changes: Any) -> None:
    certified = json.loads((folder / "certified.json").read_text())
    certified["Line"] |= changes
    (folder / "certified.json").write_text(json.dumps(certified))


def digits_of_line(folder: Path) -> dict[str, float]:
    found = certify(folder)
    assert not found.failures
    return found.digits["Line"]


def test_nist_sets_reach_what_float64_allows() -> None:
    found = certify(NIST)
    assert not found.failures
    assert set(found.digits) == set(BARS)
    for name, bar in BARS.items():
        for quantity in QUANTITIES:
            assert found.digits[name][quantity] >= bar, f"{quantity} of {name}"


def test_the_digits_of_the_nist_sets_are_these() -> None:
    digits = certify(NIST).digits
    assert {name: [round(each[key], 1) for key in QUANTITIES] for name, each in digits.items()} == {
        "Longley": [14.7, 15.0, 15.0, 15.0],
        "NoInt1": [15.0, 15.0, 15.0, 15.0],
        "Norris": [14.0, 14.0, 14.0, 15.0],
        "Wampler1": [15.0, 15.0, 15.0, 15.0],
        "Wampler4": [15.0, 15.0, 15.0, 15.0],
    }


def test_digits_are_log_relative_errors(folder: Path) -> None:
    # By hand: θ = 3.05, b = 1.05, Σ(y − ỹ)² = 0.175, Σ(y − ȳ)² = 46.6875.
    found = digits_of_line(folder)
    assert found["coefficients"] == pytest.approx(
        -float((Decimal("0.15") / Decimal("1.2")).log10())
    )
    change_values(
        folder, exact_rss="0.175", exact_r_squared=str(1 - Decimal("0.175") / Decimal("46.6875"))
    )
    better = digits_of_line(folder)
    assert (better["residual_sd"], better["r_squared"]) == (15, 15)
    assert better["coefficients"] == found["coefficients"]


def test_of_a_certified_0_the_absolute_error_counts(folder: Path) -> None:
    (folder / "Line.csv").write_text("x,y\n-1,0.001\n0,0\n1,-0.001\n")
    change_values(
        folder, coefficients={"b": exact("0"), "x": exact("0")}, exact_rss="0", df_resid=1
    )
    found = digits_of_line(folder)
    assert found["coefficients"] == pytest.approx(3)
    assert (found["standard_errors"], found["residual_sd"]) == (15, 15)


def test_a_value_without_any_agreement_has_0_digits(folder: Path) -> None:
    change_values(folder, coefficients={"b": exact("1e-9", "1"), "x": exact("1", "1")})
    assert digits_of_line(folder)["coefficients"] == 0


def test_without_intercept_the_formula_has_none(folder: Path) -> None:
    # θ = Σxy / Σx² = 31/14.
    (folder / "Line.csv").write_text("x,y\n1,2\n2,4\n3,7\n")
    change_values(folder, intercept=False, coefficients={"x": exact(str(Decimal(31) / 14), "1")})
    assert digits_of_line(folder)["coefficients"] == 15


def test_cells_with_many_digits_and_integers_beyond_64_bits_are_read(folder: Path) -> None:
    rows = [(f"{Decimal(x) / 7:.60f}", x**25) for x in range(1, 9)]
    (folder / "Line.csv").write_text("x,x2,y\n" + "".join(f"{x},{x2},{3 * x2}\n" for x, x2 in rows))
    change_values(
        folder, coefficients={"b": exact("0"), "x": exact("0"), "x2": exact("3")}, exact_rss="0"
    )
    change_values(folder, exact_r_squared="1")
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
def test_a_set_that_cannot_be_fitted_has_0_digits_and_the_others_are_fitted(
    folder: Path, content: str, reason: str
) -> None:
    for name in ("certified.json", "Norris.csv"):
        shutil.copy(NIST / name, folder)
    certified = json.loads((folder / "certified.json").read_text())
    (folder / "certified.json").write_text(json.dumps(certified | {"Line": certified["Norris"]}))
    (folder / "Line.csv").write_text(content)
    found = certify(folder)
    assert set(found.digits["Line"].values()) == {0.0}
    assert found.digits["Norris"]["coefficients"] > 13
    (failure,) = map(str, found.failures)
    assert failure.startswith(str(folder / "Line.csv"))
    assert reason in failure


def test_values_for_other_columns_are_a_failure(folder: Path) -> None:
    change_values(folder, coefficients={"b": exact("1"), "z": exact("1")})
    (failure,) = map(str, certify(folder).failures)
    assert failure.endswith("has values for other columns than Line.csv; found b, z")


def test_mistakes_in_the_folder_are_one_line(folder: Path) -> None:
    change_values(folder, coefficients={"x": 3})
    with pytest.raises(
        UserError, match=r"certified\.json: has damaged values for Line\.csv; found"
    ):
        certify(folder)
    (folder / "Line.csv").rename(folder / "Other.csv")
    with pytest.raises(UserError, match=r"certified\.json: has no values for Other\.csv"):
        certify(folder)
    (folder / "Other.csv").unlink()
    with pytest.raises(UserError, match=r"holds no data set <name>\.csv"):
        certify(folder)
    (folder / "certified.json").write_text("{")
    with pytest.raises(UserError, match=r"certified\.json: is damaged"):
        certify(folder)
    (folder / "certified.json").unlink()
    with pytest.raises(UserError, match=r"must hold certified\.json"):
        certify(folder)
    with pytest.raises(UserError, match=r"must hold certified\.json"):
        certify(folder / "nowhere")
