"""The fitted model ỹ = b + X·θᵀ and its artifact on disk: model.safetensors and model.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from linreg.arrays import Floats
from linreg.data.formula.coercion import coerce, feature_types
from linreg.data.formula.column_statistics import ColumnStatistics
from linreg.data.formula.design import Design
from linreg.data.formula.row_errors import RaisingHandler, RowError, RowErrorHandler
from linreg.data.formula.schema import Schema
from linreg.errors import UserError
from linreg.files import read_document, write_document

if TYPE_CHECKING:
    import pandas as pd
NOT_AS_WRITTEN = (
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    ValueError,
    ArithmeticError,
    AssertionError,
)
"""What Python raises when a document has other keys, types or lengths than the code that reads it
expects.
"""


def linear(X: Floats, theta: Floats, b: float) -> Floats:
    """Return b + X·θᵀ, float64 of shape (n,), for X (n, M) and θ (M,).

    The columns are added one after the other: a BLAS product would round differently from CPU to
    CPU.
    """
    y = np.full(len(X), b)
    with np.errstate(
        over="ignore",
        invalid="ignore",
        # what is not finite is the caller's to find, with its row
    ):
        for j in range(len(theta)):
            y += X[:, j] * theta[j]
    return y


@dataclass(frozen=True)
class ModelColumn:
    """A column that a prediction needs: its name, its arrow type by name, and what it is in the
    formula.
    """

    name: str
    type: str
    kind: str


@dataclass(frozen=True)
class LinearModel:
    """A design with θ (M,) and b, float64, in the units of the data; b is 0 without intercept.

    hashes  MD5 of the inputs, as in dvc.lock, and of the parameters that the model was made from
    files   MD5 of single files that belong to it, by path: of what it was made from and what was
            written with it
    """

    design: Design
    theta: Floats
    b: float
    hashes: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """What is predicted, as it stands on the left of the formula."""
        return str(self.design.schema.target["factor"])

    @property
    def columns(self) -> tuple[ModelColumn, ...]:
        """The columns that `predict` needs."""
        schema = self.design.schema
        return tuple(
            ModelColumn(
                name, column.type, "category" if name in schema.category_columns else column.kind
            )
            for name, column in schema.features.items()
        )

    @property
    def coefficients(self) -> dict[str, float]:
        """θ by name."""
        return dict(zip(self.design.names, self.theta.tolist(), strict=True))

    def predict(self, frame: "pd.DataFrame | pa.Table", *, text: bool = False) -> Floats:
        """Return a prediction per row, float64 of shape (n,); with `text`, a number may come as
        text that spells it.

        Raises UserError naming column and row for a column or cell that is missing, is not of the
        column's type or finite, or holds a level that was not in the training rows.
        """
        X = self.features(frame, text=text)
        return self.predictions(X, RaisingHandler(len(X), "the input", 1))

    def predictions(self, X: Floats, errors: RowErrorHandler) -> Floats:
        """Return b + X·θᵀ of shape (n,); a row for which it is not finite is refused."""
        found = linear(X, self.theta, self.b)
        wrong = ~np.isfinite(found) & ~errors.invalid
        error = RowError(
            "too large to predict from",
            "",
            "is too large to predict from",
            lambda row: str(found[row]),
        )
        errors.report(wrong, error)
        return found

    def features(self, frame: "pd.DataFrame | pa.Table", *, text: bool = False) -> Floats:
        """Return the rows as the model sees them, X (n, M); raises UserError like `predict`."""
        return self.design.matrix(
            coerce(frame, self.design.schema, "the input", text=text), "the input"
        )

    def save(self, folder: Path) -> None:
        """Write the artifact into an existing folder."""
        schema, design = self.design.schema, self.design
        statistics = {name: asdict(each) for name, each in design.statistics.items()}
        tensors = {"theta": self.theta.astype(np.float64), "b": np.array([self.b], np.float64)}
        (folder / "model.safetensors").write_bytes(
            save(tensors)
            # save_file does not say that a disk is full
        )
        document = {**schema.as_data(), "learned": statistics, "hashes": dict(self.hashes)}
        document |= {"files": dict(self.files)} if self.files else {}
        # belongs to the data; a model knows what it found
        del document["truth"]
        document |= {"theta": self.coefficients, "b": self.b}
        write_document(folder / "model.json", document)


def load(folder: str | Path) -> LinearModel:
    """Load the artifact in `folder`; raises UserError when it is absent, damaged or of another
    format.
    """
    path, weights = Path(folder) / "model.json", Path(folder) / "model.safetensors"
    data = read_document(path)
    try:
        schema = Schema.from_data({"truth": None, **data}, path)
        statistics = {
            name: ColumnStatistics.from_data(each) for name, each in data["learned"].items()
        }
        tensors = load_file(weights)
        design, about = Design(schema, statistics), (data["hashes"], data.get("files", {}))
        model = LinearModel(design, tensors["theta"], float(tensors["b"][0]), *about)
        agrees = model.coefficients == data["theta"] and model.b == data["b"]
        if agrees:
            _predict_no_rows(model)
    except FileNotFoundError:
        raise UserError(
            weights, "there is no such file", todo="run `dvc repro train` to make it"
        ) from None
    except (*NOT_AS_WRITTEN, SafetensorError, pa.ArrowException) as error:
        raise UserError(
            folder, "is a damaged model", found=repr(error), todo="delete it and run `dvc repro`"
        ) from None
    if not agrees:
        raise UserError(
            folder,
            "model.safetensors and model.json differ",
            todo="delete both and run `dvc repro`",
        )
    return model


def _predict_no_rows(model: LinearModel) -> None:
    """Try a model that comes out of a file: what does not fit together in it shows here, whatever
    rows come later.
    """
    types, schema = feature_types(model.design.schema), model.design.schema
    rows = coerce(
        pa.table({name: pa.nulls(0, type_) for name, type_ in types.items()}), schema, "no rows"
    )
    model.predictions(*model.design.matrix_and_errors(rows))
    model.design.row_warnings(rows)
