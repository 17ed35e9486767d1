"""The coordinates that `train.scale` names."""

from typing import Literal, TypeAlias

from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.coordinates.whitening import Whitening, whitening
from linreg.fit.exact.reference import ExactReference

Coordinates: TypeAlias = Scaling | Whitening


def training_coordinates(
    reference: ExactReference, scale: Literal["none", "standardize", "whiten"]
) -> Coordinates:
    """Return the coordinates to train in, without dropped columns.

    Raises UserError for too many columns to whiten.
    """
    moments, solution = reference.moments, reference.solution
    if scale == "whiten":
        return whitening(moments, solution)
    if scale == "standardize":
        scaling = z_score_scaling(moments, solution.intercept)
    else:
        scaling = Scaling.identity(len(solution.names))
    return scaling.restricted_to(solution.kept[1:])
