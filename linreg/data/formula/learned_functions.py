"""What the functions of a formula learn from the training rows, in as many passes as they need."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from linreg.data.formula.expressions import (
    Expression,
    compile_expression,
    expression_of,
    numeric_cells,
)
from linreg.data.formula.functions.bases import Basis, read_basis
from linreg.data.formula.functions.learning import Learner
from linreg.data.formula.grammar.syntax import parse
from linreg.data.formula.grammar.syntax_tree import Call, unparse
from linreg.data.formula.level_sources import LevelLearner, level_source
from linreg.data.formula.schema import Schema
from linreg.process.workers import Workers


@dataclass(frozen=True)
class BasisFactor:
    """A factor of several columns: the function, and the expression that it is computed of."""

    basis: Basis
    argument: Expression


def basis_factor(text: str) -> BasisFactor:
    """Return what a factor of kind `basis` is, such as `poly(x, 2)`."""
    call = parse(text)
    assert isinstance(call, Call), "a basis is a call"
    basis = read_basis(call)
    return BasisFactor(basis, compile_expression(basis.argument, unparse(basis.argument)))


class FunctionLearning:
    """The functions of a formula that learn, each from the rows in which its columns are present.

    columns  those that they read
    """

    def __init__(self, schema: Schema, *, only_levels: bool = False) -> None:
        self._open: dict[str, tuple[Expression, Learner]] = {}
        self._results: dict[str, dict[str, Any]] = {}
        for factor in (
            schema.factors if only_levels else [schema.target, *schema.factors, *schema.offset]
        ):
            for text, argument, learner in _learners(factor, schema):
                if not only_levels or factor["kind"] == "category":
                    self._open.setdefault(text, (argument, learner))
        self.columns = list(
            dict.fromkeys(name for each, _ in self._open.values() for name in each.columns)
        )

    def update(self, table: pa.Table) -> None:
        """Add the rows of a table."""
        names = {name for argument, _ in self._open.values() for name in argument.columns}
        cells = {name: numeric_cells(table.column(name)) for name in sorted(names)}
        for argument, learner in self._open.values():
            values = argument(cells)
            # What is not finite is missing, or refused when the row is used.
            is_known = np.isfinite(values)
            for name in argument.columns:
                is_known &= np.isfinite(cells[name])
            learner.update(np.ascontiguousarray(values[is_known], dtype=np.float64))

    def merge(self, workers: Workers) -> bool:
        """End a pass in all processes; return whether there is another one."""
        still_open = {}
        for text, (argument, learner) in self._open.items():
            if learner.merge(workers):
                still_open[text] = (argument, learner)
            else:
                self._results[text] = learner.result()
        self._open = still_open
        return bool(self._open)

    def finish(self, tables: Iterable[pa.Table], workers: Workers) -> dict[str, dict[str, Any]]:
        """End the first pass, read the rows again if needed, and return what was learned."""
        while self.merge(workers):
            assert iter(tables) is not tables, "rows that are read once have no second pass"
            for table in tables:
                self.update(table)
        return self._results


def _learners(
    factor: Mapping[str, Any], schema: Schema
) -> Iterator[tuple[str, Expression, Learner]]:
    """Yield for each function of a factor that learns: its text, its argument, and its learner."""
    match factor["kind"]:
        case "number":
            for call in expression_of(factor["factor"], factor["columns"]).learned:
                yield call.text, call.argument, call.learner()
        case "basis":
            found = basis_factor(factor["factor"])
            if found.basis.learner:
                text = factor["factor"]
                yield text, found.argument, found.basis.learner(text)
        case "category" if "of" in factor:
            source = level_source(factor["of"])
            references = frozenset(schema.reference_levels.get(factor["of"], ()))
            yield source.text, source.argument, LevelLearner(source, schema.pool, references)
