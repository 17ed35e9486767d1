"""The second pass of diagnostics: the central half of the rows, and rows with those before them."""

from collections.abc import Sequence
from typing import NamedTuple

from linreg.data.rows import Rows
from linreg.evaluation.diagnostics.passes.auxiliary_regressions import (
    AuxiliaryRegressions,
    no_moments,
)
from linreg.evaluation.diagnostics.passes.distance_counts import intervals_of
from linreg.evaluation.diagnostics.passes.standardized_rows import RowStandardization
from linreg.evaluation.diagnostics.passes.summed_columns import FitColumns, merged_over_shards
from linreg.evaluation.diagnostics.passes.time_order import TimeOrder
from linreg.process.workers import Workers


class SecondPass(NamedTuple):
    """What the second pass has found.

    central     regressions among `FitColumns` of the central rows, without added columns
    with_lags   regressions among `FitColumns` with the residuals before each row, the last one
                first; None for rows without an order
    """

    central: AuxiliaryRegressions
    with_lags: AuxiliaryRegressions | None


def read_second(
    rows: RowStandardization,
    shards: Sequence[Rows],
    scale: float,
    median: int,
    order: TimeOrder | None,
    workers: Workers,
) -> SecondPass:
    """Read the training rows again, each process its own shards.

    The central rows are the middle half of those in an order; without one, the rows nearest to the
    centre, whose distances times `scale` are up to the interval of the median.
    """
    num_rows = sum(each.num_rows for each in shards)
    plain = FitColumns(rows, 0)
    lagged = FitColumns(rows, order.num_lags if order else 0)
    own_central, own_lags = [], []
    for index in workers.own_range(len(shards)):
        central = no_moments(plain.last - 1, num_rows)
        with_lags = no_moments(lagged.last - 1, num_rows)
        for number, chunk in zip(shards[index].own, shards[index], strict=True):
            first = shards[index].first_row(number) - 1
            for each in rows.of(chunk):
                if order:
                    places = order.places(index, first + each.positions)
                    is_central = order.is_central(places)
                    lags = order.residuals_before(places)
                    with_lags.add(*lagged.of(each, list(lags)))
                else:
                    is_central = intervals_of(each.distances * scale) <= median
                A, residuals = plain.of(each, [])
                central.add(A[is_central], residuals[is_central])
        own_central.append(central.as_array())
        own_lags.append(with_lags.as_array())
    of_central = merged_over_shards(own_central, plain.last - 1, workers)
    of_lags = merged_over_shards(own_lags, lagged.last - 1, workers) if order else None
    return SecondPass(
        AuxiliaryRegressions(of_central), AuxiliaryRegressions(of_lags) if of_lags else None
    )
