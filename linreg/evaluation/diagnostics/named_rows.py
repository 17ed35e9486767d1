"""The most influential rows, named by the user's file and the number of the row there."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from linreg.data.source_rows import SourceRows
from linreg.data.split.training_rows import TrainingRows
from linreg.evaluation.diagnostics.passes.first_pass import FirstPass
from linreg.evaluation.diagnostics.passes.influence import NamedRow
from linreg.evaluation.distributions import t_p_value
from linreg.fit.exact.least_squares import LeastSquares


def influential_rows(
    found: FirstPass, solution: LeastSquares, training_rows: TrainingRows, source: SourceRows
) -> dict[str, Any]:
    """Return plain data about the rows of a fit that stand out.

    outliers           those with the largest |externally studentized residual|
    outlier_p          the p-value of the first of them, times the number of rows: Bonferroni's, as
                       in R's `car::outlierTest`; None where there is none
    influential        those with the largest Cook's distance
    dffits_to_look_at  2√(p/n), above which Belsley, Kuh and Welsch look at |DFFITS|
    num_exact          rows that are fitted exactly, of which nothing can be said
    """
    num_weighted = solution.df + solution.rank
    p = None
    if found.outliers:
        p = min(1.0, num_weighted * t_p_value(found.outliers[0].size, solution.df - 1))
    return {
        "outliers": _named(found.outliers, training_rows, source),
        "outlier_p": p,
        "influential": _named(found.influential, training_rows, source),
        "dffits_to_look_at": 2 * float(np.sqrt(solution.rank / num_weighted)),
        "num_exact": found.num_exact,
    }


def _named(
    rows: Sequence[NamedRow], training_rows: TrainingRows, source: SourceRows
) -> list[dict[str, Any]]:
    """Return rows with their names; of equal measures in the order of the user's table."""
    indices = [0] * len(rows)
    for shard in {row.position[0] for row in rows}:
        own = [i for i, row in enumerate(rows) if row.position[0] == shard]
        positions = np.array([rows[i].position[1] for i in own])
        for i, index in zip(own, training_rows.indices(shard, positions).tolist(), strict=True):
            indices[i] = index
    order = sorted(range(len(rows)), key=lambda i: (-rows[i].size, indices[i]))
    return [{"row": source.place(indices[i]), **rows[i].values} for i in order]
