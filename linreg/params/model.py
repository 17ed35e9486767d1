"""The section `model` of params.yaml."""

from typing import Literal

from pydantic import Field

from linreg.params.section import ColumnName, Section, Value


class Model(Section):
    """The model, as a formula."""

    formula: str = Field(
        "y ~ x1 + x2", min_length=1, description="Target ~ terms, in the notation of R."
    )
    weights: str | None = Field(
        None,
        min_length=1,
        description=(
            "Column with the weight of each row, at least 0 and not 0 everywhere; null for equal "
            "weights."
        ),
    )
    unseen: Literal["error", "base", "drop"] = Field(
        "drop",
        description=(
            "What becomes of a validation or test row, or one to predict, with a level of a "
            "category that no training row has: the split fails, the row gets the reference level, "
            "or it is left out and counted."
        ),
    )
    pool: int = Field(
        0,
        ge=0,
        description=(
            "Levels of a category with fewer training rows become one level, `(other)`, to which "
            "unseen levels belong too; 0 keeps all."
        ),
    )
    levels: dict[ColumnName, tuple[Value, ...]] = Field(
        default_factory=dict,
        description=(
            "By column, the levels of a category in their order; the first that the training rows "
            "have is the reference level, with which the others are compared. Those not listed "
            "follow, sorted."
        ),
    )
