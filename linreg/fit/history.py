"""How training went: θ, b and the losses after each epoch, and which epoch is the model."""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linreg.files import file_hash, write_text
from linreg.params import Train

COEFFICIENT = "coefficient"
MEASURES = ("gap", "distance", "gradient_norm")


@dataclass(frozen=True)
class Epoch:
    """The state after an epoch: θ (M,) float64 and b in the units of the data, lr of the last step, rows per second."""

    number: int
    step: int
    theta: NDArray[np.float64]
    b: float
    lr: float
    rows_per_second: float


class History:
    """Collects the epochs, prints a line for some of them where no progress bar is seen, and chooses one."""

    def __init__(self, names: Sequence[str], params: Train, *, quiet: bool = False) -> None:
        self._names, self._params, self._quiet = names, params, quiet
        self._epochs: list[Epoch] = []
        self._losses: list[tuple[float | None, float | None]] = []
        self._measures: list[Mapping[str, float | None]] = []

    def add(
        self,
        epoch: Epoch,
        train_mse: float | None,
        validation_mse: float | None,
        measures: Mapping[str, float | None] = MappingProxyType({}),
    ) -> dict[str, float]:
        """Note an epoch, with what `Gap` measures; returns its values by the names of the curves in MLflow."""
        self._epochs.append(epoch)
        self._measures.append(measures)
        self._losses.append((train_mse, validation_mse))
        if not self._quiet and (sys.stderr.isatty() or epoch.number % max(1, self._params.epochs // 20) == 0):
            speed = f", {epoch.rows_per_second:.3g} rows/s" if epoch.rows_per_second else ""
            print(f"train: epoch {epoch.number}: {self._losses_as_text(-1)}{speed}")
        return self._values(-1)

    def _values(self, index: int) -> dict[str, float]:
        epoch, (train_mse, validation_mse) = self._epochs[index], self._losses[index]
        values = {"train_mse": train_mse, "validation_mse": validation_mse, "lr": epoch.lr, "b": epoch.b}
        values |= {f"theta.{name}": value for name, value in zip(self._names, epoch.theta.tolist(), strict=True)}
        values |= self._measures[index]
        if epoch.rows_per_second:
            values["rows_per_second"] = epoch.rows_per_second
        return {name: value for name, value in values.items() if value is not None}

    def _all(self) -> list[tuple[Epoch, tuple[float | None, float | None], Mapping[str, float | None]]]:
        return list(zip(self._epochs, self._losses, self._measures, strict=True))

    def as_data(self) -> list[Any]:
        """Return all epochs as plain data."""
        return [
            [{**asdict(epoch), "theta": epoch.theta.tolist()}, losses, dict(measures)]
            for epoch, losses, measures in self._all()
        ]

    def restore(self, data: Sequence[Any]) -> None:
        """Set the epochs to what `as_data` returned."""
        self._epochs = [Epoch(**{**epoch, "theta": np.array(epoch["theta"], np.float64)}) for epoch, _, _ in data]
        self._losses = [(train, validation) for _, (train, validation), _ in data]
        self._measures = [measures for _, _, measures in data]

    def curves(self) -> list[tuple[int, dict[str, float]]]:
        """Return the values of each epoch by the names of the curves in MLflow, as `add` did."""
        return [(epoch.number, self._values(i)) for i, epoch in enumerate(self._epochs)]

    @property
    def chosen(self) -> Epoch:
        """The epoch that is the model: the last, or with patience the one with the least validation loss."""
        return self._epochs[self._best if self._params.patience else -1]

    @property
    def patience_is_over(self) -> bool:
        """Whether the validation loss has had its chance to become better."""
        patience = self._params.patience
        return patience > 0 and len(self._epochs) - 1 - self._best >= patience

    @property
    def _best(self) -> int:
        losses = [loss for _, loss in self._losses if loss is not None]
        return losses.index(min(losses))

    def write(self, folder: Path) -> dict[str, str]:
        """Write history.csv (a row per epoch) and theta.csv (a row per epoch and coefficient, b among them).

        Returns their MD5s by name, for the model to know them by.
        """
        epochs = self._all()
        write_text(
            folder / "history.csv",
            _as_csv(
                ["epoch", "step", "lr", "train_mse", "validation_mse", *MEASURES],
                [
                    [epoch.number, epoch.step, epoch.lr, *losses, *(measures.get(name) for name in MEASURES)]
                    for epoch, losses, measures in epochs
                ],
            ),
        )
        coefficients = [
            [epoch.number, name, value]
            for epoch in self._epochs
            for name, value in [("b", epoch.b), *zip(self._names, epoch.theta.tolist(), strict=True)]
        ]
        write_text(folder / "theta.csv", _as_csv(["epoch", COEFFICIENT, "value"], coefficients))
        return {name: file_hash(folder / name) for name in ("history.csv", "theta.csv")}

    def summary(self) -> str:
        """Return in a few words what was chosen."""
        index = self._epochs.index(self.chosen)
        gap = self._measures[index].get("gap")
        above = "" if gap is None else f", {gap:.3g} above the least possible"
        how = "exact" if self._params.solver == "exact" else f"epoch {self.chosen.number} of {self._params.epochs}"
        return f"{how}: {self._losses_as_text(index)}{above}"

    def _losses_as_text(self, index: int) -> str:
        train, validation = self._losses[index]
        watched = "" if validation is None else f", validation MSE {validation:.6g}"
        return f"train MSE {'beyond float64' if train is None else f'{train:.6g}'}{watched}"


def read_columns(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a file that `History.write` wrote: numbers, None for an empty cell; names are text."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # A coefficient may be called 2020 or nan, which is no number.
    return {
        name: [row[name] if name == COEFFICIENT else float(row[name]) if row[name] else None for row in rows]
        for name in rows[0]
    }


def _as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Floats keep every digit: Python writes the shortest text that reads back as the same number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
