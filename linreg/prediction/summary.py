"""How many rows were predicted, and what is wrong with the others."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from linreg.prediction.output import OK
from linreg.prediction.row_predictions import RowPredictions


@dataclass
class PredictionSummary:
    """Counts of the rows so far.

    errors      by reason, rows without a prediction; a row may have several reasons
    warnings    by reason, rows with a prediction that calls for care
    off_centre  the largest distance of a prediction from the centre of its interval, as a share of
                the half-width; None without intervals
    """

    num_rows: int = 0
    num_predicted: int = 0
    num_ok: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    off_centre: float | None = None

    @property
    def share_without(self) -> float:
        """The share of rows without a prediction; 0 of no rows."""
        return 1 - self.num_predicted / self.num_rows if self.num_rows else 0.0

    def add(self, predictions: RowPredictions) -> None:
        """Count more rows."""
        self.num_rows += len(predictions.predicted)
        self.num_predicted += int(predictions.is_predicted.sum())
        has_warning = np.any([*predictions.warnings.values()], axis=0)
        self.num_ok += int((predictions.is_predicted & ~has_warning).sum())
        for reason, rows in predictions.errors.items():
            self.errors[reason] += int(rows.sum())
        for reason, rows in predictions.warnings.items():
            self.warnings[reason] += int(rows.sum())
        half_width = (predictions.high - predictions.low) / 2
        distance = np.abs(predictions.predicted - predictions.low - half_width)
        # Not of NaN, where there is no interval, nor of 0.
        measured = half_width > 0
        if measured.any():
            largest = float((distance[measured] / half_width[measured]).max())
            self.off_centre = max(self.off_centre or 0.0, largest)

    def lines(self, output: Path) -> Iterator[str]:
        """Yield the summary as text."""
        without = self.num_rows - self.num_predicted
        predicted = f"{self.num_predicted} predicted, {without} without a prediction"
        yield f"predict: {self.num_rows} rows, {predicted} → {output}"
        yield f"{self.num_ok:>12}  predicted: {OK}"
        for title, counts in (("predicted", self.warnings), ("no prediction", self.errors)):
            for reason, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
                yield f"{count:>12}  {title}: {reason}"
        if self.off_centre is not None:
            share = f"{self.off_centre:.3%} of their half-width"
            yield (
                "interval: intervals are centred on the exact fit; predictions are off-centre by at"
                f" most {share}"
            )
