"""Validation and test rows with a level of a category that no training row has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.formula.column_statistics import RunningStatistics, merge_over_workers
from linreg.data.formula.schema import Schema
from linreg.data.source_rows import SourceRows
from linreg.data.split.computed_levels import ComputedLevels, computed_levels
from linreg.data.split.partition import PARTS, TRAIN, Partition
from linreg.data.tables.arrays import as_arrow, as_mask
from linreg.data.tables.parquet import TableFile
from linreg.errors import UserError
from linreg.process.workers import ALONE, Workers

Counts = dict[str, dict[str, int]]
"""By part and by column, how many rows have an unseen level; only of those that have some."""


class LevelFilter:
    """Leaves out rows with a level that no training row has, and counts them.

    A column whose unseen levels have a place in the model is not looked at: that of the reference
    level, or of the pooled ones.

    policy        `model.unseen`
    levels        of the training rows, by column
    computed      the categories whose levels are computed, such as `month(d)`
    num_left_out  by part, how many rows this process has left out
    """

    def __init__(
        self,
        policy: Literal["error", "base", "drop"],
        levels: Mapping[str, pa.Array],
        computed: Sequence[ComputedLevels] = (),
    ) -> None:
        self._policy = policy
        self._levels = levels
        self._computed = computed
        self._counts: Counts = {}
        # By part and column: the index of the row, and the cell.
        self._first_cells: dict[str, dict[str, tuple[int, Any]]] = {}
        self.num_left_out = dict.fromkeys(PARTS, 0)

    @classmethod
    def learn(
        cls, table: TableFile, partition: Partition, schema: Schema, workers: Workers = ALONE
    ) -> "LevelFilter":
        """Read the levels of the training rows, each process those of its own row groups."""
        running = _running_statistics(schema)

        def training_rows(names: Sequence[str]) -> Iterator[pa.Table]:
            for group in workers.own_range(table.num_row_groups) if names else ():
                train = as_arrow(np.flatnonzero(partition.labels(group) == TRAIN))
                yield table.row_group(group, list(names)).take(train)

        for rows in training_rows(list(running)):
            for name, statistics in running.items():
                statistics.update(rows.column(name))
        merged = _running_statistics(schema)
        merge_over_workers(running, merged, workers)
        references = schema.reference_levels
        found = {name: each.result(schema.pool, references[name]) for name, each in merged.items()}
        return cls(
            schema.unseen,
            {
                name: pa.array(each.levels, type=table.schema.field(name).type)
                for name, each in found.items()
                if each.other is None
            },
            computed_levels(schema, training_rows, workers),
        )

    def filter(self, rows: pa.Table, part: str, indices: NDArray[np.int64]) -> pa.Table:
        """Return the rows of a part whose levels the training rows have.

        `indices` (n,) are those of the rows in the ingested table, in ascending order over calls.
        """
        is_known = np.ones(rows.num_rows, np.bool_)
        found = [
            (name, ~as_mask(pc.is_in(rows.column(name), value_set=levels)))
            for name, levels in self._levels.items()
        ]
        found += [(each.column, each.unseen(rows)) for each in self._computed]
        for name, unseen in found:
            if unseen.any():
                column = rows.column(name)
                of_part = self._counts.setdefault(part, {})
                of_part[name] = of_part.get(name, 0) + int(unseen.sum())
                first = int(np.argmax(unseen))
                cell = (int(indices[first]), column[first].as_py())
                self._first_cells.setdefault(part, {}).setdefault(name, cell)
                is_known &= ~unseen
        self.num_left_out[part] += int((~is_known).sum())
        return rows if is_known.all() else rows.take(as_arrow(np.flatnonzero(is_known)))

    def counts(self, source: SourceRows, workers: Workers = ALONE) -> tuple[Counts, dict[str, int]]:
        """Return the rows with an unseen level by part and column, and those left out by part.

        They are those of all processes. Raises UserError for the first one if the schema says so.
        """
        total: Counts = {}
        left_out = dict.fromkeys(PARTS, 0)
        own = (self._counts, self.num_left_out, self._first_cells)
        gathered = workers.gather(own)
        for counts, num_left_out, _ in gathered:
            for part, of_part in counts.items():
                for name, count in of_part.items():
                    of_total = total.setdefault(part, {})
                    of_total[name] = of_total.get(name, 0) + count
            for part, count in num_left_out.items():
                left_out[part] += count
        if self._policy == "error":
            for part, name, count in _in_order(total):
                # The row groups of a process are above those of the next one.
                index, cell = next(
                    cells[part][name] for *_, cells in gathered if name in cells.get(part, {})
                )
                such = f", the first of {count} such" if count > 1 else " in 1"
                raise UserError(
                    f"{source.place(index)}: column {name}",
                    "holds a level that no training row has",
                    found=f"{cell!r}{such} {part} row{'s' if count > 1 else ''}",
                    todo="set model.unseen: drop or base, or join rare levels with model.pool",
                )
        return total, left_out


def require_known_rows(
    sizes: Mapping[str, int], left_out: Mapping[str, int], unseen: Counts
) -> None:
    """Raise UserError for a part all of whose rows were left out.

    sizes, left_out  by part, how many rows remain and were left out
    """
    for part, size in sizes.items():
        if size or not left_out[part]:
            continue
        raise UserError(
            f"params.yaml: split.{part}",
            "keeps no row, as each has a level that no training row has",
            found=f"{left_out[part]} rows with unseen levels of {', '.join(sorted(unseen[part]))}",
            todo="leave such a category out of model.formula, join its rare levels with "
            "model.pool, or set model.unseen: base",
        )


def describe(counts: Counts) -> str:
    """Return what was left out as a sentence; empty if nothing was."""
    parts = [
        f"{count} {part} row{'s' if count > 1 else ''} with an unseen level of {name}"
        for part, name, count in _in_order(counts)
    ]
    return f"left out: {', '.join(parts)} (model.unseen)" if parts else ""


def _in_order(counts: Counts) -> Iterator[tuple[str, str, int]]:
    for part in PARTS:
        for name, count in sorted(counts.get(part, {}).items()):
            yield part, name, count


def _running_statistics(schema: Schema) -> dict[str, RunningStatistics]:
    names = sorted(schema.category_columns - schema.columns_with_base)
    return {name: RunningStatistics(is_number=False, is_category=True) for name in names}
