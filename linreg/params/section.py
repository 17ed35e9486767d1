"""What all sections of params.yaml have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seed = Annotated[
    int, Field(ge=0, lt=2**63, description="Seed of this section's named random generators.")
]
Fraction = Annotated[float, Field(ge=0, le=1)]
ColumnName = Annotated[str, Field(min_length=1)]
Value = str | int | float | bool


class Section(BaseModel):
    """A section of params.yaml: unknown keys, wrong types and values out of range are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
