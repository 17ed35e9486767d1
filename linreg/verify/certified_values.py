"""How many digits of certified values, such as NIST's, the exact solver finds.

A folder holds data sets `<name>.csv`, whose last column is the target, and certified.json with
their values in the layout of tests/data/nist.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from linreg.data.formula.design import Design
from linreg.data.formula.grammar.tokens import quote_name
from linreg.data.ingest.checks import check_nothing_missing
from linreg.data.ingest.columns import columns_to_read
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.ingest.profile import profile_columns
from linreg.data.rows import Chunk
from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table
from linreg.errors import UserError
from linreg.evaluation.inference import Inference, infer
from linreg.files import read_json
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.normal_equations.ldl import PRECISION
from linreg.fit.exact.second_pass import second_moments
from linreg.fit.exact.solver import solve

CERTIFIED = "certified.json"
QUANTITIES = ("coefficients", "standard_errors", "residual_sd", "r_squared")
MOST_DIGITS = 15
"""The precision of float64 is hardly 16 digits, so that more agree only by chance."""


@dataclass(frozen=True)
class Certification:
    """The digits that agree, by data set and quantity, and why data sets could not be fitted."""

    digits: dict[str, dict[str, float]]
    failures: list[UserError]


def certify(folder: Path) -> Certification:
    """Fit every data set of a folder; one that cannot be fitted has 0 digits.

    Raises UserError for a folder without data sets or with certified values that are missing or
    damaged.
    """
    path = folder / CERTIFIED
    if not path.is_file():
        todo = "name a folder like tests/data/nist"
        raise UserError(folder, f"must hold {CERTIFIED} with the certified values", todo=todo)
    document = read_json(path)
    found = Certification({}, [])
    for file in sorted(folder.glob("*.csv")):
        certified = _certified_values(document, file.stem, path)
        try:
            found.digits[file.stem] = _digits(file, certified)
        except UserError as failure:
            found.failures.append(failure)
            found.digits[file.stem] = dict.fromkeys(QUANTITIES, 0.0)
    if not found.digits:
        raise UserError(folder, "holds no data set <name>.csv")
    return found


@dataclass(frozen=True)
class _CertifiedValues:
    """The values for a data set; each coefficient has its estimate and its standard error."""

    intercept: bool
    coefficients: Mapping[str, tuple[Decimal, Decimal]]
    residual_sd: Decimal
    r2: Decimal


def _certified_values(document: Any, name: str, path: Path) -> _CertifiedValues:
    if not isinstance(document, dict) or name not in document:
        raise UserError(path, f"has no values for {name}.csv", todo="add them, or remove the file")
    values = document[name]
    try:
        with localcontext(PRECISION):
            return _CertifiedValues(
                bool(values["intercept"]),
                {
                    key: (Decimal(each["exact_estimate"]), Decimal(each["exact_sd"]))
                    for key, each in values["coefficients"].items()
                },
                (Decimal(values["exact_rss"]) / int(values["df_resid"])).sqrt(),
                Decimal(values["exact_r_squared"]),
            )
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise UserError(path, f"has damaged values for {name}.csv", found=repr(error)) from None


def _digits(file: Path, certified: _CertifiedValues) -> dict[str, float]:
    """Return the digits by quantity; of coefficients and standard errors the worst one counts."""
    fitted = _fit(file, certified.intercept)
    coefficients = {each.name: each for each in fitted.coefficients}
    if set(coefficients) != set(certified.coefficients):
        raise UserError(
            file.with_name(CERTIFIED),
            f"has values for other columns than {file.name}",
            found=", ".join(certified.coefficients),
        )
    estimates = []
    standard_errors = []
    for name, (estimate, standard_error) in certified.coefficients.items():
        found = coefficients[name]
        estimates.append(log_relative_error(found.estimate, estimate))
        standard_errors.append(log_relative_error(found.classical.standard_error, standard_error))
    return {
        "coefficients": min(estimates),
        "standard_errors": min(standard_errors),
        "residual_sd": log_relative_error(fitted.sigma, certified.residual_sd),
        "r_squared": log_relative_error(fitted.r2, certified.r2),
    }


def _fit(file: Path, intercept: bool) -> Inference:
    """Fit a file's last column to all others by the pipeline's own readers, design and solver."""
    source = open_source(file)
    formula = f"{quote_name(source.columns[-1])} ~ {'' if intercept else '0 + '}."
    with tempfile.TemporaryDirectory() as scratch:
        table = open_typed_table(source, columns_to_read(formula, source, {}), Path(scratch))
        profiles = profile_columns(table)
        schema = make_schema(formula, profiles, table, {}, fill_missing=False)
        check_nothing_missing(profiles, schema, {})
        design = Design.fit(schema, (part.rows for part in table.chunks()))
        chunks = [
            Chunk(
                design.matrix(part.rows, part.origin, part.first_row),
                design.target(part.rows, part.origin, part.first_row),
            )
            for part in table.chunks()
        ]
    moments = Moments.zero(len(design.names), roundoffs=design.roundoffs)
    for chunk in chunks:
        moments.add(*chunk)
    try:
        solution = solve(moments, design.names, schema.intercept)
        if solution.needs_second_pass:
            second = second_moments(solution, moments, chunks)
            solution = solve(moments, design.names, schema.intercept, second=second)
        return infer(solution, confidence=0.95)
    except UserError as error:
        raise UserError(file, str(error)) from None


def log_relative_error(found: float | None, certified: Decimal) -> float:
    """Return the LRE, -log10(|found − certified| / |certified|), within 0 and 15.

    For a certified 0 it is -log10(|found|), and 0 if nothing was found. McCullough, "Assessing the
    reliability of statistical software", The American Statistician 52 (1998), 358-366.
    """
    if found is None:
        return 0.0
    with localcontext(PRECISION):
        error = abs(Decimal(found) - certified) / (abs(certified) or 1)
        digits = -error.log10() if error else Decimal(MOST_DIGITS)
        return float(min(max(digits, Decimal(0)), Decimal(MOST_DIGITS)))
