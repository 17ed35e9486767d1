"""The design matrix X of a formula, with what it has to know of the training rows.

`Design.fit` reads the training rows once. All later rows, in training, evaluation or prediction, go
through `Design.matrix`, which needs no more than the plain data in model.json.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Floats, Mask
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.column_statistics import (
    ColumnStatistics,
    Level,
    RunningStatistics,
    merge_over_workers,
)
from linreg.data.formula.compact_matrix import (
    MIN_INDICATORS,
    WIDE,
    AbsorbedFactor,
    CompactMatrix,
    DesignMatrix,
    Indicators,
    Layout,
)
from linreg.data.formula.design_columns import DesignColumns
from linreg.data.formula.expressions import Learned, expression_of
from linreg.data.formula.factors import FactorValues
from linreg.data.formula.functions.learning import WHERE
from linreg.data.formula.grammar.coefficient_names import key_of, unique_names
from linreg.data.formula.learned_functions import FunctionLearning, basis_factor
from linreg.data.formula.row_errors import CollectingHandler, RaisingHandler, RowErrorHandler
from linreg.data.formula.schema import Schema, category_of
from linreg.data.tables.arrays import as_mask
from linreg.errors import UserError
from linreg.process.workers import ALONE, Workers

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
class Design:
    """A formula's terms and the statistics of its columns; makes X (n, M) and y (n,), float64."""

    schema: Schema
    statistics: Mapping[str, ColumnStatistics]
    learned: Learned = field(default_factory=dict)

    @classmethod
    def fit(cls, schema: Schema, tables: Iterable[pa.Table], workers: Workers = ALONE) -> "Design":
        """Read levels, means and ranges from the training rows, of which a process has `tables`.

        Functions that learn, such as `poly(x, 2)`, may have to read them more than once.
        """
        running = _running_statistics(schema)
        functions = FunctionLearning(schema)
        for table in tables:
            functions.update(table)
            for name, statistics in running.items():
                statistics.update(table.column(name))
        merged = _running_statistics(schema)
        merge_over_workers(running, merged, workers)
        references = schema.reference_levels
        return cls(
            schema,
            {
                name: statistics.result(
                    schema.pool, references.get(name, ()), schema.levels.get(name, ())
                )
                for name, statistics in merged.items()
            },
            functions.finish(tables, workers),
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the M columns of X, those of θ, all different (`coefficient_names.py`)."""
        self._require_few_columns()

        def names(quoted: bool) -> list[str]:
            terms = self.schema.terms
            of_term = self._columns.of_term
            return [name for term in terms for name, _ in of_term(term, quoted=quoted)]

        return unique_names(names(quoted=False), lambda: names(quoted=True))

    def _require_few_columns(self) -> None:
        counts = [0, 0]
        for term in self.schema.terms:
            counts[is_absorbed(term)] += self._columns.most_columns(term)
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
            own = tuple(name for _, name in zip(self._columns.of_term(term), names, strict=False))
            labels = [self._columns.labels[key_of(factor)] for factor in term]
            references = {
                label: level
                for label, factor in zip(labels, term, strict=True)
                if factor["kind"] == "category"
                and (level := self._columns.reference_level(factor)) is not None
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
            size = sum(1 for _ in self._columns.of_term(term))
            name, num_levels = term[0]["columns"][0], len(self._columns.levels(term[0]))
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
            levels = [level for _, (level,) in self._columns.of_term(term)]
            of_columns = dict(zip(levels, values, strict=True))
            effects[factor.name] = {
                level: of_columns.get(i, 0.0)
                for i, level in enumerate(self._columns.levels(term[0]))
            }
        return effects

    @cached_property
    def layout(self) -> Layout:
        """The columns of X, and those of categories that `matrix` keeps as codes."""
        absorbed, categories = [], []
        first = 0
        for term in self.schema.terms:
            size = sum(1 for _ in self._columns.of_term(term))
            is_indicators = (
                len(term) == 1
                and term[0]["kind"] == "category"
                and (term[0]["full"] or "contrast" not in term[0])
            )
            if is_absorbed(term):
                absorbed += [Indicators(first, size)] if size else []
            elif is_indicators and size >= MIN_INDICATORS:
                categories.append(Indicators(first, size))
            first += size
        compact = [*absorbed, *(categories if first >= WIDE else ())]
        return Layout(first, tuple(compact), self.absorbed if absorbed else ())

    @cached_property
    def roundoffs(self) -> Floats:
        """The unit roundoffs (M + 1,) of the columns of X and of y: how exact their cells are.

        2^-24 for what is read from float32, 2^-53 for other types; those of factors add up.
        """
        of_X = [
            sum(self._roundoff(factor) for factor in term)
            for term in self.schema.terms
            for _ in self._columns.of_term(term)
        ]
        return np.array([*of_X, self._roundoff(self.schema.target)])

    def matrix(
        self, table: pa.Table | CoercedTable, origin: object = "the table", first_row: int = 1
    ) -> DesignMatrix:
        """Return X (n, M), compact if it is wide.

        Raises UserError with column and row for a cell that is missing or could not be coerced, a
        level that the training rows do not have, or an expression that is not finite. Rows of
        `origin` count from `first_row`.
        """
        features = table if isinstance(table, CoercedTable) else CoercedTable(table, {})
        errors = RaisingHandler(features.table.num_rows, origin, first_row)
        return self._matrix(features, errors)

    def matrix_and_errors(self, features: CoercedTable) -> tuple[DesignMatrix, CollectingHandler]:
        """Return X (n, M) like `matrix`, and the errors of the rows that have no meaning in it."""
        errors = CollectingHandler(features.table.num_rows)
        return self._matrix(features, errors), errors

    def row_warnings(self, features: CoercedTable) -> dict[str, Mask]:
        """Return the rows (n,) with a mean for a missing number, a number out of range, or the
        reference level for an unseen one, by text.

        Such rows have a prediction; the range is that of the training rows.
        """
        warnings = {}
        for name in self._number_columns:
            column, statistics = features.table.column(name), self.statistics[name]
            missing = features.missing(name)
            if missing is not None and name in self._means:
                warnings[f"filled with the mean: {name}"] = missing
            if self.schema.columns[name].kind == "time" and name not in self._trends:
                continue
            single = pa.float32() if self.schema.columns[name].type == "float" else None
            outside = statistics.outside(column, features.precision.get(name, single))
            warnings[f"outside the training range: {name}"] = outside
        for name in sorted(self.schema.columns_with_base):
            column = features.table.column(name)
            known = pa.array(self.statistics[name].levels, type=column.type)
            unseen = ~as_mask(pc.is_in(column, value_set=known))
            if (missing := features.missing(name)) is not None:
                unseen = unseen & ~missing
            warnings[f"unseen level, taken as the reference level: {name}"] = unseen
        computed = self.schema.categories_with_base & self.schema.computed_categories
        factors = {category_of(each): each for each in self._factors("category")}
        for name in sorted(computed):
            errors = CollectingHandler(features.table.num_rows)
            codes = self._columns.level_codes(factors[name], self._values(features, errors))
            unseen = (codes < 0) & ~errors.invalid
            warnings[f"unseen level, taken as the reference level: {name}"] = unseen
        return {text: rows for text, rows in warnings.items() if rows.any()}

    def target(self, table: pa.Table, origin: object = "the table", first_row: int = 1) -> Floats:
        """Return y (n,); raises UserError like `matrix`."""
        errors = RaisingHandler(table.num_rows, origin, first_row)
        values = FactorValues(CoercedTable(table, {}), {}, errors, self.learned)
        for name in self.schema.target["columns"]:
            values.check_present(name)
        return values.number(self.schema.target)

    def offset(self, features: CoercedTable, errors: RowErrorHandler) -> Floats | None:
        """Return the sum of the offsets (n,); None without one. `errors` as in `FactorValues`."""
        if not self.schema.offset:
            return None
        values = self._values(features, errors)
        total = np.zeros(features.table.num_rows)
        for each in self.schema.offset:
            total += values.number(each)
        return total

    def _matrix(self, features: CoercedTable, errors: RowErrorHandler) -> DesignMatrix:
        values = self._values(features, errors)
        # A category with one level in training may have no column, and is checked all the same.
        for factor in self._factors("category"):
            self._columns.level_codes(factor, values)
        num_dense = int(self.layout.is_dense.sum())
        X = np.empty((features.table.num_rows, num_dense), order="F")
        categories = {category.first for category in self.layout.categories}
        codes = []
        position = j = 0
        for term in self.schema.terms:
            columns = [indices for _, indices in self._columns.of_term(term)]
            if position in categories and columns:
                codes.append(self._columns.codes(term[0], columns, values))
            else:
                for indices in columns:
                    self._columns.fill(X[:, j], term, indices, values)
                    if len(term) > 1:
                        what = ":".join(factor["factor"] for factor in term)
                        values.check_finite(X[:, j], what)
                    j += 1
            position += len(columns)
        return CompactMatrix(self.layout, X, tuple(codes)) if codes else X

    def _values(self, features: CoercedTable, errors: RowErrorHandler) -> FactorValues:
        return FactorValues(features, self._means, errors, self.learned)

    @cached_property
    def _columns(self) -> DesignColumns:
        return DesignColumns(self.schema, self.statistics, self.learned)

    @cached_property
    def _means(self) -> dict[str, float]:
        """The means that replace missing numbers, by column; empty unless the schema fills them."""
        if not self.schema.fill_missing:
            return {}
        means = {name: statistics.mean for name, statistics in self.statistics.items()}
        numbers = [name for name, each in self.schema.columns.items() if each.kind == "number"]
        return {name: mean for name in numbers if (mean := means[name]) is not None}

    @cached_property
    def _number_columns(self) -> list[str]:
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
    def _trends(self) -> set[str]:
        """The times of which the training rows have a range that matters."""
        numbers = [*self._factors("number"), *self.schema.offset]
        expressions = [expression_of(each["factor"], each["columns"]) for each in numbers]
        expressions += [basis_factor(each["factor"]).argument for each in self._factors("basis")]
        return {name for each in expressions for name in each.trends}

    def _roundoff(self, factor: Mapping[str, Any]) -> float:
        types = [self.schema.columns[name].type for name in factor["columns"]]
        return 2.0**-24 if "float" in types else 2.0**-53

    def _factors(self, kind: str) -> list[Mapping[str, Any]]:
        return [factor for factor in self.schema.factors if factor["kind"] == kind]


def is_absorbed(term: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a term of a schema is an absorbed factor."""
    return bool(term[0].get("absorbed"))


def _running_statistics(schema: Schema) -> dict[str, RunningStatistics]:
    return {
        name: RunningStatistics(
            is_number=column.kind in ("number", "time"), is_category=name in schema.category_columns
        )
        for name, column in schema.columns.items()
    }
