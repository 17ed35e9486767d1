"""A table as a formula sees it, before it is split: the moments of its rows, in bounded time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from linreg.data.formula.compact_matrix import MIN_INDICATORS, WIDE
from linreg.data.formula.design import Design
from linreg.data.formula.schema import Schema
from linreg.data.ingest.columns import AuxiliaryColumns
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.ingest.row_filter import MissingPolicy, RowFilter
from linreg.data.rows import Chunk
from linreg.data.tables.arrays import as_floats
from linreg.data.typed_table import TypedTable
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.moment_sums.any_moments import AnyMoments, no_moments
from linreg.fit.exact.moment_sums.memory import require_memory
from linreg.params.split import Split
from linreg.setup.survey.column_survey import Survey
from linreg.setup.survey.training_rows import training_rows

MOST_PRODUCTS = 10**10
"""So many products of two cells are summed, which takes some seconds.

Of a longer table only every second, third, … row group is read.
"""
_ROWS_PER_CHUNK = 16_384
NO_ORDER: Mapping[str, Sequence[Any]] = MappingProxyType({})


@dataclass(frozen=True)
class Preview:
    """What the exact fit of a formula to a table needs.

    moments    of [1 X y] of the training rows; of a sample of all rows for a table that is too long
    z_scores   the scaling to z-scores that follows from them
    columns    the column of the table that each column of X was made from
    skewness   of the target, the mean cube of its z-scores; None where it is beyond float64
    is_sample  whether only some row groups were read
    read       reads X, y and weights once more, chunk by chunk
    """

    moments: AnyMoments
    z_scores: Scaling
    columns: dict[str, str]
    skewness: float | None
    is_sample: bool
    read: Callable[[], Iterator[Chunk]]

    @property
    def names(self) -> list[str]:
        """The names of the columns of X."""
        return list(self.columns)


def preview_formula(
    formula: str,
    missing: MissingPolicy,
    table: TypedTable,
    survey: Survey,
    auxiliary: AuxiliaryColumns,
    weights: str | None,
    split: Split,
    levels: Mapping[str, Sequence[Any]] = NO_ORDER,
) -> Preview:
    """Read the training rows of a table through a formula, a sum of names and C(name).

    That is once to tell which they are, once to fit the design, and once to sum.
    """
    options: dict[str, Any] = {"fill_missing": missing == "mean", "weights": weights}
    options["levels"] = levels
    schema = make_schema(formula, survey.profiles, table, auxiliary, **options)
    sample = _sample(table, schema, survey)

    def complete_rows() -> Iterator[pa.Table]:
        return RowFilter(schema, missing, auxiliary).complete_rows(sample)

    is_whole = sample.every == 1
    types = RowFilter(schema, missing, auxiliary).arrow_schema(sample)
    rows_of_fit = training_rows(complete_rows, types, split) if is_whole else complete_rows
    design = Design.fit(schema, rows_of_fit())

    def read() -> Iterator[Chunk]:
        for rows in rows_of_fit():
            for start in range(0, rows.num_rows, _ROWS_PER_CHUNK):
                chunk = rows.slice(start, _ROWS_PER_CHUNK)
                w = as_floats(chunk.column(weights)) if weights else None
                yield Chunk(design.matrix(chunk), design.target(chunk), w)

    require_memory(design.layout, survey.num_rows)
    moments = no_moments(design.layout, survey.num_rows, design.roundoffs)
    center = survey.columns[schema.target["columns"][0]].profile.mean
    sum_of_cubes = 0.0
    for chunk in read():
        moments.add(*chunk)
        with np.errstate(over="ignore", invalid="ignore"):
            sum_of_cubes += float(((chunk.y - center) ** 3).sum())
    z_scores = z_score_scaling(moments, intercept=True)
    return Preview(
        moments,
        z_scores,
        _columns(design),
        _skewness(sum_of_cubes, moments.num_rows, z_scores.y_scale),
        not is_whole,
        read,
    )


def _sample(table: TypedTable, schema: Schema, survey: Survey) -> TypedTable:
    """Return the table with every n-th row group, so that there are at most MOST_PRODUCTS."""
    sizes = [survey.columns[name].distinct.count for name in schema.category_columns]
    num_columns = len(schema.columns) + 1
    if num_columns + sum(sizes) >= WIDE:
        # Of many columns, the levels of categories that have many are kept as codes.
        sizes = [size for size in sizes if size <= MIN_INDICATORS]
    most_rows = MOST_PRODUCTS // (num_columns + sum(sizes)) ** 2
    every = -(-survey.num_rows // max(1, most_rows))
    return replace(table, every=min(table.num_row_groups, max(1, every)))


def _skewness(sum_of_cubes: float, num_rows: int, scale: float) -> float | None:
    # A cube may overflow or underflow.
    with np.errstate(all="ignore"):
        skewness = float(np.float64(sum_of_cubes) / num_rows / np.float64(scale) ** 3)
    return skewness if np.isfinite(skewness) else None


def _columns(design: Design) -> dict[str, str]:
    """Return by column of X the feature that it was made from: `x` for x, `g` for C(g)[T.1]."""
    terms = zip(design.schema.terms, design.terms, strict=True)
    return {name: term[0]["columns"][0] for term, columns in terms for name in columns.names}
