"""The section `generate` of params.yaml."""

from pydantic import Field

from linreg.params.section import Section, Seed


class Generate(Section):
    """The synthetic data y = b + X·θᵀ + ε."""

    rows: int = Field(10_000, ge=1, le=10**12, description="Number of rows.")
    theta: tuple[float, ...] = Field(
        (2.0, -3.4),
        min_length=1,
        description="True coefficients θ, one per feature; the length is M.",
    )
    bias: float = Field(4.2, description="True intercept b.")
    noise: float = Field(0.1, ge=0, description="Standard deviation of the normal noise ε.")
    seed: Seed = 1
