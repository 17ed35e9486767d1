"""A confidence sequence: one interval for each challenger, all of which hold at once.

An interval at 95 % errs in one of twenty comparisons. Whoever compares one challenger after another
with the same champion, until one seems better, will find one. Here the j-th interval has the
confidence 1 − α/(j·(j + 1)), where α is 1 less the confidence of all. As Σ 1/(j·(j + 1)) = 1, the
probability that any of them misses its mean difference is at most α by Boole's inequality: however
many challengers there are, however similar to one another, on the same rows or on others, and
whenever someone stops. (The term is that of D. A. Darling and H. Robbins, Confidence sequences for
mean, variance, and median, Proc. Natl. Acad. Sci. 58, 1967.)

A mixture sequence in the number of rows (M. Lindon et al., Anytime-valid linear models, 2022), as
of a test that is repeated while rows arrive, holds for one challenger; it says nothing about the
best of many.
"""


def confidence_of_interval(confidence: float, number: int) -> float:
    """Return the confidence of interval `number`, from 1, of a sequence with a confidence < 1."""
    return 1 - (1 - confidence) / (number * (number + 1))
