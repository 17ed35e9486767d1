"""A table seen through a formula before anything is split: the moments of its rows, in bounded time
and memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linreg.data.formula.design import Design
from linreg.data.ingest.columns import AuxiliaryColumns
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.ingest.row_filter import RowFilter
from linreg.data.typed_table import TypedTable
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.standardize import Scaling, z_score_scaling
from linreg.setup.survey import Survey

Floats = NDArray[np.float64]

MOST_PRODUCTS = 10**10
"""So many products of two cells are summed up, which takes some seconds; of a longer table only
every second, third, … row group is read."""
_WINDOW = 16_384


@dataclass(frozen=True)
class Look:
    """What was seen.

    moments   of [1 X y]
    scores    their standard scores
    columns   by name of X, which column of the table made it
    skewness  of the target: the mean cube of its z-scores; None where that is beyond float64
    read      reads X and y once more, window by window
    """

    moments: Moments
    scores: Scaling
    columns: dict[str, str]
    skewness: float | None
    read: Callable[[], Iterator[tuple[Floats, Floats]]]

    @property
    def names(self) -> list[str]:
        """The names of the columns of X."""
        return list(self.columns)


def look_at(
    formula: str,
    missing: Literal["error", "drop", "mean"],
    table: TypedTable,
    survey: Survey,
    auxiliary: AuxiliaryColumns,
    weights: str | None,
) -> Look:
    """Read the rows twice, for the levels and means and for the moments; the formula is a sum of
    plain names.
    """
    schema = make_schema(
        formula,
        survey.profiles,
        table,
        auxiliary,
        fill_missing=missing == "mean",
        truth=None,
        weights=weights,
    )
    levels = sum(len(survey.columns[name].profile.levels or ()) for name in schema.category_columns)
    enough = MOST_PRODUCTS // (len(schema.columns) + levels + 1) ** 2
    every = -(-survey.num_rows // max(1, enough))
    some = replace(table, every=min(table.num_row_groups, max(1, every)))
    design = Design.fit(schema, RowFilter(schema, missing, auxiliary).complete_rows(some))

    def read() -> Iterator[tuple[Floats, Floats]]:
        for rows in RowFilter(schema, missing, auxiliary).complete_rows(some):
            for start in range(0, rows.num_rows, _WINDOW):
                chunk = rows.slice(start, _WINDOW)
                yield design.matrix(chunk), design.target(chunk)

    moments = Moments.zero(len(design.names), expected_rows=survey.num_rows)
    target = schema.target["columns"][0]
    center, cubes = survey.columns[target].profile.mean, 0.0
    for X, y in read():
        moments.add(X, y)
        with np.errstate(over="ignore", invalid="ignore"):
            cubes += float(((y - center) ** 3).sum())
    scores = z_score_scaling(moments, intercept=True)
    # a cube may be beyond float64 either way
    with np.errstate(all="ignore"):
        skewness = float(np.float64(cubes) / moments.num_rows / np.float64(scores.y_scale) ** 3)
    features = list(schema.features)
    columns = {name: _column_of(name, features) for name in design.names}
    return Look(moments, scores, columns, skewness if np.isfinite(skewness) else None, read)


def _column_of(name: str, features: list[str]) -> str:
    if name in features:
        return name
    return next(each for each in features if name == f"`{each}`" or name.startswith(f"{each}["))
