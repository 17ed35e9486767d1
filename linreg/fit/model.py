"""The fitted model ỹ = b + X·θᵀ and its artifact on disk: model.safetensors and model.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from linreg.data.design import Design, Learned
from linreg.data.schema import Schema
from linreg.errors import UserError
from linreg.files import checksum, read_json, write_json

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


def linear(X: Floats, theta: Floats, b: float) -> Floats:
    """Return b + X·θᵀ, float64 of shape (n,), for X (n, M) and θ (M,).

    The columns are added one after the other: a BLAS product would round differently from CPU to CPU.
    """
    y = np.full(len(X), b)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is the caller's to find, with its row
        for j in range(len(theta)):
            y += X[:, j] * theta[j]
    return y


@dataclass(frozen=True)
class ModelColumn:
    """A column that a prediction needs: its name, its arrow type by name, and what it is in the formula."""

    name: str
    type: str
    kind: str


@dataclass(frozen=True)
class LinearModel:
    """A design with θ (M,) and b, float64, in the units of the data; b is 0 without intercept.

    hashes  MD5 of the inputs, as in dvc.lock, and of the parameters that the model was made from
    """

    design: Design
    theta: Floats
    b: float
    hashes: Mapping[str, str]

    @property
    def target(self) -> str:
        """What is predicted, as it stands on the left of the formula."""
        return str(self.design.schema.target["factor"])

    @property
    def columns(self) -> tuple[ModelColumn, ...]:
        """The columns that `predict` needs."""
        schema = self.design.schema
        return tuple(
            ModelColumn(name, column.type, "category" if name in schema.category_columns else column.kind)
            for name, column in schema.features.items()
        )

    @property
    def coefficients(self) -> dict[str, float]:
        """θ by name."""
        return dict(zip(self.design.names, self.theta.tolist(), strict=True))

    def predict(self, frame: "pd.DataFrame | pa.Table") -> Floats:
        """Return a prediction per row, float64 of shape (n,).

        Raises UserError naming column and row for a column or cell that is missing, is not of the column's type
        or finite, or holds a level that was not in the training rows.
        """
        predictions = linear(self.features(frame), self.theta, self.b)
        if not np.isfinite(predictions).all():
            row = int(np.flatnonzero(~np.isfinite(predictions))[0]) + 1
            raise UserError(f"the input: row {row}", "is too large to predict from", found=predictions[row - 1])
        return predictions

    def features(self, frame: "pd.DataFrame | pa.Table") -> Floats:
        """Return the rows as the model sees them, X (n, M); raises UserError like `predict`."""
        return self.design.matrix(_typed(frame, self.design.schema), "the input")

    def save(self, folder: Path) -> None:
        """Write the artifact into an existing folder."""
        schema, design = self.design.schema, self.design
        learned = {name: asdict(each) for name, each in design.learned.items()}
        save_file(
            {"theta": self.theta.astype(np.float64), "b": np.array([self.b], np.float64)},
            folder / "model.safetensors",
        )
        document = {**schema.as_data(), "learned": learned, "hashes": dict(self.hashes)}
        del document["truth"]  # belongs to the data; a model knows what it found
        document |= {"theta": self.coefficients, "b": self.b}
        write_json(folder / "model.json", document | {"checksum": checksum(document)})


def load(folder: str | Path) -> LinearModel:
    """Load the artifact in `folder`; raises UserError when it is absent, damaged or of another format."""
    path, weights = Path(folder) / "model.json", Path(folder) / "model.safetensors"
    data = read_json(path)
    try:
        if data.pop("checksum") != checksum(data):
            raise UserError(path, "was changed after it was written", todo="run `dvc repro train` to make it again")
        schema = Schema.from_data({"truth": None, **data}, path)
        learned = {name: Learned.from_data(each) for name, each in data["learned"].items()}
        tensors = load_file(weights)
        model = LinearModel(Design(schema, learned), tensors["theta"], float(tensors["b"][0]), data["hashes"])
        agrees = model.coefficients == data["theta"] and model.b == data["b"]
    except FileNotFoundError:
        raise UserError(weights, "there is no such file", todo="run `dvc repro train` to make it") from None
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, SafetensorError) as error:
        raise UserError(folder, "is a damaged model", found=repr(error), todo="delete it and run `dvc repro`") from None
    if not agrees:
        raise UserError(folder, "model.safetensors and model.json differ", todo="delete both and run `dvc repro`")
    return model


def _typed(frame: "pd.DataFrame | pa.Table", schema: Schema) -> pa.Table:
    """Take the columns that the model needs out of a frame, each with the type that it has in training."""
    names = list(frame.column_names if isinstance(frame, pa.Table) else map(str, frame.columns))
    columns: dict[str, pa.Array] = {}
    for name, column in schema.features.items():
        where = f"the input: column {name}"
        if names.count(name) != 1:
            what = "is missing" if name not in names else "appears more than once"
            raise UserError(where, what, found=", ".join(names), todo="name the columns as in training")
        type_ = pa.type_for_alias(column.type)
        # A number may come as any number: 3 for 3.0 in a float column, 3.5 in one that had integers in training.
        if column.kind == "number" and name not in schema.category_columns:
            type_ = pa.float64()
        values = frame.column(name) if isinstance(frame, pa.Table) else frame[name]
        columns[name] = _cast(values, type_, where)
    return pa.table(columns) if columns else pa.table({"": pa.nulls(len(frame))})


def _cast(values: Any, type_: pa.DataType, where: str) -> pa.Array:
    try:
        if not isinstance(values, pa.Array | pa.ChunkedArray):
            values = pa.Array.from_pandas(values)  # NaN in a frame means missing
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if _is_text(type_) != _is_text(values.type) and not pa.types.is_null(values.type):
            raise UserError(where, f"must hold {type_}", found=f"{values.type}, such as {values[0]}")
        return values.cast(type_)
    except pa.ArrowException as error:
        raise UserError(where, f"must hold {type_}", found=error) from None


def _is_text(type_: pa.DataType) -> bool:
    """Text or bytes: what pyarrow would otherwise turn into numbers, or numbers into it, without a word."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    return any(test(type_) for test in tests)
