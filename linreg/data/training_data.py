"""What a model is trained on: the design that the training rows define, and the rows in it."""

from pathlib import Path
from typing import NamedTuple

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.data.formula.design_info import is_absorbed
from linreg.data.formula.schema import Schema
from linreg.data.parts import RowGroups, open_part, open_shards, training_shards
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers


class TrainingData(NamedTuple):
    """The rows that a model is trained on, and those that its training is validated on.

    design      the formula with what it has learned from the training rows, such as levels
    shards      the training rows; each process reads whole shards
    validation  the validation rows; each process reads some of the chunks
    """

    design: Design
    shards: list[Rows]
    validation: Rows

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of X."""
        return self.design.names

    @property
    def roundoffs(self) -> Floats:
        """The unit roundoffs (M + 1,) of the columns of X and of y."""
        return self.design.roundoffs

    @property
    def intercept(self) -> bool:
        """Whether the model has b."""
        return self.design.schema.intercept


def check_absorbed(schema: Path, params: Train) -> None:
    """Raise UserError unless absorbed factors, if the formula has some, can be estimated exactly.

    Their levels have no scale and no penalty of their own: gradient descent would not reach the
    minimum, and a penalized fit would depend on which levels are references.
    """
    if not any(map(is_absorbed, Schema.read(schema).terms)):
        return
    where = "params.yaml: model.formula"
    ordinary = "or write the factors as terms, as in + C(firm)"
    if params.solver != "exact":
        todo = f"set train.solver: exact, {ordinary}"
        what = "absorbs factors, which only the exact solution can estimate"
        raise UserError(where, what, found=f"train.solver: {params.solver}", todo=todo)
    if params.l1 or params.l2:
        todo = f"set train.l1 and train.l2 to 0, {ordinary}"
        what = "absorbs factors, for which there is no penalty"
        found = f"train.l1: {params.l1}, train.l2: {params.l2:g}"
        raise UserError(where, what, found=found, todo=todo)


def load_training_data(split: Path, schema: Path, workers: Workers = ALONE) -> TrainingData:
    """Learn the design from the training rows of the folder `split`, in one pass or several.

    Raises UserError unless split and schema are complete and of the same ingested table.
    """
    files = training_shards(split, schema)
    design = Design.fit(Schema.read(schema), RowGroups(files, workers), workers)
    shards = open_shards(files, design, workers)
    return TrainingData(design, shards, open_part(split / "validation.parquet", design, workers))
