"""Models of tables in memory, and independent answers for them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.evaluation.formula_terms import FormulaTerms
from linreg.evaluation.selection.nested_models import FittedModel
from linreg.evaluation.selection.submodels import Submodels
from linreg.fit.exact.moment_sums.any_moments import no_moments
from linreg.fit.exact.reference import ExactReference

Learn = Callable[..., Design]


class Fit(NamedTuple):
    design: Design
    exact: ExactReference
    submodels: Submodels

    def named(self, name: str) -> FittedModel:
        schema = self.design.schema
        target = str(schema.target["factor"])
        offset = tuple(str(each["factor"]) for each in schema.offset)
        fitted = (self.exact.solution, self.exact.moments)
        return FittedModel(name, schema.formula, target, *fitted, offset)


def fit(
    learn: Learn,
    formula: str,
    table: pa.Table,
    w: Floats | None = None,
    *,
    frequencies: bool = False,
    **options: Any,
) -> Fit:
    """The fit of a formula; an offset is that of column z."""
    design = learn(formula, table)
    moments = no_moments(design.layout)
    y = design.target(table)
    if design.schema.offset:
        y = y - table["z"].to_numpy()
    moments.add(design.matrix(table), y, w)
    if frequencies:
        moments.count_frequencies()
    exact = ExactReference.from_moments(moments, design.names, design.schema.intercept, **options)
    terms = FormulaTerms.of_design(design, exact.solution.kept)
    return Fit(design, exact, Submodels(exact.solution, moments, terms))


def drawn(num_rows: int = 200, seed: int = 3) -> tuple[dict[str, Any], Floats]:
    """Columns y, x, z and the categories a and g, and weights."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "x": random.normal(5, 1, num_rows),
        "z": random.normal(size=num_rows),
        "a": random.choice(list("pqr"), num_rows).tolist(),
        "g": random.choice(list("uvwt"), num_rows).tolist(),
    }
    is_p = np.array(columns["a"]) == "p"
    columns["y"] = columns["x"] + is_p * columns["z"] + random.normal(size=num_rows)
    return columns, random.uniform(0.1, 2, num_rows)
