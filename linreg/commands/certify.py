"""`linreg certify FOLDER`: how many digits of known answers the exact solver finds.

The folder holds data sets `<name>.csv`, whose last column is the target, and certified.json with
their answers in the layout of tests/data/nist. Each is fitted on all its rows as `y ~ .` (`y ~ 0 +
.` without an intercept).
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from linreg.data.formula.design import Design
from linreg.data.formula.formula import quote_name
from linreg.data.ingest.checks import check_nothing_missing
from linreg.data.ingest.columns import columns_to_read
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.ingest.profile import profile_columns
from linreg.data.source import open_source, typed_table
from linreg.errors import UserError
from linreg.evaluation.inference import Inference, inference
from linreg.files import read_json
from linreg.fit.exact.elimination import DIGITS
from linreg.fit.exact.least_squares import solve
from linreg.fit.exact.moments import Moments

ANSWERS = "certified.json"
MOST_DIGITS = 15
"""No more are counted: float64 has hardly 16."""
HEADERS = {
    "coefficients": "worst coefficient",
    "standard_errors": "worst standard error",
    "residual_sd": "residual sd",
    "r_squared": "  R²",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folder, and whether to print JSON."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help=f"data sets <name>.csv and {ANSWERS}"
    )
    parser.add_argument("--json", action="store_true", help="print the digits as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the digits (LRE) of each data set; 1 when one of them could not be fitted, which counts
    as no digits.
    """
    digits, failures = certify(arguments.folder)
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(digits, indent=2, allow_nan=False))
    else:
        width = max(map(len, ["digits of", *digits]))
        print("  ".join(["digits of".ljust(width), *HEADERS.values()]))
        for name, each in digits.items():
            print(
                "  ".join(
                    [
                        name.ljust(width),
                        *(f"{each[key]:{len(title)}.1f}" for key, title in HEADERS.items()),
                    ]
                )
            )
    return 1 if failures else 0


def certify(folder: Path) -> tuple[dict[str, dict[str, float]], list[UserError]]:
    """Return the digits by data set and kind of number, and why data sets could not be fitted.

    Raises UserError for a folder without data sets or with answers that are missing or damaged.
    """
    answers = folder / ANSWERS
    if not answers.is_file():
        raise UserError(
            folder,
            f"must hold {ANSWERS} with the answers",
            todo="name a folder like tests/data/nist",
        )
    certified = read_json(answers)
    digits: dict[str, dict[str, float]] = {}
    failures: list[UserError] = []
    for file in sorted(folder.glob("*.csv")):
        exact = _exact(certified, file.stem, answers)
        try:
            digits[file.stem] = _digits(file, exact)
        except UserError as failure:
            failures.append(failure)
            digits[file.stem] = dict.fromkeys(HEADERS, 0.0)
    if not digits:
        raise UserError(folder, "holds no data set <name>.csv")
    return digits, failures


@dataclass(frozen=True)
class _Exact:
    """The answers for a data set: estimate and standard error by coefficient, and of the whole."""

    intercept: bool
    coefficients: Mapping[str, tuple[Decimal, Decimal]]
    residual_sd: Decimal
    r2: Decimal


def _exact(certified: Any, name: str, path: Path) -> _Exact:
    if not isinstance(certified, dict) or name not in certified:
        raise UserError(path, f"has no answer for {name}.csv", todo="add it, or take the file away")
    answer = certified[name]
    try:
        with localcontext(DIGITS):
            return _Exact(
                bool(answer["intercept"]),
                {
                    key: (Decimal(each["exact_estimate"]), Decimal(each["exact_sd"]))
                    for key, each in answer["coefficients"].items()
                },
                (Decimal(answer["exact_rss"]) / int(answer["df_resid"])).sqrt(),
                Decimal(answer["exact_r_squared"]),
            )
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise UserError(path, f"has a damaged answer for {name}.csv", found=repr(error)) from None


def _digits(file: Path, exact: _Exact) -> dict[str, float]:
    found = _fit(file, exact.intercept)
    by_name = {each.name: each for each in found.coefficients}
    if set(by_name) != set(exact.coefficients):
        where = file.with_name(ANSWERS)
        raise UserError(
            where,
            f"has answers for other columns than {file.name}",
            found=", ".join(exact.coefficients),
        )
    estimates = [
        _agreement(by_name[key].estimate, value) for key, (value, _) in exact.coefficients.items()
    ]
    errors = [
        _agreement(by_name[key].usual.standard_error, value)
        for key, (_, value) in exact.coefficients.items()
    ]
    return {
        "coefficients": min(estimates),
        "standard_errors": min(errors),
        "residual_sd": _agreement(found.sigma, exact.residual_sd),
        "r_squared": _agreement(found.r2, exact.r2),
    }


def _fit(file: Path, intercept: bool) -> Inference:
    """Fit the file's last column to the others, the way of the pipeline: readers, schema, design,
    moments, solver.
    """
    source = open_source(file)
    formula = f"{quote_name(source.columns[-1])} ~ {'' if intercept else '0 + '}."
    with tempfile.TemporaryDirectory() as scratch:
        table = typed_table(source, columns_to_read(formula, source, {}), Path(scratch))
        profiles = profile_columns(table)
        schema = make_schema(formula, profiles, table, {}, fill_missing=False)
        check_nothing_missing(profiles, schema, {})
        design = Design.fit(schema, (part.rows for part in table.parts()))
        moments = Moments.zero(len(design.names))
        for part in table.parts():
            X = design.matrix(part.rows, part.origin, part.first_row)
            moments.add(X, design.target(part.rows, part.origin, part.first_row))
    try:
        return inference(solve(moments, design.names, schema.intercept))
    except UserError as error:
        raise UserError(file, str(error)) from None


def _agreement(found: float | None, exact: Decimal) -> float:
    """LRE = -log10(|found − exact| / |exact|), or of |found| for an exact 0; between 0 and 15."""
    if found is None:
        return 0.0
    with localcontext(DIGITS):
        error = abs(Decimal(found) - exact) / (abs(exact) or 1)
        return float(
            min(max(-error.log10(), Decimal(0)), Decimal(MOST_DIGITS)) if error else MOST_DIGITS
        )
