"""The parameters of ingest: the table, how it is read, and which of its cells and rows count."""

import codecs
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from linreg.params.section import ColumnName, Section, Value


class ReadOptions(Section):
    """How the files of a table are read, where the files themselves cannot tell.

    A model remembers them, so that new files are read as the training files were.
    """

    names: tuple[ColumnName, ...] | None = Field(
        None,
        min_length=1,
        description=(
            "Column names of files without a header, in the order of the columns; null where "
            "the first row has the names."
        ),
    )
    encoding: str | None = Field(
        None,
        min_length=1,
        description=(
            "Character encoding of text files, such as cp1252 or shift_jis; null where their bytes "
            "show it, as those of UTF-8 and UTF-16 do."
        ),
    )
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description=(
            "What separates the cells of a text file: one character, a space for any number of "
            "spaces; null where the first rows show it."
        ),
    )
    skip: int = Field(
        0, ge=0, description="Lines at the beginning of each text file or sheet that are not read."
    )
    comment: str | None = Field(
        None,
        min_length=1,
        max_length=10,
        description="Lines of a text file that begin with this are not read; null for none.",
    )
    decimal: Literal[".", ","] | None = Field(
        None, description="The decimal sign of numbers in text; null where the cells show it."
    )
    thousands: Annotated[str, Field(max_length=1)] | None = Field(
        None,
        description=(
            "What stands between the thousands of numbers in text, such as `,`; an empty text for "
            "nothing; null where the cells show it."
        ),
    )
    missing_words: tuple[str, ...] = Field(
        (), description="Texts that stand for a missing cell, besides the usual ones such as NA."
    )
    dates: dict[ColumnName, str] = Field(
        default_factory=dict,
        description=(
            "By column, how its dates and times are written, such as `%d/%m/%Y`; for columns "
            "where the cells do not show it."
        ),
    )
    sheet: str | None = Field(
        None, min_length=1, description="The sheet of a workbook to read; null for the first."
    )

    def updated(self, changes: Mapping[str, Any]) -> "ReadOptions":
        """Return the options with other values, as params.yaml has them, for some."""
        values = {**self.model_dump(mode="json"), **changes}
        return ReadOptions.model_validate_json(json.dumps(values))

    @field_validator("encoding")
    @classmethod
    def _is_a_text_encoding(cls, encoding: str | None) -> str | None:
        try:
            if encoding is not None:
                "".encode(encoding)
                codecs.lookup(encoding)
        except (LookupError, ValueError):
            raise ValueError(
                f"is not a character encoding; found {encoding}; cp1252, latin-1, utf-16 and "
                "shift_jis are some"
            ) from None
        return encoding

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands must differ; found {self.decimal} for both")
        return self


READ_AS_IS = ReadOptions()
"""Nothing is known but the files."""


class Ingest(ReadOptions):
    """The table, and how it is read."""

    source: str = Field(
        "data/raw/generated.parquet",
        min_length=1,
        description=(
            "A file of text, Parquet, Arrow, JSON or a workbook, or a folder whose files are read "
            "in the order of their names: docs/tables.md."
        ),
    )
    missing: Literal["error", "drop", "mean"] = Field(
        "error",
        description=(
            "What happens at a missing cell: an error, its row is dropped, or it is filled with "
            "the mean of the training rows (a missing target or category still drops its row)."
        ),
    )
    sentinels: dict[ColumnName, tuple[Value, ...]] = Field(
        default_factory=dict,
        description=(
            "By column, the values that stand for a missing cell, such as -999 or 99; they are "
            "missing cells in rows to predict, too."
        ),
    )
    where: str | None = Field(
        None,
        min_length=1,
        description=(
            "Condition that the rows to use satisfy, such as `price > 0 and zone == 'north'`; the "
            "others are counted and left out. A comparison with a missing cell is not true. Rows "
            "to predict are not filtered. null for all rows."
        ),
    )

    @property
    def read_options(self) -> ReadOptions:
        """How the files are read."""
        return ReadOptions(**self.model_dump(include=set(ReadOptions.model_fields)))

    @field_validator("source")
    @classmethod
    def _has_no_parent_folder(cls, source: str) -> str:
        # DVC runs experiments in a copy of the workspace, whose parent is another folder.
        if "://" in source:
            raise ValueError("must be a path; `linreg use ADDRESS` has the table fetched to one")
        if ".." in PurePath(source).parts:
            raise ValueError(
                f"must not contain ..; found {source}; name a path in this repository, or an "
                "absolute one"
            )
        return source
