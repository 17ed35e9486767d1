"""The rows that the split stage will make training rows, before there is a split."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.split.partition import TRAIN, assign_rows, part_sizes, parts_of_values
from linreg.data.tables.arrays import as_arrow
from linreg.data.tables.parquet import group_lengths
from linreg.errors import UserError
from linreg.params.split import Split, split_column

Rows = Callable[[], Iterator[pa.Table]]
"""Reads the rows of a table in order."""


def training_rows(rows: Rows, schema: pa.Schema, split: Split) -> Rows:
    """Return what reads the training rows of a table, whose rows and types are given.

    They are all rows where the table is too small to be split as the parameters say.
    """
    column = split_column(split.by)
    num_rows = 0
    values = []
    for table in rows():
        num_rows += table.num_rows
        if column is not None:
            values += table.column(column).chunks
    try:
        sizes = part_sizes(num_rows, split)
    except UserError:
        return rows
    if column is not None:
        distinct, part_of_value = parts_of_values(pa.chunked_array(values), sizes, split)
        training = distinct.take(as_arrow(np.flatnonzero(part_of_value == TRAIN)))
        return lambda: (
            table.filter(pc.is_in(table.column(column), value_set=training)) for table in rows()
        )
    assignment = assign_rows(group_lengths(num_rows, schema), sizes, split)

    def read() -> Iterator[pa.Table]:
        group, labels = -1, np.empty(0, np.int16)
        for table in rows():
            while len(labels) < table.num_rows:
                group += 1
                labels = np.concatenate([labels, assignment.labels(group)])
            own, labels = np.split(labels, [table.num_rows])
            yield table.take(as_arrow(np.flatnonzero(own == TRAIN)))

    return read
