"""Log-likelihood and information criteria of a least squares fit."""

from decimal import Decimal, localcontext
from typing import NamedTuple

from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.normal_equations.ldl import PRECISION

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


class InformationCriteria(NamedTuple):
    """For normal noise of variance σ²/w, with σ² at its maximum likelihood, RSS/n.

    n counts the rows with a weight above 0, and k the coefficients and σ², as R's AIC does; that of
    statsmodels does not count σ².

    log_likelihood  −n/2·(log(2π·RSS/n) + 1) + ½ Σ log w
    aic             −2·log_likelihood + 2k (H. Akaike, IEEE Trans. Automatic Control 19, 1974)
    aicc            aic + 2k(k + 1)/(n − k − 1) (C. Hurvich and C.-L. Tsai, Biometrika 76, 1989);
                    None for n ≤ k + 1
    bic             −2·log_likelihood + k·log n (G. Schwarz, Annals of Statistics 6, 1978)
    num_parameters  k
    """

    log_likelihood: float
    aic: float
    aicc: float | None
    bic: float
    num_parameters: int


def information_criteria(
    solution: LeastSquares, log_weights: Decimal | None
) -> InformationCriteria | None:
    """Return them for a fit, with Σ log w over the rows with a weight above 0.

    None where there is no maximum of the likelihood: for ridge, with sampling weights (log_weights
    is None), and for a fit without degrees of freedom or whose residuals are no more than rounding.
    """
    if log_weights is None or solution.no_errors or not solution.rss:
        return None
    n, k = solution.df + solution.rank, solution.rank + 1
    with localcontext(PRECISION):
        variance = solution.rss / n
        log_likelihood = (log_weights - n * ((2 * PI * variance).ln() + 1)) / 2
        aic = -2 * log_likelihood + 2 * k
        rest = n - k - 1
        aicc = aic + Decimal(2 * k * (k + 1)) / rest if rest > 0 else None
        bic = -2 * log_likelihood + k * Decimal(n).ln()
    return InformationCriteria(
        float(log_likelihood), float(aic), None if aicc is None else float(aicc), float(bic), k
    )
