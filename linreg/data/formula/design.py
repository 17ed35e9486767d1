"""The design matrix X of a formula, with what it has to know of the training rows.

`Design.fit` reads the training rows once. All later rows, in training, evaluation or prediction, go
through `Design.matrix`, which needs no more than the plain data in model.json.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.data.formula.coefficient_names import (
    FactorKey,
    factor_labels,
    key_of,
    quoted_label,
    unique_names,
)
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.column_statistics import (
    ColumnStatistics,
    RunningStatistics,
    merge_over_workers,
)
from linreg.data.formula.compact_matrix import (
    MIN_INDICATORS,
    WIDE,
    AbsorbedFactor,
    Codes,
    CompactMatrix,
    DesignMatrix,
    Indicators,
    Layout,
)
from linreg.data.formula.expressions import WHERE
from linreg.data.formula.factors import FactorValues, Level
from linreg.data.formula.row_errors import CollectingHandler, RaisingHandler, RowErrorHandler
from linreg.data.formula.schema import Schema
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

    @classmethod
    def fit(cls, schema: Schema, tables: Iterable[pa.Table], workers: Workers = ALONE) -> "Design":
        """Read levels, means and ranges from the training rows, of which a process has `tables`."""
        running = _running_statistics(schema)
        for table in tables:
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
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the M columns of X, those of θ, all different (`coefficient_names.py`)."""
        self._require_few_columns()

        def names(quoted: bool) -> list[str]:
            terms = self.schema.terms
            return [name for term in terms for name, _ in self._columns_of(term, quoted=quoted)]

        return unique_names(names(quoted=False), lambda: names(quoted=True))

    def _require_few_columns(self) -> None:
        counts = [0, 0]
        for term in self.schema.terms:
            counts[is_absorbed(term)] += math.prod(map(self._num_levels, term))
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
            own = tuple(name for _, name in zip(self._columns_of(term), names, strict=False))
            reduced = [each for each in term if each["kind"] == "category" and not each["full"]]
            levels = [(each, self._levels(each)) for each in reduced]
            references = {
                self._labels[key_of(each)]: own_levels[self._reference_level(each, own_levels)]
                for each, own_levels in levels
                if own_levels
            }
            text = ":".join(self._labels[key_of(each)] for each in term)
            terms.append(DesignTerm(text, own, references, is_absorbed(term)))
        return tuple(terms)

    @cached_property
    def absorbed(self) -> tuple[AbsorbedFactor, ...]:
        """The absorbed factors, whose columns are the first ones of X."""
        absorbed = []
        first = 0
        for term in filter(is_absorbed, self.schema.terms):
            size = sum(1 for _ in self._columns_of(term))
            name, num_levels = term[0]["columns"][0], len(self._levels(term[0]))
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
            levels = [level for _, (level,) in self._columns_of(term)]
            of_columns = dict(zip(levels, values, strict=True))
            effects[factor.name] = {
                level: of_columns.get(i, 0.0) for i, level in enumerate(self._levels(term[0]))
            }
        return effects

    @cached_property
    def layout(self) -> Layout:
        """The columns of X, and those of categories that `matrix` keeps as codes."""
        absorbed, categories = [], []
        first = 0
        for term in self.schema.terms:
            size = sum(1 for _ in self._columns_of(term))
            if is_absorbed(term):
                absorbed += [Indicators(first, size)] if size else []
            elif [factor["kind"] for factor in term] == ["category"] and size >= MIN_INDICATORS:
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
            for _ in self._columns_of(term)
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
        return {text: rows for text, rows in warnings.items() if rows.any()}

    def target(self, table: pa.Table, origin: object = "the table", first_row: int = 1) -> Floats:
        """Return y (n,); raises UserError like `matrix`."""
        errors = RaisingHandler(table.num_rows, origin, first_row)
        values = FactorValues(CoercedTable(table, {}), {}, errors)
        for name in self.schema.target["columns"]:
            values.check_present(name)
        return values.number(self.schema.target)

    def _matrix(self, features: CoercedTable, errors: RowErrorHandler) -> DesignMatrix:
        values = FactorValues(features, self._means, errors)
        # A category with one level in training may have no column, and is checked all the same.
        for factor in self._factors("category"):
            self._level_codes(factor, values)
        num_dense = int(self.layout.is_dense.sum())
        X = np.empty((features.table.num_rows, num_dense), order="F")
        categories = {category.first for category in self.layout.categories}
        codes = []
        position = j = 0
        for term in self.schema.terms:
            columns = [levels for _, levels in self._columns_of(term)]
            if position in categories and columns:
                codes.append(self._codes_of_columns(term[0], columns, values))
            else:
                for levels in columns:
                    self._fill_column(X[:, j], term, levels, values)
                    if len(term) > 1:
                        what = ":".join(factor["factor"] for factor in term)
                        values.check_finite(X[:, j], what)
                    j += 1
            position += len(columns)
        return CompactMatrix(self.layout, X, tuple(codes)) if codes else X

    def _codes_of_columns(
        self,
        factor: Mapping[str, Any],
        columns: Sequence[tuple[int | None, ...]],
        values: FactorValues,
    ) -> Codes:
        """Return the column of each row (n,) among those of a category; −1 for none."""
        # The last one is for rows with no level.
        of_levels = np.full(len(self._levels(factor)) + 1, -1, np.int32)
        for column, (level,) in enumerate(columns):
            of_levels[level] = column
        return of_levels[self._level_codes(factor, values)]

    def _fill_column(
        self,
        column: Floats,
        term: Sequence[Mapping[str, Any]],
        levels: Sequence[int | None],
        values: FactorValues,
    ) -> None:
        """Write the product of a term's factors into a column of X (n,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            for k, (factor, level) in enumerate(zip(term, levels, strict=True)):
                factor_values: NDArray[Any] = (
                    values.number(factor)
                    if level is None
                    else self._level_codes(factor, values) == level
                )
                column[:] = column * factor_values if k else factor_values

    @cached_property
    def _means(self) -> dict[str, float]:
        """The means that replace missing numbers, by column; empty unless the schema fills them."""
        if not self.schema.fill_missing:
            return {}
        means = {name: statistics.mean for name, statistics in self.statistics.items()}
        return {name: mean for name, mean in means.items() if mean is not None}

    @cached_property
    def _number_columns(self) -> list[str]:
        """The columns that numeric factors read."""
        names = [name for factor in self._factors("number") for name in factor["columns"]]
        return list(dict.fromkeys(names))

    def _roundoff(self, factor: Mapping[str, Any]) -> float:
        types = [self.schema.columns[name].type for name in factor["columns"]]
        return 2.0**-24 if "float" in types else 2.0**-53

    def _factors(self, kind: str) -> list[Mapping[str, Any]]:
        return [factor for factor in self.schema.factors if factor["kind"] == kind]

    def _num_levels(self, factor: Mapping[str, Any]) -> int:
        """Return an upper bound on a factor's columns, the reference level counted."""
        return 1 if factor["kind"] == "number" else max(1, len(self._levels(factor)))

    @cached_property
    def _labels(self) -> dict[FactorKey, str]:
        """What each factor is called in the names of terms and coefficients."""
        return factor_labels(self.schema.factors)

    def _columns_of(
        self, term: Sequence[Mapping[str, Any]], *, quoted: bool = False
    ) -> Iterator[tuple[str, tuple[int | None, ...]]]:
        """Yield name and, by factor, the index of the level (None: a number) of a term's columns.

        The levels of the first factor vary fastest, as in R and formulaic. With `quoted`, columns
        that are no identifiers stand in back-quotes.
        """
        choices = [self._columns_of_factor(factor, quoted) for factor in reversed(term)]
        for combination in product(*choices):
            in_order = combination[::-1]
            yield ":".join(name for name, _ in in_order), tuple(level for _, level in in_order)

    def _columns_of_factor(
        self, factor: Mapping[str, Any], quoted: bool
    ) -> list[tuple[str, int | None]]:
        label = quoted_label(factor) if quoted else self._labels[key_of(factor)]
        if factor["kind"] == "number":
            return [(label, None)]
        levels = self._levels(factor)
        reference = None if factor["full"] else self._reference_level(factor, levels)
        # T marks treatment coding: the other levels are compared with a reference level.
        mark = "" if factor["full"] else "T."
        return [(f"{label}[{mark}{level}]", i) for i, level in enumerate(levels) if i != reference]

    def _levels(self, factor: Mapping[str, Any]) -> tuple[Level, ...]:
        """Return the levels that have a column or are the reference, that of all others last."""
        statistics = self.statistics[factor["columns"][0]]
        assert statistics.levels is not None, "fit() collects the levels of every category"
        return (*statistics.levels, statistics.other) if statistics.other else statistics.levels

    def _level_codes(self, factor: Mapping[str, Any], values: FactorValues) -> NDArray[np.int32]:
        """Return the index in `_levels` of each row's level (n,); -1 for a row with none."""
        name = factor["columns"][0]
        levels = self.statistics[name].levels or ()
        of_others = None
        if self.statistics[name].other:
            of_others = len(levels)
        elif name in self.schema.columns_with_base:
            of_others = -1
        return values.level_codes(factor, levels, of_others)

    def _reference_level(self, factor: Mapping[str, Any], levels: tuple[Level, ...]) -> int:
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


def is_absorbed(term: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a term of a schema is an absorbed factor."""
    return bool(term[0].get("absorbed"))


def _running_statistics(schema: Schema) -> dict[str, RunningStatistics]:
    return {
        name: RunningStatistics(
            is_number=column.kind == "number", is_category=name in schema.category_columns
        )
        for name, column in schema.columns.items()
    }
