"""The command-line options that say how files are read: one per parameter of `ReadOptions`."""

import argparse
import csv
from collections.abc import Callable
from typing import Any

from linreg.errors import UserError
from linreg.params.ingest import ReadOptions


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("how files are read, where they cannot tell")

    def add(name: str, metavar: str, help_: str, type_: Callable[[str], Any] = str) -> None:
        key = name.replace("-", "_")
        help_ += f" (ingest.{key})"
        group.add_argument(f"--{name}", dest=key, type=type_, metavar=metavar, help=help_)

    add("names", "A,B,C", "the columns of a CSV file that has no header", names_of)
    add("encoding", "NAME", "the character encoding, such as cp1252")
    add("delimiter", "SIGN", "what separates the cells; `tab`, or a space for blanks", _sign)
    add("skip", "N", "lines at the beginning that are not read", int)
    add("comment", "TEXT", "lines that begin with it are not read")
    add("decimal", "SIGN", "the decimal sign, . or ,")
    add("thousands", "SIGN", "what stands between the thousands; '' for nothing")
    add("missing-words", "A,B", "texts that stand for a missing cell", names_of)
    group.add_argument(
        "--dates",
        type=_format_of_column,
        action="append",
        metavar="COLUMN=FORMAT",
        help="how dates are written, such as day=%%d/%%m/%%Y (ingest.dates)",
    )
    add("sheet", "NAME", "the sheet of a workbook; the first by default")


def reading_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given, as params.yaml has them."""
    given = {key: getattr(args, key) for key in ReadOptions.model_fields}
    given["dates"] = dict(args.dates) if args.dates else None
    return {key: value for key, value in given.items() if value is not None}


def names_of(text: str) -> list[str]:
    """Return the names in a line of CSV."""
    return [
        name.strip() for name in next(csv.reader([text], skipinitialspace=True)) if name.strip()
    ]


def _sign(text: str) -> str:
    return "\t" if text in ("tab", r"\t") else text


def _format_of_column(text: str) -> tuple[str, str]:
    """Return the column and the format in `COLUMN=FORMAT`."""
    column, _, format_ = text.partition("=")
    if not column.strip() or not format_:
        raise UserError("--dates", "must be COLUMN=FORMAT", found=text)
    return column.strip(), format_
