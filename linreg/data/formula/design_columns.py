"""The columns of X that a term of the formula has: their names, and their values in some rows."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.data.formula.column_statistics import ColumnStatistics, Level
from linreg.data.formula.compact_matrix import Codes
from linreg.data.formula.expressions import Learned
from linreg.data.formula.factors import FactorValues
from linreg.data.formula.functions.contrasts import TREATMENT, coding_matrix, column_names
from linreg.data.formula.functions.learning import WHERE
from linreg.data.formula.grammar.coefficient_names import (
    FactorKey,
    factor_labels,
    key_of,
    quoted_label,
)
from linreg.data.formula.grammar.monomials import Powers, exponents_of, exponents_of_column
from linreg.data.formula.grammar.syntax import parse
from linreg.data.formula.learned_functions import basis_factor
from linreg.data.formula.schema import Schema, category_of
from linreg.errors import UserError

Factor: TypeAlias = Mapping[str, Any]
"""A factor of a schema."""
Indices: TypeAlias = tuple[int | None, ...]
"""By factor of a term, which of its columns: of a category the level, or the column of its
contrast; None for a number.
"""


class DesignColumns:
    """The columns of the terms of a schema, given what was learned from the training rows."""

    def __init__(
        self, schema: Schema, statistics: Mapping[str, ColumnStatistics], learned: Learned
    ) -> None:
        self._schema = schema
        self._statistics = statistics
        self._learned = learned
        self._codings: dict[tuple[str, int], Floats] = {}
        self._known_exponents: dict[tuple[FactorKey, int | None], Counter[str] | None] = {}

    @cached_property
    def labels(self) -> dict[FactorKey, str]:
        """What each factor is called in the names of terms and coefficients."""
        return factor_labels(self._schema.factors)

    def most_columns(self, term: Sequence[Factor]) -> int:
        """Return an upper bound on a term's columns, the reference levels counted."""
        return math.prod(self._most_columns_of_factor(factor) for factor in term)

    def of_term(
        self, term: Sequence[Factor], *, quoted: bool = False
    ) -> Iterator[tuple[str, Indices]]:
        """Yield name and indices of a term's columns.

        The columns of the first factor vary fastest, as in R and formulaic. With `quoted`, columns
        of the table that are no identifiers stand in back-quotes.
        """
        choices = [self._of_factor(factor, quoted) for factor in reversed(term)]
        for combination in product(*choices):
            in_order = combination[::-1]
            yield ":".join(name for name, _ in in_order), tuple(index for _, index in in_order)

    @cached_property
    def has_powers(self) -> bool:
        """Whether any column has a factor that is a number to a power of 2 or more."""
        numbers = [each for each in self._schema.factors if each["kind"] != "category"]
        indices = [self._of_factor(factor, quoted=False)[-1][1] for factor in numbers]
        exponents = map(self._exponents, numbers, indices)
        return any(max(each.values(), default=0) > 1 for each in exponents if each)

    def powers(self, term: Sequence[Factor], indices: Indices) -> Powers | None:
        """Return what a column is the product of; None where a factor is no number or indicator."""
        indicators, exponents = set(), Counter[str]()
        for factor, index in zip(term, indices, strict=True):
            if factor["kind"] == "category":
                if not has_indicators(factor):
                    return None
                indicators.add((key_of(factor), index))
                continue
            of_factor = self._exponents(factor, index)
            if of_factor is None:
                return None
            exponents += of_factor
        return Powers(frozenset(indicators), exponents)

    def fill(
        self, column: Floats, term: Sequence[Factor], indices: Indices, values: FactorValues
    ) -> None:
        """Write the product of a term's factors into a column of X (n,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            for k, (factor, index) in enumerate(zip(term, indices, strict=True)):
                factor_values = self._values(factor, index, values)
                column[:] = column * factor_values if k else factor_values

    def codes(self, factor: Factor, columns: Sequence[Indices], values: FactorValues) -> Codes:
        """Return the column of each row (n,) among those of a category; −1 for none."""
        # The last one is for rows with no level.
        of_levels = np.full(len(self.levels(factor)) + 1, -1, np.int32)
        for column, (level,) in enumerate(columns):
            of_levels[level] = column
        return of_levels[self.level_codes(factor, values)]

    def levels(self, factor: Factor) -> tuple[Level, ...]:
        """Return the levels that have a column or are the reference, that of all others last."""
        levels, other = self._learned_levels(factor)
        return (*levels, other) if other else levels

    def level_codes(self, factor: Factor, values: FactorValues) -> NDArray[np.int32]:
        """Return the index in `levels` of each row's level (n,); -1 for a row with none."""
        levels, other = self._learned_levels(factor)
        of_others = None
        if other:
            of_others = len(levels)
        elif category_of(factor) in self._schema.categories_with_base:
            of_others = -1
        return values.level_codes(factor, levels, of_others)

    def reference_level(self, factor: Factor) -> Level | None:
        """Return the level that the others are compared with, if there is one."""
        levels = self.levels(factor)
        if factor["full"] or "contrast" in factor or not levels:
            return None
        return levels[self._reference_index(factor, levels)]

    def _learned_levels(self, factor: Factor) -> tuple[tuple[Level, ...], str | None]:
        if "of" in factor:
            learned = self._learned[factor["of"]]
            return tuple(learned["levels"]), learned.get("other")
        statistics = self._statistics[factor["columns"][0]]
        assert statistics.levels is not None, "fit() collects the levels of every category"
        return statistics.levels, statistics.other

    def _most_columns_of_factor(self, factor: Factor) -> int:
        match factor["kind"]:
            case "number":
                return 1
            case "basis":
                return basis_factor(factor["factor"]).basis.num_columns
        return max(1, len(self.levels(factor)))

    def _of_factor(self, factor: Factor, quoted: bool) -> list[tuple[str, int | None]]:
        label = quoted_label(factor) if quoted else self.labels[key_of(factor)]
        match factor["kind"]:
            case "number":
                return [(label, None)]
            case "basis":
                size = basis_factor(factor["factor"]).basis.num_columns
                return [(f"{label}[{j + 1}]", j) for j in range(size)]
        levels = self.levels(factor)
        contrast = factor.get("contrast", TREATMENT)
        if factor["full"]:
            return [(f"{label}[{level}]", i) for i, level in enumerate(levels)]
        if contrast != TREATMENT:
            names = column_names(label, contrast, levels)
            return [(name, j) for j, name in enumerate(names)]
        reference = self._reference_index(factor, levels)
        # T marks treatment coding: the other levels are compared with a reference level.
        return [(f"{label}[T.{level}]", i) for i, level in enumerate(levels) if i != reference]

    def _values(self, factor: Factor, index: int | None, values: FactorValues) -> NDArray[Any]:
        if index is None:
            return values.number(factor)
        if factor["kind"] == "basis":
            return values.basis(factor)[index]
        codes = self.level_codes(factor, values)
        if has_indicators(factor):
            is_level: Mask = codes == index
            return is_level
        # The last row is for rows with no level.
        coding = self._coding(factor["contrast"], len(self.levels(factor)))
        of_level: Floats = np.append(coding[:, index], 0.0)[codes]
        return of_level

    def _exponents(self, factor: Factor, index: int | None) -> Counter[str] | None:
        key = (key_of(factor), index)
        if key not in self._known_exponents:
            self._known_exponents[key] = _exponents(factor, index)
        return self._known_exponents[key]

    def _coding(self, contrast: str, num_levels: int) -> Floats:
        key = (contrast, num_levels)
        if key not in self._codings:
            self._codings[key] = coding_matrix(contrast, num_levels)
        return self._codings[key]

    def _reference_index(self, factor: Factor, levels: tuple[Level, ...]) -> int:
        """Return the index of the level without a column."""
        if factor["base"] is None:
            return 0
        if factor["base"] not in levels:
            raise UserError(
                WHERE,
                f"the reference level of {factor['factor']} is not in the training rows",
                found=repr(factor["base"]),
                todo=f"use one of {', '.join(map(repr, levels[:20]))}",
            )
        return levels.index(factor["base"])


def has_indicators(factor: Factor) -> bool:
    """Return whether the columns of a category are indicators of its levels."""
    return factor["full"] or "contrast" not in factor


def _exponents(factor: Factor, index: int | None) -> Counter[str] | None:
    """Return what a column of a factor that is no category is the product of, if it is known."""
    if index is None:
        if factor["columns"] == [factor["factor"]]:
            return exponents_of_column(factor["factor"])
        return exponents_of(parse(factor["factor"]))
    basis = basis_factor(factor["factor"]).basis
    if not basis.are_powers:
        return None
    exponents = exponents_of(basis.argument)
    return Counter({text: (index + 1) * each for text, each in exponents.items()})
