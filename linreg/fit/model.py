"""The fitted model ỹ = b + X·θᵀ, and its artifact on disk: model.safetensors and model.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from linreg.arrays import Floats
from linreg.data.formula.coercion import Frame, coerce, feature_types
from linreg.data.formula.column_statistics import ColumnStatistics, Level
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix
from linreg.data.formula.design import Design
from linreg.data.formula.row_errors import RaisingHandler, RowError, RowErrorHandler
from linreg.data.formula.row_warnings import row_warnings
from linreg.data.formula.schema import Schema
from linreg.errors import UserError
from linreg.files import content_hash, missing_output, read_document, read_folder, write_document

MALFORMED = (
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    ValueError,
    ArithmeticError,
    AssertionError,
)
"""Raised by code that reads a document with other keys, types or lengths than it expects."""


def linear(X: DesignMatrix, theta: Floats, b: float) -> Floats:
    """Return b + X·θᵀ (n,) for X (n, M) and θ (M,), all float64.

    The columns are added one after the other, as a BLAS product would round differently from CPU to
    CPU. What overflows is infinite or NaN, without a warning.
    """
    y = np.full(len(X), b)
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(X, CompactMatrix):
            for product in X.products(theta):
                y += product
        else:
            for j in range(len(theta)):
                y += X[:, j] * theta[j]
    return y


@dataclass(frozen=True)
class ModelColumn:
    """A column that a prediction needs: its name, the name of its Arrow type, and its kind."""

    name: str
    type: str
    kind: str


@dataclass(frozen=True)
class LinearModel:
    """A design with θ (M,) and b, float64, in the units of the data; b is 0 without an intercept.

    hashes  MD5 of the inputs, as in dvc.lock, and of the parameters that the model was fitted with
    files   MD5 by path of single files: inputs, and files that were written with the model
    """

    design: Design
    theta: Floats
    b: float
    hashes: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The left-hand side of the formula."""
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
        """θ by name, without the levels of absorbed factors."""
        of_all = zip(self.design.names, self.theta.tolist(), strict=True)
        first = self.design.layout.num_absorbed
        return dict(list(of_all)[first:])

    @property
    def fixed_effects(self) -> dict[str, dict[Level, float]]:
        """The effects of the levels of absorbed factors, by column; empty if there are none.

        The first factor has an effect for each of its levels. Of each further one, the effects are
        relative to its first level, whose effect is 0.
        """
        return self.design.level_effects(self.theta)

    def predict(self, frame: Frame, *, text: bool = False) -> Floats:
        """Return a prediction per row, float64 of shape (n,).

        frame  of pandas, polars or pyarrow, or another that has `__arrow_c_stream__`
        text   whether a number may be given as text

        Raises UserError with column and row for a missing column or cell, for a cell that has
        another type or is not finite, and for a level that no training row has.
        """
        features = coerce(frame, self.design.schema, "the input", text=text)
        X = self.design.matrix(features, "the input")
        errors = RaisingHandler(len(X), "the input", 1)
        return self.predict_rows(X, errors, self.design.offset(features, errors))

    def predict_rows(
        self, X: DesignMatrix, errors: RowErrorHandler, offset: Floats | None = None
    ) -> Floats:
        """Return b + X·θᵀ and the offset (n,), if there is one, for X (n, M).

        A row for which that is not finite is refused.
        """
        predictions = linear(X, self.theta, self.b)
        if offset is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                predictions += offset
        overflows = ~np.isfinite(predictions) & ~errors.invalid
        error = RowError(
            "too large to predict from",
            "",
            "is too large to predict from",
            lambda row: str(predictions[row]),
        )
        errors.report(overflows, error)
        return predictions

    def design_matrix(self, frame: Frame, *, text: bool = False) -> DesignMatrix:
        """Return X (n, M) of a table; raises UserError like `predict`."""
        return self.design.matrix(
            coerce(frame, self.design.schema, "the input", text=text), "the input"
        )

    def save(self, folder: Path) -> None:
        """Write the artifact into an existing folder."""
        schema, design = self.design.schema, self.design
        statistics = {name: asdict(each) for name, each in design.statistics.items()}
        tensors = {"theta": self.theta.astype(np.float64), "b": np.array([self.b], np.float64)}
        # safetensors' own save_file does not report a full disk.
        (folder / "model.safetensors").write_bytes(save(tensors))
        document = {**schema.as_data(), "learned": statistics, "hashes": dict(self.hashes)}
        document |= {"files": dict(self.files)} if self.files else {}
        document |= {"functions": dict(design.learned)} if design.learned else {}
        # True coefficients are a property of the data, not of the model.
        del document["truth"]
        document |= {"theta": self.coefficients, "b": self.b}
        if self.design.absorbed:
            # θ of their levels is in the tensors alone.
            document["tensors"] = content_hash(folder / "model.safetensors")
        write_document(folder / "model.json", document)


def load(folder: str | Path) -> LinearModel:
    """Load the artifact in `folder`; raises UserError if it is absent, damaged or outdated."""
    return read_folder(Path(folder), _load)


def _load(folder: Path) -> LinearModel:
    path, weights = folder / "model.json", folder / "model.safetensors"
    data = read_document(path)
    try:
        schema = Schema.from_data({"truth": None, **data}, path)
        statistics = {
            name: ColumnStatistics.from_data(each) for name, each in data["learned"].items()
        }
        tensors = load_file(weights)
        model = LinearModel(
            Design(schema, statistics, data.get("functions", {})),
            tensors["theta"],
            float(tensors["b"][0]),
            data["hashes"],
            data.get("files", {}),
        )
        agrees = model.coefficients == data["theta"] and model.b == data["b"]
        agrees &= data.get("tensors") in (None, content_hash(weights))
        if agrees:
            _check_consistency(model)
    except FileNotFoundError:
        raise missing_output(weights) from None
    except (*MALFORMED, SafetensorError, pa.ArrowException) as error:
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


def _check_consistency(model: LinearModel) -> None:
    """Predict an empty table, which fails if the parts of an artifact do not fit together."""
    schema = model.design.schema
    types = feature_types(schema)
    empty = pa.table({name: pa.nulls(0, type_) for name, type_ in types.items()})
    rows = coerce(empty, schema, "no rows")
    X, errors = model.design.matrix_and_errors(rows)
    model.predict_rows(X, errors, model.design.offset(rows, errors))
    row_warnings(model.design, rows)
