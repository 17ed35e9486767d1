"""What the columns of a design matrix X are: their terms, their names and where they lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.column_statistics import ColumnStatistics, Level
from linreg.data.formula.compact_matrix import (
    MIN_INDICATORS,
    WIDE,
    AbsorbedFactor,
    Indicators,
    Layout,
    Monomial,
)
from linreg.data.formula.design_columns import DesignColumns, has_indicators
from linreg.data.formula.expressions import Learned, expression_of
from linreg.data.formula.functions.learning import WHERE
from linreg.data.formula.grammar.coefficient_names import key_of, unique_names
from linreg.data.formula.grammar.monomials import factors_of
from linreg.data.formula.learned_functions import basis_factor
from linreg.data.formula.schema import Schema
from linreg.errors import UserError

MOST_COLUMNS = 1_000_000
"""Of X: so many are counted and named within seconds."""
MOST_LEVELS = 10_000_000
"""Of absorbed factors, whose columns are not reported."""


class DesignTerm(NamedTuple):
    """A term of the formula and its columns of X.

    text              as in the formula, such as `zone:age`
    names             of its columns
    reference_levels  by factor, the level without a column, with which the others are compared
    is_absorbed       whether its coefficients are not reported
    """

    text: str
    names: tuple[str, ...]
    reference_levels: Mapping[str, Level]
    is_absorbed: bool = False


@dataclass(frozen=True)
class DesignInfo:
    """A formula's terms and the statistics of its columns: what X (n, M) and its columns are.

    learned  what functions of the formula have learned from the training rows
    """

    schema: Schema
    statistics: Mapping[str, ColumnStatistics]
    learned: Learned = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the M columns of X, those of θ, all different (`coefficient_names.py`)."""
        self._require_few_columns()

        def names(quoted: bool) -> list[str]:
            terms = self.schema.terms
            of_term = self.columns.of_term
            return [name for term in terms for name, _ in of_term(term, quoted=quoted)]

        return unique_names(names(quoted=False), lambda: names(quoted=True))

    def _require_few_columns(self) -> None:
        counts = [0, 0]
        for term in self.schema.terms:
            counts[is_absorbed(term)] += self.columns.most_columns(term)
        todo = "take fewer of them in one term"
        for count, limit in zip(counts, (MOST_COLUMNS, MOST_LEVELS), strict=True):
            if count > limit:
                what = f"makes more than {limit} columns of its categories"
                raise UserError(WHERE, what, found=count, todo=todo)

    @cached_property
    def reference_levels(self) -> dict[str, Level]:
        """By category, the level that the others are compared with; none for a full category."""
        terms = [term for term in self.terms if not term.is_absorbed]
        return {name: level for term in terms for name, level in term.reference_levels.items()}

    @cached_property
    def terms(self) -> tuple[DesignTerm, ...]:
        """The terms in the order of the formula; their columns are those of X in its order."""
        terms = []
        names = iter(self.names)
        for term in self.schema.terms:
            own = tuple(name for _, name in zip(self.columns.of_term(term), names, strict=False))
            labels = [self.columns.labels[key_of(factor)] for factor in term]
            references = {
                label: level
                for label, factor in zip(labels, term, strict=True)
                if factor["kind"] == "category"
                and (level := self.columns.reference_level(factor)) is not None
            }
            text = ":".join(labels)
            terms.append(DesignTerm(text, own, references, is_absorbed(term)))
        return tuple(terms)

    @cached_property
    def absorbed(self) -> tuple[AbsorbedFactor, ...]:
        """The absorbed factors, whose columns are the first ones of X."""
        absorbed = []
        first = 0
        for term in filter(is_absorbed, self.schema.terms):
            size = sum(1 for _ in self.columns.of_term(term))
            name, num_levels = term[0]["columns"][0], len(self.columns.levels(term[0]))
            absorbed.append(AbsorbedFactor(name, num_levels, first, size))
            first += size
        return tuple(absorbed)

    @property
    def reported_names(self) -> tuple[str, ...]:
        """The names of the columns of X that belong to no absorbed factor: the last ones."""
        return self.names[sum(factor.size for factor in self.absorbed) :]

    def level_effects(self, theta: Floats) -> dict[str, dict[Level, float]]:
        """Return θ of the levels of absorbed factors, by column of the table; 0 for a reference."""
        effects = {}
        for term, factor in zip(self.schema.terms, self.absorbed, strict=False):
            values = theta[factor.columns].tolist()
            levels = [level for _, (level,) in self.columns.of_term(term)]
            of_columns = dict(zip(levels, values, strict=True))
            effects[factor.name] = {
                level: of_columns.get(i, 0.0)
                for i, level in enumerate(self.columns.levels(term[0]))
            }
        return effects

    @cached_property
    def layout(self) -> Layout:
        """The columns of X, and those of categories that `matrix` keeps as codes."""
        absorbed, categories = [], []
        first = 0
        for term in self.schema.terms:
            size = sum(1 for _ in self.columns.of_term(term))
            is_indicators = (
                len(term) == 1 and term[0]["kind"] == "category" and has_indicators(term[0])
            )
            if is_absorbed(term):
                absorbed += [Indicators(first, size)] if size else []
            elif is_indicators and size >= MIN_INDICATORS:
                categories.append(Indicators(first, size))
            first += size
        compact = [*absorbed, *(categories if first >= WIDE else ())]
        absorbed_factors = self.absorbed if absorbed else ()
        return Layout(first, tuple(compact), absorbed_factors, self._monomials())

    def _monomials(self) -> tuple[Monomial, ...]:
        """Return the columns that are powers of others."""
        # Most designs have none, and some of them 100,000 columns.
        if not self.columns.has_powers:
            return ()
        powers = (
            self.columns.powers(term, indices)
            for term in self.schema.terms
            for _, indices in self.columns.of_term(term)
        )
        return tuple(Monomial(j, factors) for j, factors in factors_of(powers).items())

    @cached_property
    def roundoffs(self) -> Floats:
        """The unit roundoffs (M + 1,) of the columns of X and of y: how exact their cells are.

        2^-24 for what is read from float32, 2^-53 for other types; those of factors add up.
        """
        of_X = [
            sum(self._roundoff(factor) for factor in term)
            for term in self.schema.terms
            for _ in self.columns.of_term(term)
        ]
        return np.array([*of_X, self._roundoff(self.schema.target)])

    @cached_property
    def columns(self) -> DesignColumns:
        """The columns of each term."""
        return DesignColumns(self.schema, self.statistics, self.learned)

    @cached_property
    def means(self) -> dict[str, float]:
        """The means that replace missing numbers, by column; empty unless the schema fills them."""
        if not self.schema.fill_missing:
            return {}
        means = {name: statistics.mean for name, statistics in self.statistics.items()}
        numbers = [name for name, each in self.schema.columns.items() if each.kind == "number"]
        return {name: mean for name in numbers if (mean := means[name]) is not None}

    @cached_property
    def number_columns(self) -> list[str]:
        """The columns that are read as numbers or times."""
        factors = [*self.schema.factors, *self.schema.offset]
        names = [
            name
            for factor in factors
            if factor["kind"] != "category" or "of" in factor
            for name in factor["columns"]
        ]
        return list(dict.fromkeys(names))

    @cached_property
    def trends(self) -> set[str]:
        """The times of which the training rows have a range that matters."""
        numbers = [*self.factors("number"), *self.schema.offset]
        expressions = [expression_of(each["factor"], each["columns"]) for each in numbers]
        expressions += [basis_factor(each["factor"]).argument for each in self.factors("basis")]
        return {name for each in expressions for name in each.trends}

    def factors(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the factors of a kind: number, basis or category."""
        return [factor for factor in self.schema.factors if factor["kind"] == kind]

    def _roundoff(self, factor: Mapping[str, Any]) -> float:
        types = [self.schema.columns[name].type for name in factor["columns"]]
        return 2.0**-24 if "float" in types else 2.0**-53


def is_absorbed(term: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a term of a schema is an absorbed factor."""
    return bool(term[0].get("absorbed"))
