"""Arrays as `linreg use` previews a table."""

from collections.abc import Iterator

from linreg.arrays import Floats
from linreg.data.rows import Chunk
from linreg.fit.coordinates.scaling import z_score_scaling
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.solver import solve
from linreg.setup.survey.preview import Preview


def preview_of(X: Floats, y: Floats, w: Floats | None = None) -> Preview:
    """Return the preview of `y ~ x1 + … + xM`."""

    def read() -> Iterator[Chunk]:
        half = len(y) // 2
        for rows in (slice(half), slice(half, None)):
            yield Chunk(X[rows], y[rows], None if w is None else w[rows])

    moments = Moments.zero(X.shape[1])
    moments.add(X, y, w)
    names = {f"x{j}": f"x{j}" for j in range(1, X.shape[1] + 1)}
    return Preview(moments, z_score_scaling(moments, intercept=True), names, None, False, read)


def solution_of(preview: Preview, l2: float = 0.0) -> LeastSquares:
    """Return the least squares solution of a preview, collinear columns dropped."""
    return solve(preview.moments, preview.names, True, l2, "drop")
