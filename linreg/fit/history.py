"""The history of a training: θ, b and the losses after its epochs, and which epoch is the model."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.files import file_hash, write_text
from linreg.params.train import Train

COEFFICIENT = "coefficient"
MEASURES = ("gap", "distance", "gradient_norm")
MOST_RECORDED = 1000
"""Epochs of a training that are recorded, besides its first, its last and the selected one."""
LINES = 20
"""Epochs that are printed, besides the first."""
Curves = list[tuple[int, dict[str, float]]]
"""By the number of an epoch, its values by the names of the curves in MLflow."""


@dataclass(frozen=True)
class Epoch:
    """The state after an epoch.

    number, step     epochs and steps taken so far
    theta, b         θ (M,) float64 and b, in the units of the data
    lr               the learning rate of the last step
    rows_per_second  0 where no step was taken
    """

    number: int
    step: int
    theta: Floats
    b: float
    lr: float
    rows_per_second: float


@dataclass(frozen=True)
class EpochRecord:
    """An epoch with its losses and what `Gap` measures; None is beyond float64, or without rows."""

    epoch: Epoch
    train_mse: float | None
    validation_mse: float | None
    measures: Mapping[str, float | None]

    def as_data(self) -> list[Any]:
        """Return plain data."""
        epoch = vars(self.epoch) | {"theta": self.epoch.theta.tolist()}
        return [epoch, self.train_mse, self.validation_mse, dict(self.measures)]

    @classmethod
    def from_data(cls, data: Sequence[Any]) -> "EpochRecord":
        """Return the record that `as_data` was called on."""
        epoch, *others = data
        return cls(Epoch(**epoch | {"theta": np.array(epoch["theta"], np.float64)}), *others)

    def values(self, names: Sequence[str]) -> dict[str, float]:
        """Return the values by the names of the curves in MLflow, those of θ by `names`.

        These are of the last columns: those before them belong to absorbed factors.
        """
        epoch = self.epoch
        values = {"train_mse": self.train_mse, "validation_mse": self.validation_mse}
        values |= {"lr": epoch.lr, "b": epoch.b}
        first = len(epoch.theta) - len(names)
        for name, coefficient in zip(names, epoch.theta[first:].tolist(), strict=True):
            values[f"theta.{name}"] = coefficient
        values |= self.measures
        if epoch.rows_per_second:
            values["rows_per_second"] = epoch.rows_per_second
        return {name: value for name, value in values.items() if value is not None}

    @property
    def validation_loss(self) -> float:
        """The validation loss as patience compares it: infinite if it is not known."""
        return math.inf if self.validation_mse is None else self.validation_mse

    @property
    def losses_as_text(self) -> str:
        """The losses as a person reads them."""
        train = "beyond float64" if self.train_mse is None else f"{self.train_mse:.6g}"
        if self.validation_mse is None:
            return f"train MSE {train}"
        return f"train MSE {train}, validation MSE {self.validation_mse:.6g}"


class History:
    """Records epochs, prints some of them, and selects the one that becomes the model.

    Of more than MOST_RECORDED epochs only every k-th is recorded, with the first, the last and the
    selected one. So nothing that is made of them, from curves to checkpoints, grows without bound.
    """

    def __init__(self, names: Sequence[str], params: Train, *, quiet: bool = False) -> None:
        self._names, self._params, self._quiet = names, params, quiet
        self._interval = -(-params.epochs // MOST_RECORDED)
        self._recorded: dict[int, EpochRecord] = {}
        self._best: EpochRecord | None = None
        self._last: EpochRecord | None = None

    def should_record(self, epoch: Epoch) -> bool:
        """Whether an epoch must be added; with patience all must, to compare their losses."""
        return self._params.patience > 0 or self._is_due(epoch.number)

    def _is_due(self, number: int) -> bool:
        return number in (1, self._params.epochs) or number % self._interval == 0

    def add(
        self,
        epoch: Epoch,
        train_mse: float | None,
        validation_mse: float | None,
        measures: Mapping[str, float | None] = MappingProxyType({}),
    ) -> Curves:
        """Add an epoch, with what `Gap` measures; returns the newly recorded ones like `curves`."""
        self._last = last = EpochRecord(epoch, train_mse, validation_mse, measures)
        if self._best is None or last.validation_loss < self._best.validation_loss:
            self._best = last
        candidates = [last] if self._is_due(epoch.number) else []
        if epoch.number == self._params.epochs or self.patience_exhausted:
            candidates += [self._selected, last]
        numbered = {record.epoch.number: record for record in candidates}
        new = {number: numbered[number] for number in numbered if number not in self._recorded}
        self._recorded |= new
        self._print(last)
        return self._curves(new)

    def _print(self, record: EpochRecord) -> None:
        """Print an epoch if it is the first one in the next of LINES equal parts of a training."""
        number, epochs = record.epoch.number, self._params.epochs
        if self._quiet or not self._is_due(number):
            return
        if number * LINES // epochs == (number - self._interval) * LINES // epochs:
            return
        speed = ""
        if record.epoch.rows_per_second:
            speed = f", {record.epoch.rows_per_second:.3g} rows/s"
        print(f"train: epoch {number}: {record.losses_as_text}{speed}")

    def curves(self) -> Curves:
        """Return the values of each recorded epoch, by the names of the curves in MLflow."""
        return self._curves(self._recorded)

    def _curves(self, records: Mapping[int, EpochRecord]) -> Curves:
        return [(number, records[number].values(self._names)) for number in sorted(records)]

    def as_data(self) -> Mapping[str, Any]:
        """Return all that is known of the epochs as plain data."""
        return {
            "recorded": [record.as_data() for record in self._recorded.values()],
            "best": self._best and self._best.as_data(),
            "last": self._last and self._last.as_data(),
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Set the epochs to what `as_data` returned."""
        records = [EpochRecord.from_data(record) for record in data["recorded"]]
        self._recorded = {record.epoch.number: record for record in records}
        self._best = data["best"] and EpochRecord.from_data(data["best"])
        self._last = data["last"] and EpochRecord.from_data(data["last"])

    @property
    def selected(self) -> Epoch:
        """The epoch that is the model: the last, or with patience that of least validation loss."""
        return self._selected.epoch

    @property
    def _selected(self) -> EpochRecord:
        selected = self._best if self._params.patience else self._last
        assert selected is not None, "a training has an epoch"
        return selected

    @property
    def patience_exhausted(self) -> bool:
        """Whether the validation loss has not improved for `train.patience` epochs."""
        if not self._params.patience or self._best is None or self._last is None:
            return False
        return self._last.epoch.number - self._best.epoch.number >= self._params.patience

    def write(self, folder: Path) -> dict[str, str]:
        """Write history.csv (a row per epoch) and theta.csv (a row per epoch and coefficient).

        Returns their MD5s by name, which the model keeps.
        """
        records = [self._recorded[number] for number in sorted(self._recorded)]
        losses, coefficients = [], []
        for record in records:
            epoch = record.epoch
            measures = [record.measures.get(name) for name in MEASURES]
            row = [epoch.number, epoch.step, epoch.lr, record.train_mse, record.validation_mse]
            losses.append(row + measures)
            coefficients.append([epoch.number, "b", epoch.b])
            first = len(epoch.theta) - len(self._names)
            for name, value in zip(self._names, epoch.theta[first:].tolist(), strict=True):
                coefficients.append([epoch.number, name, value])
        header = ["epoch", "step", "lr", "train_mse", "validation_mse", *MEASURES]
        write_text(folder / "history.csv", _as_csv(header, losses))
        write_text(folder / "theta.csv", _as_csv(["epoch", COEFFICIENT, "value"], coefficients))
        return {name: file_hash(folder / name) for name in ("history.csv", "theta.csv")}

    def summary(self) -> str:
        """Return the selected epoch, its losses and its gap in a few words."""
        selected = self._selected
        how = f"epoch {selected.epoch.number} of {self._params.epochs}"
        if self._params.solver == "exact":
            how = "exact"
        gap = selected.measures.get("gap")
        above = "" if gap is None else f", {gap_in_words(gap)}"
        return f"{how}: {selected.losses_as_text}{above}"


def gap_in_words(gap: float) -> str:
    """Return a gap as a person reads it, such as `0.42 % above the minimum`."""
    if gap < 10:
        return f"{100 * gap:.3g} % above the minimum"
    return f"{1 + gap:.3g} times the minimum"


def read_columns(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a file that `History.write` wrote: numbers, None for an empty cell.

    Names of coefficients stay text, since one may be 2020 or nan.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns: dict[str, list[Any]] = {}
    for name in rows[0]:
        cells = [row[name] for row in rows]
        if name != COEFFICIENT:
            columns[name] = [float(cell) if cell else None for cell in cells]
        else:
            columns[name] = cells
    return columns


def _as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return CSV in which floats keep every digit: the shortest text that reads back the same."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
