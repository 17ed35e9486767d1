"""The terms of a formula with their coefficients, and which of them contain others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from linreg.arrays import Mask
from linreg.data.formula.design import Design
from linreg.data.formula.design_spec import coded_terms
from linreg.data.formula.formula import ParsedFormula, parse_formula

INTERCEPT = "b"
Terms = frozenset[int]
"""Numbers of terms, from 0 in the order of the formula."""


@dataclass(frozen=True)
class FormulaTerm:
    """A term as it stands in the formula.

    factors       the texts of its factors
    coefficients  where those that were estimated are in (b, θ)
    """

    text: str
    factors: frozenset[str]
    coefficients: tuple[int, ...]


@dataclass(frozen=True)
class FormulaTerms:
    """The terms of a formula; the intercept and absorbed factors are none of them."""

    parsed: ParsedFormula
    terms: tuple[FormulaTerm, ...]

    @classmethod
    def of_design(cls, design: Design, kept: Mask) -> "FormulaTerms":
        """Return the terms of a design; of (b, θ) those count that were `kept` (M + 1,)."""
        schema = design.schema
        categories = {name for name, each in schema.columns.items() if each.kind == "category"}
        parsed = parse_formula(schema.formula, [], frozenset(categories))
        sizes = iter([len(term.names) for term in design.terms if not term.is_absorbed])
        terms = []
        start = 1 + sum(factor.size for factor in design.absorbed)
        for term, parts in zip(parsed.terms, coded_terms(parsed), strict=True):
            end = start + sum(next(sizes) for _ in parts)
            chosen = np.arange(start, end)[kept[start:end]]
            texts = [factor.text for factor in term]
            terms.append(FormulaTerm(":".join(texts), frozenset(texts), tuple(chosen.tolist())))
            start = end
        return cls(parsed, tuple(terms))

    @property
    def all(self) -> Terms:
        """All terms."""
        return frozenset(range(len(self.terms)))

    def containing(self, term: int, among: Collection[int]) -> Terms:
        """Return the terms that contain another one: interactions of it, such as a:b of a."""
        factors = self.terms[term].factors
        return frozenset(each for each in among if factors < self.terms[each].factors)

    def droppable(self, present: Terms) -> list[int]:
        """Return the terms that no other one contains, and without which others keep their coding.

        That is R's `drop.scope`. A category that is coded with all its levels in place of the
        intercept is like the intercept, which is never dropped.
        """
        return [
            term
            for term in sorted(present)
            if not self.containing(term, present) and self.is_coded_alike(present - {term})
        ]

    def addable(self, present: Terms) -> list[int]:
        """Return the terms all of whose margins are there: R's `add.scope`."""
        missing = self.all - present
        return [
            term
            for term in sorted(missing)
            if not any(self.terms[each].factors < self.terms[term].factors for each in missing)
            and self.is_coded_alike(present | {term})
        ]

    def formula(self, present: Collection[int]) -> ParsedFormula:
        """Return the formula with some of its terms, in their order."""
        return replace(self.parsed, terms=tuple(self.parsed.terms[i] for i in sorted(present)))

    def is_coded_alike(self, present: Collection[int]) -> bool:
        """Tell whether the terms have the same columns in a formula without the others."""
        if not present and not self.parsed.intercept:
            return False
        coding = coded_terms(self.formula(present))
        return coding == [self._coding[i] for i in sorted(present)]

    @cached_property
    def _coding(self) -> Sequence[object]:
        return coded_terms(self.parsed)
