"""The design matrix X of a formula, with what it has to know of the training rows.

`Design.fit` reads the training rows once. All later rows, in training, evaluation or prediction, go
through `Design.matrix`, which needs no more than the plain data in model.json.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.column_statistics import RunningStatistics, merge_over_workers
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix
from linreg.data.formula.design_info import DesignInfo
from linreg.data.formula.factors import FactorValues
from linreg.data.formula.learned_functions import FunctionLearning
from linreg.data.formula.row_errors import CollectingHandler, RaisingHandler, RowErrorHandler
from linreg.data.formula.schema import Schema
from linreg.process.workers import ALONE, Workers


class Design(DesignInfo):
    """A formula's terms and the statistics of its columns; makes X (n, M) and y (n,), float64."""

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

    def level_codes(
        self, factor: Mapping[str, Any], features: CoercedTable, errors: RowErrorHandler
    ) -> NDArray[np.int32]:
        """Return the index of each row's level (n,) of a category; −1 for none, or an unseen one.

        `errors` as in `FactorValues`.
        """
        return self.columns.level_codes(factor, self._values(features, errors))

    def _matrix(self, features: CoercedTable, errors: RowErrorHandler) -> DesignMatrix:
        values = self._values(features, errors)
        # A category with one level in training may have no column, and is checked all the same.
        for factor in self.factors("category"):
            self.columns.level_codes(factor, values)
        num_dense = int(self.layout.is_dense.sum())
        X = np.empty((features.table.num_rows, num_dense), order="F")
        categories = {category.first for category in self.layout.categories}
        codes = []
        position = j = 0
        for term in self.schema.terms:
            columns = [indices for _, indices in self.columns.of_term(term)]
            if position in categories and columns:
                codes.append(self.columns.codes(term[0], columns, values))
            else:
                for indices in columns:
                    self.columns.fill(X[:, j], term, indices, values)
                    if len(term) > 1:
                        what = ":".join(factor["factor"] for factor in term)
                        values.check_finite(X[:, j], what)
                    j += 1
            position += len(columns)
        return CompactMatrix(self.layout, X, tuple(codes)) if codes else X

    def _values(self, features: CoercedTable, errors: RowErrorHandler) -> FactorValues:
        return FactorValues(features, self.means, errors, self.learned)


def _running_statistics(schema: Schema) -> dict[str, RunningStatistics]:
    return {
        name: RunningStatistics(
            is_number=column.kind in ("number", "time"), is_category=name in schema.category_columns
        )
        for name, column in schema.columns.items()
    }
