import argparse
import json
import re
import shutil
from pathlib import Path

import pytest

from linreg.commands import certify
from linreg.verify.certified_values import QUANTITIES

NIST = Path(__file__).parents[1] / "data/nist"


def run(folder: Path, *options: str) -> int:
    parser = argparse.ArgumentParser()
    certify.add_arguments(parser)
    return certify.run(parser.parse_args([str(folder), *options]))


def test_json_and_table_have_the_same_digits(capsys: pytest.CaptureFixture[str]) -> None:
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
        [name, *(f"{each[key]:.1f}" for key in QUANTITIES)] for name, each in digits.items()
    ]
    assert {len(row) for row in rows} == {len(header)}


def test_a_set_that_cannot_be_fitted_is_one_line_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(NIST / "certified.json", tmp_path)
    (tmp_path / "Norris.csv").write_text("x,y\n1,2\n")
    assert run(tmp_path, "--json") == 1
    out, err = capsys.readouterr()
    assert set(json.loads(out)["Norris"].values()) == {0.0}
    assert err.startswith(f"error: {tmp_path / 'Norris.csv'}: ")
    assert err.count("\n") == 1
