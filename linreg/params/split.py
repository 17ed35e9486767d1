"""The section `split` of params.yaml."""

import math
from typing import Self

from pydantic import Field, model_validator

from linreg.params.section import Fraction, Section, Seed

MOST_FOLDS = 100
"""Each fold has its own moments, and each of its models adds up those of all others."""


class Split(Section):
    """How the rows are divided into training, validation and test rows."""

    train: float = Field(
        0.7, gt=0, le=1, description="Share of the rows that the model is fitted to."
    )
    validation: Fraction = Field(
        0.15, description="Share of the rows whose loss is measured after each epoch; 0 for none."
    )
    test: Fraction = Field(
        0.15, description="Share of the rows held out for the final evaluation; 0 for none."
    )
    by: str = Field(
        "row",
        pattern=r"^(row|group:.+|time:.+)$",
        description=(
            "row: at random; group:COLUMN: at random, with all rows of a group in the same part, "
            "the largest groups first; time:COLUMN: the latest rows are the test rows, those "
            "before them the validation rows."
        ),
    )
    shards: int = Field(
        1, ge=1, le=4096, description="Number of files that the training rows are written to."
    )
    seed: Seed = 1
    folds: int = Field(
        0,
        ge=0,
        le=MOST_FOLDS,
        # As `_folds_are_at_least_two` says to people.
        json_schema_extra={"not": {"const": 1}},
        description=(
            "Number of folds of the training rows for cross-validation, which are assigned as `by` "
            "says: at random by row, whole groups, or forward in time, each predicted from the "
            "rows before it; 0 for none."
        ),
    )

    @model_validator(mode="after")
    def _shares_sum_to_1(self) -> Self:
        total = math.fsum((self.train, self.validation, self.test))
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train + validation + test must be 1; found {total:.12g}")
        return self

    @model_validator(mode="after")
    def _folds_are_at_least_two(self) -> Self:
        if self.folds == 1:
            raise ValueError("folds must be at least 2, or 0 for none; found 1")
        return self


def split_column(by: str) -> str | None:
    """Return the column that `split.by` names, as in `group:COLUMN`; None for `row`."""
    return by.partition(":")[2] or None
