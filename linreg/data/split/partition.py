"""The part of each row: train, validation or test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.split.group_assignment import assign_groups
from linreg.data.split.random_assignment import Labels, RandomAssignment
from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.parquet import TableFile
from linreg.errors import UserError
from linreg.params.split import Split, split_column
from linreg.seeds import generator

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True)
class Partition:
    """The part (0, 1 or 2, as in PARTS) of every row of a table, by row group.

    sizes   the number of rows of each part
    counts  for each row group, how many of its rows belong to each part
    labels  returns the part of each row of a row group
    groups  the number of groups of each part; empty where rows are not kept together by group
    """

    sizes: list[int]
    counts: list[list[int]]
    labels: Callable[[int], Labels]
    groups: tuple[int, ...] = ()

    @property
    def in_groups(self) -> str:
        """The numbers of groups as text, ` (14, 3, 3 groups)`; empty if there are none."""
        return f" ({', '.join(map(str, self.groups))} groups)" if self.groups else ""


def partition_rows(table: TableFile, params: Split) -> Partition:
    """Assign each row of a table to a part, as `split.by` says.

    By row, memory is bounded by the row group; by group or time, the column that `split.by` names
    has to fit into memory. Raises UserError where a part with a share above 0 gets no row.
    """
    sizes = part_sizes(table.num_rows, params)
    lengths = [table.row_group_length(index) for index in range(table.num_row_groups)]
    column = split_column(params.by)
    if column is None:
        assignment = assign_rows(lengths, sizes, params)
        return Partition(sizes, assignment.counts, assignment.labels)
    values = pa.chunked_array(
        [chunk for rows in table.row_groups([column]) for chunk in rows.column(column).chunks]
    )
    return _partition_by_values(values, lengths, column, sizes, params)


def assign_rows(
    group_lengths: Sequence[int], sizes: Sequence[int], params: Split
) -> RandomAssignment:
    """Return the random assignment of rows to parts, for the row groups of their table."""
    return RandomAssignment(group_lengths, sizes, params.seed, "parts")


def part_sizes(num_rows: int, params: Split) -> list[int]:
    """Return the number of train, validation and test rows that the shares ask for.

    Validation and test get their share, rounded half up, and train the rest. Raises UserError
    where a share above 0 gets no row.
    """
    # Through str, so that a share of 0.15 is 15/100 and not the float64 next to it.
    shares = [Fraction(str(share)) for share in (params.train, params.validation, params.test)]
    validation, test = (int(share * num_rows + Fraction(1, 2)) for share in shares[1:])
    sizes = [num_rows - validation - test, validation, test]
    require_rows(sizes, params, f"{num_rows} rows")
    return sizes


def parts_of_values(
    values: pa.ChunkedArray, sizes: Sequence[int], params: Split
) -> tuple[pa.Array, Labels]:
    """Return the distinct values (k,) of the column that `split.by` names, and the part of each.

    Groups are assigned at random, see `assign_groups`. Times are put into their order, oldest
    first: if parts of `sizes` rows followed one another in it, a time would belong to the part that
    holds the middle of its rows. Rows of equal value therefore stay together.
    """
    value_counts = pc.value_counts(values)
    distinct = value_counts.field("values")
    counts = as_numpy(value_counts.field("counts"))
    order = as_numpy(pc.sort_indices(distinct))
    part_of_value = np.empty(len(distinct), dtype=np.int16)
    if params.by.startswith("group:"):
        random = generator(params.seed, "groups")
        part_of_value[order] = assign_groups(counts[order], sizes, random)
        return distinct, part_of_value
    ends = np.cumsum(counts[order])
    # Twice the middle, to stay in integers.
    twice_the_middle = 2 * ends - counts[order]
    part_of_value[order] = np.searchsorted(2 * np.cumsum(sizes), twice_the_middle, side="right")
    return distinct, part_of_value


def _partition_by_values(
    values: pa.ChunkedArray,
    lengths: Sequence[int],
    column: str,
    sizes: Sequence[int],
    params: Split,
) -> Partition:
    distinct, part_of_value = parts_of_values(values, sizes, params)
    part_of_row = part_of_value[as_numpy(pc.index_in(values, value_set=distinct))]
    labels = np.split(part_of_row, np.cumsum(lengths)[:-1])
    counts = [np.bincount(each, minlength=len(PARTS)).tolist() for each in labels]
    sizes_found = np.sum(counts, axis=0).tolist()
    require_rows(sizes_found, params, f"{len(distinct)} distinct values of {column}")
    groups = tuple(np.bincount(part_of_value, minlength=len(PARTS)).tolist())
    is_by_group = params.by.startswith("group:")
    return Partition(sizes_found, counts, labels.__getitem__, groups if is_by_group else ())


def require_rows(sizes: Sequence[int], params: Split, total: str) -> None:
    """Raise UserError where a part with a share above 0 has no row; `total` is what was divided."""
    shares = (params.train, params.validation, params.test)
    for name, size, share in zip(PARTS, sizes, shares, strict=True):
        if share > 0 and size == 0:
            raise UserError(
                f"params.yaml: split.{name}",
                "gets no rows",
                found=f"{share} of {total}",
                todo="add rows" + (", or set the share to 0" if name != "train" else ""),
            )
