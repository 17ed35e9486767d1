"""Categories whose levels are computed: `C(month(d))`, and the intervals of `cut(x, breaks)`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Floats
from linreg.data.formula.column_statistics import Level, RunningStatistics
from linreg.data.formula.expressions import (
    Expression,
    compile_expression,
    parse_expression,
    unsupported,
)
from linreg.data.formula.functions import calendar
from linreg.data.formula.functions.intervals import (
    Cut,
    EqualWidths,
    interval_labels,
    interval_numbers,
    read_cut,
)
from linreg.data.formula.grammar.syntax import parse
from linreg.data.formula.grammar.syntax_tree import Call, Node, unparse
from linreg.data.tables.arrays import as_arrow
from linreg.process.workers import Workers


@dataclass(frozen=True)
class LevelSource:
    """How the levels of a category are computed from numbers or times.

    text      the call, such as `month(d)`
    argument  of a cut what is cut, of a part of a time that part
    cut       the arguments of a cut
    """

    text: str
    argument: Expression
    cut: Cut | None

    @property
    def type(self) -> pa.DataType:
        """The type of the levels."""
        return pa.int64() if self.cut is None else pa.string()

    def breaks(self, learned: Mapping[str, Any]) -> Sequence[float]:
        """Return the breaks of a cut, as the formula names them or the training rows have them."""
        assert self.cut is not None, "only a cut has breaks"
        return self.cut.breaks if isinstance(self.cut.breaks, tuple) else learned["breaks"]

    def labels(self, learned: Mapping[str, Any]) -> list[str]:
        """Return the intervals of a cut in their order."""
        assert self.cut is not None, "only a cut has intervals"
        return interval_labels(self.breaks(learned), self.cut)

    def levels(self, values: Floats, learned: Mapping[str, Any]) -> pa.Array:
        """Return the levels (n,) of values of the argument; null for NaN and beyond the breaks."""
        is_known = np.isfinite(values)
        if self.cut is None:
            numbers = np.where(is_known, values, 0.0).astype(np.int64)
            return pc.if_else(pa.array(is_known), as_arrow(numbers), None)
        numbers = interval_numbers(values, self.breaks(learned), self.cut)
        labels = pa.array([*self.labels(learned), None], pa.string())
        places = np.where(is_known & (numbers >= 0), numbers, len(labels) - 1)
        return labels.take(as_arrow(places))


def is_level_source(node: Node) -> bool:
    """Return whether a call makes levels: a cut, or a part of a time that is a whole number."""
    return isinstance(node, Call) and (
        node.function == "cut" or (node.function in calendar.PARTS and node.function != "days")
    )


def read_level_source(node: Node) -> LevelSource:
    """Return what a call of the kind above computes; raises UserError or FormulaSyntaxError."""
    text = unparse(node)
    if isinstance(node, Call) and node.function == "cut":
        argument, cut = read_cut(node)
        expression = compile_expression(argument, unparse(argument))
        if expression.learned or not expression.columns:
            raise unsupported(text)
        return LevelSource(text, expression, cut)
    return LevelSource(text, parse_expression(text), None)


def level_source(text: str) -> LevelSource:
    """Return the source that a schema names."""
    return read_level_source(parse(text))


class LevelLearner:
    """Learns the levels of a source in the training rows; before that the breaks that it counts.

    Levels with fewer than `pool` rows are pooled, unless they are `references`.
    """

    def __init__(self, source: LevelSource, pool: int, references: frozenset[Level]) -> None:
        self._source = source
        self._pool = pool
        self._references = references
        self._breaks: EqualWidths | None = None
        if source.cut and isinstance(source.cut.breaks, int):
            self._breaks = EqualWidths(source.text, source.cut.breaks)
        self._learned: dict[str, Any] = {}
        self._levels = RunningStatistics(is_number=False, is_category=True)

    def update(self, values: Floats) -> None:
        """Add the values (n,) of the argument."""
        if self._breaks:
            self._breaks.update(values)
        else:
            levels = self._source.levels(values, self._learned)
            self._levels.update(pa.chunked_array([levels]))

    def merge(self, workers: Workers) -> bool:
        """Take the breaks from the first pass, if they are learned, and then the levels."""
        if self._breaks:
            self._breaks.merge(workers)
            self._learned = self._breaks.result()
            self._breaks = None
            return True
        merged = RunningStatistics(is_number=False, is_category=True)
        for data in workers.gather(self._levels.as_data()):
            merged.merge(data)
        order = self._source.labels(self._learned) if self._source.cut else ()
        statistics = merged.result(self._pool, self._references, order)
        self._learned["levels"] = list(statistics.levels or ())
        if statistics.other:
            self._learned["other"] = statistics.other
        return False

    def result(self) -> dict[str, Any]:
        """Return the levels, the name of the level of all others if there is one, and breaks."""
        return self._learned
