"""The levels of categories that are computed, such as `month(d)`, in the training rows."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Mask
from linreg.data.formula.expressions import Learned, numeric_cells
from linreg.data.formula.learned_functions import FunctionLearning
from linreg.data.formula.level_sources import LevelSource, level_source
from linreg.data.formula.schema import Schema
from linreg.data.tables.arrays import as_mask
from linreg.process.workers import Workers


class ComputedLevels(NamedTuple):
    """A category whose levels are computed, and what was learned of it."""

    source: LevelSource
    learned: Learned

    @property
    def column(self) -> str:
        """The first column that it is computed from."""
        return self.source.argument.columns[0]

    def unseen(self, rows: pa.Table) -> Mask:
        """Return the rows (n,) with a level that no training row has; a missing cell is none."""
        cells = {name: numeric_cells(rows.column(name)) for name in self.source.argument.columns}
        values = self.source.argument(cells)
        own = self.learned[self.source.text]
        known = pa.array(own["levels"], type=self.source.type)
        unseen = ~as_mask(pc.is_in(self.source.levels(values, own), value_set=known))
        for name in self.source.argument.columns:
            unseen &= as_mask(rows.column(name).is_valid())
        return unseen


def computed_levels(
    schema: Schema, training_rows: Callable[[Sequence[str]], Iterator[pa.Table]], workers: Workers
) -> list[ComputedLevels]:
    """Learn the levels of the categories in which an unseen one has no place.

    training_rows  reads some columns of this process's training rows
    """
    functions = FunctionLearning(schema, only_levels=True)

    class Reading:
        def __iter__(self) -> Iterator[pa.Table]:
            return training_rows(functions.columns)

    for rows in Reading():
        functions.update(rows)
    learned = functions.finish(Reading(), workers)
    with_place = {name for name, each in learned.items() if "other" in each}
    names = schema.computed_categories - schema.categories_with_base - with_place
    return [ComputedLevels(level_source(name), learned) for name in sorted(names)]
