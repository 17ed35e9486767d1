"""Collinear columns: their linear dependencies in the units of the data, as text."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from linreg.errors import UserError
from linreg.fit.exact.moment_sums.elimination import Elimination
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.ldl import LinearDependency

TRAINING_ROWS = "the training rows"
OF_LEVELS = "a number for each level of"
"""Where a category was eliminated, its levels count as columns before all others."""
ZERO = "0"
"""The dependency of a column that is 0 in all rows that count."""
NEGLIGIBLE = 1e-8
"""A term is left out of the text of a dependency if it is at most this part of the column."""


def describe_dependencies(
    dependencies: Sequence[LinearDependency],
    equations: NormalEquations,
    names: Sequence[str],
    absorbed: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return, by the name of each dropped column, its dependency: `2·x1`, `1 − x1`, `5`.

    absorbed  the factor of each column of an absorbed one, by name
    """
    dropped = {}
    for dependency in dependencies:
        column = equations.first + dependency.column
        negligible = NEGLIGIBLE * equations.roundings[column].norm
        terms = {}
        for index, coefficient in dependency.coefficients.items():
            j = equations.first + index
            if abs(float(coefficient)) * equations.roundings[j].norm > negligible:
                name = names[j - 1] if j else ""
                terms[name] = float(equations.in_units(coefficient, of=column, per=j))
        factors = dict.fromkeys(absorbed[name] for name in terms if name in absorbed)
        text = format_linear_combination({n: c for n, c in terms.items() if n not in absorbed})
        parts = [text] if text != ZERO or not factors else []
        parts += [f"{OF_LEVELS} {factor}" for factor in factors]
        dropped[names[column - 1]] = " + ".join(parts)
    return dropped


def describe_levels(
    dropped: Mapping[str, str],
    dependencies: Sequence[LinearDependency],
    equations: NormalEquations,
    elimination: Elimination,
    names: Sequence[str],
    absorbed: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return, by name, the dependencies in which levels that were eliminated have a part.

    dropped, dependencies  of columns that are none of these levels, within the levels
    names                  of all columns of X
    absorbed               as above

    A level without a weight is 0.
    """
    means, lengths = elimination.means[0], np.sqrt(elimination.weights[0])
    found = {}
    for name, dependency in zip(dropped, dependencies, strict=True):
        column = equations.first + dependency.column
        of_levels = means[:, column].copy()
        for index, coefficient in dependency.coefficients.items():
            of_levels -= float(coefficient) * means[:, equations.first + index]
        negligible = NEGLIGIBLE * equations.roundings[column].norm
        involved = elimination.columns[np.abs(of_levels) * lengths > negligible]
        categories = dict.fromkeys(
            absorbed.get(names[j]) or names[j].partition("[")[0] for j in involved.tolist()
        )
        others = [] if dropped[name] == ZERO else [dropped[name]]
        if categories:
            found[name] = " + ".join([*others, *(f"{OF_LEVELS} {each}" for each in categories)])
    without_weight = elimination.columns[lengths == 0]
    return found | {names[j]: ZERO for j in without_weight.tolist()}


def without_absorbed(dropped: Mapping[str, str], absorbed: Collection[str]) -> dict[str, str]:
    """Return the dependencies of the columns that are not among those of absorbed factors.

    That levels of several factors are collinear changes no coefficient but theirs.
    """
    return {name: text for name, text in dropped.items() if name not in absorbed}


def collinear_error(
    dropped: Mapping[str, str], with_weight: str = "", consequence: str = "", remedy: str = ""
) -> UserError:
    """Return the error that names collinear columns with their linear dependencies.

    with_weight  words for the rows that count, unless all do
    consequence  what follows from it
    remedy       what to do, besides leaving the columns out
    """
    by_level = any(OF_LEVELS in dependency for dependency in dropped.values())
    column, are, them = _one_or_several(dropped)
    others = "other columns" if by_level else f"columns before {them}"
    return UserError(
        f"{TRAINING_ROWS}{with_weight}: {column}",
        f"{are} collinear with {others}{consequence}",
        found=", ".join(f"{name} = {dependency}" for name, dependency in dropped.items()),
        todo=f"leave {them} out of model.formula{remedy}, or set train.collinear: drop",
    )


def weightless_error(names: Sequence[str]) -> UserError:
    """Return the error that names columns that are not 0 in rows of weight 0 only."""
    column, are, _ = _one_or_several(names)
    return UserError(
        f"{TRAINING_ROWS}: {column}",
        f"{are} 0 in all rows with a weight above 0",
        todo="leave out the rows of weight 0 by ingest.where, or set train.collinear: drop",
    )


def _one_or_several(names: Collection[str]) -> tuple[str, str, str]:
    """Return the columns in words, with a verb and a pronoun for them."""
    is_one = len(names) == 1
    words = ("column", "is", "it") if is_one else ("columns", "are", "them")
    return (f"{words[0]} {', '.join(names)}", *words[1:])


def format_linear_combination(terms: Mapping[str, float]) -> str:
    """Write coefficients by column, with the constant under the name '': `3 + 2·x1 − x2`."""
    text = ""
    for name, value in terms.items():
        size = f"{abs(value):.6g}"
        if not name:
            term = size
        elif size == "1":
            term = name
        else:
            term = f"{size}·{name}"
        if text:
            text += f" − {term}" if value < 0 else f" + {term}"
        else:
            text = f"−{term}" if value < 0 else term
    return text or ZERO
