"""The formula as plain data, with the types of its columns: the content of schema.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from linreg.data.cells.cell_format import CellFormat
from linreg.data.dates.coercion import TIME
from linreg.errors import UserError
from linreg.files import read_document
from linreg.params.ingest import READ_AS_IS, ReadOptions
from linreg.params.model import WeightsKind

FORMAT = 1
Kind = Literal["number", "category", "time", "other"]


@dataclass(frozen=True)
class Column:
    """A column of the formula: its Arrow type by name, and what it is in a formula by default.

    decimal, thousands, unit  how its numbers were written, as `CellFormat` describes them
    """

    type: str
    kind: Kind
    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    @property
    def cells(self) -> pa.DataType:
        """The type of its cells; of every time it is microseconds without a zone."""
        return TIME if self.kind == "time" else pa.type_for_alias(self.type)

    @property
    def format(self) -> CellFormat:
        """How the cells of the column were written."""
        return CellFormat(self.cells, self.decimal, self.thousands, self.unit)

    def as_data(self) -> dict[str, str]:
        """Return the fields; of how the cells were written only what is special."""
        plain = Column(self.type, self.kind)
        return {
            key: value
            for key, value in asdict(self).items()
            if key in ("type", "kind") or value != getattr(plain, key)
        }


def kind_of(type_: pa.DataType) -> Kind:
    """Return what values of an Arrow type are in a formula; text and booleans are categories."""
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return "number"
    if pa.types.is_string(type_) or pa.types.is_boolean(type_):
        return "category"
    return "time" if pa.types.is_date(type_) or pa.types.is_timestamp(type_) else "other"


def category_of(factor: Mapping[str, Any]) -> str:
    """Return what a category's levels are those of: its column, or the call that computes them."""
    category: str = factor["of"] if "of" in factor else factor["columns"][0]
    return category


@dataclass(frozen=True)
class Schema:
    """The formula as plain data, and the columns that it reads.

    formula       with every term written out
    intercept     whether the model has a b
    target        the factor on the left of ~
    terms         the terms on its right, as `linreg.data.formula.design_spec` describes them
    columns       the columns that target and terms read
    fill_missing  whether the mean of the training rows replaces a missing number
                  (`ingest.missing: mean`)
    truth         the true θ by name and b of generated data, else None
    weights       the column of weights, else None
    weights_kind  what they are (`model.weights`)
    unseen        what becomes of a level that no training row has (`model.unseen`)
    pool          levels with fewer training rows are pooled (`model.pool`)
    levels        by category, levels in the order that the user wants (`model.levels`)
    sentinels     by column, values that stand for a missing cell (`ingest.sentinels`)
    reading       how the files of the table were read, and new ones are
    offset        numbers that are added to the prediction with a coefficient of 1
    """

    formula: str
    intercept: bool
    target: Mapping[str, Any]
    terms: list[list[Mapping[str, Any]]]
    columns: Mapping[str, Column]
    fill_missing: bool
    truth: Mapping[str, Any] | None = None
    weights: str | None = None
    weights_kind: WeightsKind = "analytic"
    unseen: Literal["error", "base", "drop"] = "error"
    pool: int = 0
    levels: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    sentinels: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    reading: ReadOptions = READ_AS_IS
    offset: Sequence[Mapping[str, Any]] = ()
    category_columns: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        categories = {
            factor["columns"][0]
            for factor in self.factors
            if factor["kind"] == "category" and "of" not in factor
        }
        object.__setattr__(self, "category_columns", frozenset(categories))

    @property
    def factors(self) -> list[Mapping[str, Any]]:
        """The factors of all terms."""
        return [factor for term in self.terms for factor in term]

    @property
    def computed_categories(self) -> frozenset[str]:
        """The calls that compute the levels of categories, such as `month(d)`."""
        return frozenset(factor["of"] for factor in self.factors if "of" in factor)

    @property
    def categories_with_base(self) -> frozenset[str]:
        """The categories whose unseen levels get the reference level, if `unseen` says so.

        Those with a column for every level, or another contrast, have no reference level, and that
        of an absorbed factor is an arbitrary one. They are columns, or calls that compute levels.
        """
        if self.unseen != "base":
            return frozenset()
        categories = [factor for factor in self.factors if factor["kind"] == "category"]
        without = {
            category_of(factor)
            for factor in categories
            if factor["full"] or "contrast" in factor or factor.get("absorbed")
        }
        return frozenset(map(category_of, categories)) - without

    @property
    def columns_with_base(self) -> frozenset[str]:
        """Those of them that are columns."""
        return self.categories_with_base & self.category_columns

    @property
    def reference_levels(self) -> dict[str, set[Any]]:
        """By category, the levels that are named as a reference: they are never pooled."""
        references: dict[str, set[Any]] = {
            name: set(self.levels.get(name, ())[:1]) for name in self.category_columns
        }
        for factor in self.factors:
            if factor["kind"] == "category" and factor["base"] is not None:
                references.setdefault(category_of(factor), set()).add(factor["base"])
        return references

    @property
    def features(self) -> dict[str, Column]:
        """The columns that a prediction needs."""
        factors = [*self.factors, *self.offset]
        names = {name for factor in factors for name in factor["columns"]}
        return {name: column for name, column in self.columns.items() if name in names}

    def as_data(self) -> dict[str, Any]:
        """Return the plain data that `from_data` takes."""
        columns = [{"name": name, **column.as_data()} for name, column in self.columns.items()]
        reading = self.reading.model_dump(mode="json", exclude_defaults=True)
        by_column = {"levels": self.levels, "sentinels": self.sentinels}
        return {
            "format": FORMAT,
            "formula": self.formula,
            "intercept": self.intercept,
            "target": dict(self.target),
            "terms": self.terms,
            "columns": columns,
            "fill_missing": self.fill_missing,
            "truth": self.truth,
            "weights": self.weights,
            "unseen": self.unseen,
            "pool": self.pool,
            # Most schemas have none.
            **{key: values for key, values in by_column.items() if values},
            **({"reading": reading} if reading else {}),
            **({} if self.weights_kind == "analytic" else {"weights_kind": self.weights_kind}),
            **({"offset": list(self.offset)} if self.offset else {}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], origin: Path) -> "Schema":
        """Return the schema in a document; raises UserError if `origin` has another format."""
        try:
            if data["format"] != FORMAT:
                raise UserError(
                    origin,
                    f"must have format {FORMAT}",
                    found=data["format"],
                    todo="delete it and run `dvc repro`",
                )
            columns = {}
            for each in data["columns"]:
                fields = {key: value for key, value in each.items() if key != "name"}
                columns[each["name"]] = Column(**fields)
            keys = ("formula", "intercept", "target", "terms", "fill_missing", "truth", "weights")
            # Schemas from before the first two do not have them.
            optional = ("unseen", "pool", "levels", "sentinels", "weights_kind", "offset")
            later = {key: data[key] for key in optional if key in data}
            if "reading" in data:
                later["reading"] = ReadOptions.model_validate_json(json.dumps(data["reading"]))
            return cls(columns=columns, **{key: data[key] for key in keys}, **later)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                origin, "is damaged", found=repr(error), todo="delete it and run `dvc repro`"
            ) from None

    @classmethod
    def read(cls, path: Path) -> "Schema":
        """Read schema.json."""
        return cls.from_data(read_document(path), path)
