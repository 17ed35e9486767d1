"""The section `model` of params.yaml."""

from typing import Any, Literal

from pydantic import Field

from linreg.params.section import ColumnName, Section, Value

WeightsKind = Literal["analytic", "frequency", "sampling"]


class Weights(Section):
    """A column of weights, and what they are."""

    column: ColumnName = Field(description="Name of the column.")
    kind: WeightsKind = Field(
        "analytic",
        description=(
            "analytic: a row's variance is σ²/w; frequency: a row stands for w equal rows; "
            "sampling: w is the inverse of the probability that the row was drawn."
        ),
    )


class Model(Section):
    """The model, as a formula."""

    formula: str = Field(
        "y ~ x1 + x2", min_length=1, description="Target ~ terms, in the notation of R."
    )
    weights: ColumnName | Weights | None = Field(
        None,
        description=(
            "Column with the weight of each row, at least 0 and not 0 everywhere; null for equal "
            "weights. `{column: NAME, kind: KIND}` says what they are: analytic, as without a "
            "kind, frequency, or sampling."
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

    @property
    def weights_column(self) -> str | None:
        """The column of weights, whatever their kind; None without weights."""
        return self.weights.column if isinstance(self.weights, Weights) else self.weights

    @property
    def weights_kind(self) -> WeightsKind:
        """What the weights are."""
        return self.weights.kind if isinstance(self.weights, Weights) else "analytic"

    @property
    def options(self) -> dict[str, Any]:
        """What belongs to a model beside its formula, as `Schema` names it."""
        weights = {"weights": self.weights_column, "weights_kind": self.weights_kind}
        return self.model_dump(exclude={"formula", "weights"}) | weights
