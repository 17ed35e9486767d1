"""How training went: θ, b and the losses after its epochs, and which epoch is the model."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linreg.files import file_hash, write_text
from linreg.params import Train

COEFFICIENT = "coefficient"
MEASURES = ("gap", "distance", "gradient_norm")
MOST_KEPT = 1000
"""Epochs of a training that are kept, but for its first, its last and the chosen one."""
LINES = 20
"""Epochs that are printed, besides the first."""
Curves = list[tuple[int, dict[str, float]]]
"""By the number of an epoch, its values by the names of the curves in MLflow."""


@dataclass(frozen=True)
class Epoch:
    """The state after an epoch: θ (M,) float64 and b in the units of the data, lr of the last step,
    rows per second.
    """

    number: int
    step: int
    theta: NDArray[np.float64]
    b: float
    lr: float
    rows_per_second: float


@dataclass(frozen=True)
class Measured:
    """An epoch with its losses and what `Gap` measures; None for what is beyond float64 or has no
    rows.
    """

    epoch: Epoch
    train_mse: float | None
    validation_mse: float | None
    measures: Mapping[str, float | None]

    def as_data(self) -> list[Any]:
        """Return plain data."""
        epoch = vars(self.epoch) | {"theta": self.epoch.theta.tolist()}
        return [epoch, self.train_mse, self.validation_mse, dict(self.measures)]

    @classmethod
    def from_data(cls, data: Sequence[Any]) -> "Measured":
        """Return what `as_data` was called on."""
        epoch, *others = data
        return cls(Epoch(**epoch | {"theta": np.array(epoch["theta"], np.float64)}), *others)

    def values(self, names: Sequence[str]) -> dict[str, float]:
        """Return the values by the names of the curves in MLflow, θ by `names`."""
        epoch = self.epoch
        values = {
            "train_mse": self.train_mse,
            "validation_mse": self.validation_mse,
            "lr": epoch.lr,
            "b": epoch.b,
        }
        values |= {
            f"theta.{name}": value for name, value in zip(names, epoch.theta.tolist(), strict=True)
        }
        values |= self.measures
        if epoch.rows_per_second:
            values["rows_per_second"] = epoch.rows_per_second
        return {name: value for name, value in values.items() if value is not None}

    @property
    def loss(self) -> float:
        """The validation loss, as patience compares it."""
        return math.inf if self.validation_mse is None else self.validation_mse

    @property
    def losses_as_text(self) -> str:
        """The losses as a person reads them."""
        watched = (
            "" if self.validation_mse is None else f", validation MSE {self.validation_mse:.6g}"
        )
        return f"train MSE {'beyond float64' if self.train_mse is None else f'{self.train_mse:.6g}'}{watched}"


class History:
    """Collects epochs, prints a line for some of them, and chooses one.

    Of at most MOST_KEPT epochs all are kept, of more every second, third, … and always the first,
    the last and the one that is chosen. So nothing that is made of them, from curves to
    checkpoints, grows without bounds.
    """

    def __init__(self, names: Sequence[str], params: Train, *, quiet: bool = False) -> None:
        self._names, self._params, self._quiet = names, params, quiet
        self._every = -(-params.epochs // MOST_KEPT)
        self._kept: dict[int, Measured] = {}
        self._best: Measured | None = None
        self._last: Measured | None = None

    def looks_at(self, epoch: Epoch) -> bool:
        """Whether an epoch has to be added: it may be kept, or patience watches it."""
        return self._params.patience > 0 or self._is_due(epoch.number)

    def _is_due(self, number: int) -> bool:
        return number in (1, self._params.epochs) or number % self._every == 0

    def add(
        self,
        epoch: Epoch,
        train_mse: float | None,
        validation_mse: float | None,
        measures: Mapping[str, float | None] = MappingProxyType({}),
    ) -> Curves:
        """Note an epoch, with what `Gap` measures; returns those that are kept from now on, as
        `curves` does.
        """
        self._last = last = Measured(epoch, train_mse, validation_mse, measures)
        if self._best is None or last.loss < self._best.loss:
            self._best = last
        candidates = [last] if self._is_due(epoch.number) else []
        if epoch.number == self._params.epochs or self.patience_is_over:
            candidates += [self._chosen, last]
        new = {
            each.epoch.number: each for each in candidates if each.epoch.number not in self._kept
        }
        self._kept |= new
        self._print(last)
        return self._curves(new)

    def _print(self, measured: Measured) -> None:
        number, epochs = measured.epoch.number, self._params.epochs
        if (
            not self._quiet
            and self._is_due(number)
            and number * LINES // epochs > (number - self._every) * LINES // epochs
        ):
            speed = (
                f", {measured.epoch.rows_per_second:.3g} rows/s"
                if measured.epoch.rows_per_second
                else ""
            )
            print(f"train: epoch {number}: {measured.losses_as_text}{speed}")

    def curves(self) -> Curves:
        """Return the values of each epoch that is kept, by the names of the curves in MLflow."""
        return self._curves(self._kept)

    def _curves(self, epochs: Mapping[int, Measured]) -> Curves:
        return [(number, epochs[number].values(self._names)) for number in sorted(epochs)]

    def as_data(self) -> Mapping[str, Any]:
        """Return all that is known of the epochs as plain data."""
        kept = [each.as_data() for each in self._kept.values()]
        best, last = (each and each.as_data() for each in (self._best, self._last))
        return {"kept": kept, "best": best, "last": last}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Set the epochs to what `as_data` returned."""
        kept = map(Measured.from_data, data["kept"])
        self._kept = {each.epoch.number: each for each in kept}
        self._best, self._last = (
            each and Measured.from_data(each) for each in (data["best"], data["last"])
        )

    @property
    def chosen(self) -> Epoch:
        """The epoch that is the model: the last, or with patience the one with the least validation
        loss.
        """
        return self._chosen.epoch

    @property
    def _chosen(self) -> Measured:
        chosen = self._best if self._params.patience else self._last
        assert chosen is not None, "a training has an epoch"
        return chosen

    @property
    def patience_is_over(self) -> bool:
        """Whether the validation loss has had its chance to become better."""
        if not self._params.patience or self._best is None or self._last is None:
            return False
        return self._last.epoch.number - self._best.epoch.number >= self._params.patience

    def write(self, folder: Path) -> dict[str, str]:
        """Write history.csv (a row per epoch) and theta.csv (a row per epoch and coefficient, b
        among them).

        Returns their MD5s by name, for the model to know them by.
        """
        epochs = [self._kept[number] for number in sorted(self._kept)]
        losses = [
            [each.epoch.number, each.epoch.step, each.epoch.lr, each.train_mse, each.validation_mse]
            + [each.measures.get(name) for name in MEASURES]
            for each in epochs
        ]
        header = ["epoch", "step", "lr", "train_mse", "validation_mse", *MEASURES]
        write_text(folder / "history.csv", _as_csv(header, losses))
        coefficients = [
            [each.epoch.number, name, value]
            for each in epochs
            for name, value in [
                ("b", each.epoch.b),
                *zip(self._names, each.epoch.theta.tolist(), strict=True),
            ]
        ]
        write_text(folder / "theta.csv", _as_csv(["epoch", COEFFICIENT, "value"], coefficients))
        return {name: file_hash(folder / name) for name in ("history.csv", "theta.csv")}

    def summary(self) -> str:
        """Return in a few words what was chosen."""
        chosen = self._chosen
        gap = chosen.measures.get("gap")
        above = "" if gap is None else f", {gap:.3g} above the least possible"
        how = (
            "exact"
            if self._params.solver == "exact"
            else f"epoch {chosen.epoch.number} of {self._params.epochs}"
        )
        return f"{how}: {chosen.losses_as_text}{above}"


def read_columns(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a file that `History.write` wrote: numbers, None for an empty cell;
    names are text.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # A coefficient may be called 2020 or nan, which is no number.
    return {
        name: [
            row[name] if name == COEFFICIENT else float(row[name]) if row[name] else None
            for row in rows
        ]
        for name in rows[0]
    }


def _as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Floats keep every digit: Python writes the shortest text that reads back as the same
    number.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
