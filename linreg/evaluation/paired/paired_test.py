"""A paired test: whether one model predicts the same rows better than another.

The interval is Student's for paired samples ("Student", The probable error of a mean, Biometrika 6,
1908): d̄ ± t·(standard error of d̄), with one degree of freedom less than there are independent
units: rows, groups, or NUM_BLOCKS blocks of time (see linreg.evaluation.paired.differences).

Student's interval knows nothing of an error that is huge and so rare that no test row has it: a
model that is a little better otherwise then seems better beyond doubt. The test rows alone cannot
tell, since they are those of a model that is better indeed. But the training and validation rows
are 17/3 times as many, with the default parameters. There d̄ favours the model that was trained on
them; its variance, though, tells what errors there are. Where it is significantly larger than on
the test rows (by the F test of two variances, at MAX_P), the standard error is that of the pooled
variance ((G₁ − 1)·V₁ + (G₂ − 1)·V₂)/(G₁ + G₂ − 2), with V the variance per row and G the units of
both (G. W. Snedecor and W. G. Cochran, Statistical Methods, 8th edition, 1989, chapter 6). The
interval never becomes narrower. That the F test responds to long tails as well (G. E. P. Box,
Non-normality and tests on variances, Biometrika 40, 1953) is what it is for here.

Simulated (docs/registry.md has the table): with blunders on 1 % of the rows, which take back all
that is gained on the others, 54 % of the sets of 60 test rows show an improvement by Student's
interval, and 2.4 % by this one.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.evaluation.distributions import f_p_value, t_critical_value, t_p_value
from linreg.evaluation.paired.differences import Differences, MeanDifference, beyond_float64
from linreg.fit.model import LinearModel
from linreg.params.split import split_column

NUM_BLOCKS = 6
"""Blocks of rows that follow one another in time.

Simulated with d of mean 0 whose neighbours have a correlation of 0.8: at 2.5 % nominal, 2.9 %
of 1500 rows, 3.4 % of 150 and 5.0 % of 60 count as an improvement. With independent rows it would
be 26 %, with 20 blocks of 60 rows 16 %.
"""
MAX_P = 0.01
"""The p-value below which the variance on other rows counts as larger than on the test rows."""
MAX_OTHER_ROWS = 200_000
"""Other rows to read; errors too rare for these matter only to test sets that are large enough to
have them. Reading ends with the row group that reaches this number.
"""


@dataclass(frozen=True)
class PairedTest:
    """The mean squared errors of two models on the same rows, with the interval of the difference.

    before, after   mean squared error of the one and of the other model
    difference      before − after: positive where the other model is better
    standard_error  of the difference
    low, high       its confidence interval
    num_units       the number of independent units: rows, groups, or blocks of time
    widened_by      the number of other rows whose larger variance has widened the interval, else 0
    """

    num_rows: int
    num_units: int
    before: float
    after: float
    difference: float
    standard_error: float
    low: float
    high: float
    confidence: float
    widened_by: int = 0

    @property
    def is_improvement(self) -> bool:
        """Whether the other model is significantly better: the whole interval is above 0."""
        return self.low > 0

    @property
    def confidence_of_improvement(self) -> float:
        """The largest confidence at which the other model is significantly better; 0 for none."""
        if self.difference <= 0:
            return 0.0
        if self.standard_error == 0:
            return 1.0
        return 1 - t_p_value(self.difference / self.standard_error, self.num_units - 1)

    @property
    def is_deterioration(self) -> bool:
        """Whether the other model is significantly worse: the whole interval is below 0."""
        return self.high < 0

    def at_confidence(self, confidence: float) -> "PairedTest":
        """Return the same test with another interval."""
        half_width = t_critical_value(confidence, self.num_units - 1) * self.standard_error
        low, high = self.difference - half_width, self.difference + half_width
        return replace(self, low=low, high=high, confidence=confidence)

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    def in_words(self, also: str = "") -> str:
        """Return both errors and the difference with its interval.

        also  what else is to stand in the brackets of the interval
        """
        widened = (
            f", widened because the errors differ more on {self.widened_by} training and validation"
            " rows"
        )
        return (
            f"MSE {self.before:.6g} → {self.after:.6g}, improvement {self.difference:.6g} "
            f"({100 * self.confidence:.12g} % interval {self.low:.6g} to {self.high:.6g}"
            f"{also}{widened if self.widened_by else ''})"
        )


def paired_test(before: Floats, after: Floats, confidence: float = 0.95) -> PairedTest:
    """Compare two models by their errors on the same independent rows, both (n,) with n ≥ 2."""
    squares_before, squares_after = np.square(before), np.square(after)
    d = squares_before - squares_after
    error = float(d.std(ddof=1)) / math.sqrt(len(d))
    means = float(squares_before.mean()), float(squares_after.mean())
    mean = MeanDifference(len(d), len(d), *means, float(d.mean()), error)
    return paired_test_of_means(mean, None, confidence)


def paired_test_on_file(
    path: Path,
    before: LinearModel,
    after: LinearModel,
    confidence: float = 0.95,
    by: str = "row",
    others: Sequence[Path] = (),
) -> PairedTest:
    """Compare two models of the same target on all rows of a file, in one pass.

    `by` says as `split.by` what is independent: rows, groups by a column, or blocks of a time.
    `others` are files of training and validation rows, whose variance may widen the interval. Of
    those, the first MAX_OTHER_ROWS are read; training rows are shuffled. Weights play no part, as
    in the metrics. Raises UserError where a model cannot take the rows, where there are fewer than
    two units, and beyond float64.
    """
    own = _with_two_values(Differences.read([path], before, after, by), path)
    other = Differences.read(others, before, after, by, MAX_OTHER_ROWS)
    other_mean = None
    if other.num_values >= 2:
        # Blocks of as many rows as those of the test rows.
        other_mean = other.mean(max(2, NUM_BLOCKS * other.num_rows // own.num_rows))
    return _finite(paired_test_of_means(own.mean(NUM_BLOCKS), other_mean, confidence), path)


def paired_test_of_predictions(
    path: Path, before: Floats, after: LinearModel, confidence: float = 0.95, by: str = "row"
) -> PairedTest:
    """Compare predictions (n,) of all rows of a file with those of a model; see the function above.

    There are no predictions of other rows, whose variance could widen the interval.
    """
    own = _with_two_values(Differences.from_predictions(path, before, after, by), path)
    return _finite(paired_test_of_means(own.mean(NUM_BLOCKS), None, confidence), path)


def _with_two_values(differences: Differences, path: Path) -> Differences:
    if differences.num_values < 2:
        column = split_column(differences.by)
        of_what = "rows" if column is None else f"values of {column}"
        what = f"must hold at least two {of_what} to compare models on"
        raise UserError(path, what, found=differences.num_values)
    return differences


def _finite(test: PairedTest, path: Path) -> PairedTest:
    if not math.isfinite(test.low) or not math.isfinite(test.high):
        raise beyond_float64(path, test.difference)
    return test


def paired_test_of_means(
    own: MeanDifference, other: MeanDifference | None, confidence: float = 0.95
) -> PairedTest:
    """Compare two models by the mean difference on test rows, and on other rows if there are any.

    Of the other rows only the variance counts, where it is significantly larger.
    """
    error, widened_by = own.standard_error, 0
    if other is not None and _varies_more(other, own):
        error, widened_by = _pooled_error(own, other), other.num_rows
    half_width = t_critical_value(confidence, own.num_units - 1) * error
    return PairedTest(
        own.num_rows,
        own.num_units,
        own.before,
        own.after,
        own.difference,
        error,
        own.difference - half_width,
        own.difference + half_width,
        confidence,
        widened_by,
    )


def _varies_more(other: MeanDifference, own: MeanDifference) -> bool:
    """Return whether the variance on the other rows is significantly larger."""
    if not other.variance > own.variance:
        return False
    if own.variance == 0:
        return True
    ratio = other.variance / own.variance
    return f_p_value(ratio, other.num_units - 1, own.num_units - 1) < MAX_P


def _pooled_error(own: MeanDifference, other: MeanDifference) -> float:
    """Return the standard error of the one mean by the pooled variance of both."""
    weights = own.num_units - 1, other.num_units - 1
    pooled = (weights[0] * own.variance + weights[1] * other.variance) / sum(weights)
    return math.sqrt(pooled / own.num_rows)
