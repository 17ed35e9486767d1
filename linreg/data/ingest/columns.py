"""Which columns of a table are used, and why the others are not."""

from collections.abc import Mapping, Sequence

from linreg.data.csv.header import suggest_name
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.schema import kind_of
from linreg.data.ingest.profile import MOST_LEVELS, Profiles
from linreg.data.source import Source
from linreg.errors import UserError
from linreg.params.split import split_column
from linreg.params.standard_errors import parse_errors

AuxiliaryColumns = Mapping[str, str]
"""Columns that are used without being features, each with the parameter that names it."""


def columns_by_parameter(
    split_by: str, weights: str | None, errors: str = "auto"
) -> list[tuple[str, str]]:
    """Return the auxiliary columns that `split.by`, `model.weights` and `evaluate.errors` name.

    Each comes with its parameter, which is first.
    """
    columns = [("split.by", split_column(split_by)), ("model.weights", weights)]
    columns += [("evaluate.errors", column) for column in parse_errors(errors).columns]
    return [(parameter, column) for parameter, column in columns if column]


def auxiliary_columns(split_by: str, weights: str | None, errors: str = "auto") -> AuxiliaryColumns:
    """Return the auxiliary columns, each with the first parameter that names it."""
    named = columns_by_parameter(split_by, weights, errors)
    return {column: parameter for parameter, column in reversed(named)}


def columns_to_read(formula: str, source: Source, auxiliary: AuxiliaryColumns) -> list[str]:
    """Return the columns that the formula and other parameters name, in the order of the file.

    Raises UserError for a name that the file does not have, and for an option without a meaning.
    """
    source.require_options_with_meaning()
    available = [name for name in source.columns if name]
    parsed = parse_formula(formula, [name for name in available if name not in auxiliary])
    needed = dict.fromkeys([*parsed.columns, *auxiliary])
    # Leaving out a column that the file does not have is a misspelled name.
    for name in [*needed, *parsed.removed]:
        if name not in available:
            parameter = auxiliary.get(name, "model.formula")
            raise UserError(
                f"{source.files[0]}: column {name}",
                f"is not in the file, but {parameter} needs it",
                found=", ".join(available),
                todo=suggest_name(name, available)
                or "correct the name; names with spaces go in `back-quotes`",
            )
    return [name for name in available if name in needed]


def excluded_from_dot(profiles: Profiles, auxiliary: AuxiliaryColumns) -> dict[str, str]:
    """Return the columns that `.` in a formula does not stand for, with the reason."""
    reasons = {}
    for name, profile in profiles.items():
        if name in auxiliary:
            reasons[name] = f"named by {auxiliary[name]}"
        elif kind_of(profile.type) in ("time", "other"):
            reasons[name] = "a time"
        elif profile.is_free_text:
            many = f"over {MOST_LEVELS:,}" if profile.levels is None else len(profile.levels)
            reasons[name] = f"free text, {many} different values in {profile.count} cells"
    return reasons


def unused_columns(
    source: Source, profiles: Profiles, used: Sequence[str], auxiliary: AuxiliaryColumns
) -> dict[str, str | None]:
    """Return the source's other columns, with the reason for those that `.` does not stand for."""
    reasons = excluded_from_dot(profiles, auxiliary)
    return {name: reasons.get(name) for name in source.columns if name and name not in used}
