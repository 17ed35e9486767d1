"""The rows of a table of which a prediction is less certain than of others, and why."""

import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Mask
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.design import Design
from linreg.data.formula.row_errors import CollectingHandler
from linreg.data.formula.schema import category_of
from linreg.data.tables.arrays import as_mask


def row_warnings(design: Design, features: CoercedTable) -> dict[str, Mask]:
    """Return the rows (n,) with a mean for a missing number, a number out of range, or the
    reference level for an unseen one, by text.

    Such rows have a prediction; the range is that of the training rows.
    """
    schema, warnings = design.schema, {}
    for name in design.number_columns:
        column, statistics = features.table.column(name), design.statistics[name]
        missing = features.missing(name)
        if missing is not None and name in design.means:
            warnings[f"filled with the mean: {name}"] = missing
        if schema.columns[name].kind == "time" and name not in design.trends:
            continue
        single = pa.float32() if schema.columns[name].type == "float" else None
        outside = statistics.outside(column, features.precision.get(name, single))
        warnings[f"outside the training range: {name}"] = outside
    for name in sorted(schema.columns_with_base):
        column = features.table.column(name)
        known = pa.array(design.statistics[name].levels, type=column.type)
        unseen = ~as_mask(pc.is_in(column, value_set=known))
        if (missing := features.missing(name)) is not None:
            unseen = unseen & ~missing
        warnings[f"unseen level, taken as the reference level: {name}"] = unseen
    computed = schema.categories_with_base & schema.computed_categories
    factors = {category_of(each): each for each in design.factors("category")}
    for name in sorted(computed):
        errors = CollectingHandler(features.table.num_rows)
        codes = design.level_codes(factors[name], features, errors)
        unseen = (codes < 0) & ~errors.invalid
        warnings[f"unseen level, taken as the reference level: {name}"] = unseen
    return {text: rows for text, rows in warnings.items() if rows.any()}
