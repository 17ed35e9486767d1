"""The options of `linreg use`, and the command that has them."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

ByColumn = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class UseOptions:
    """What the user has given on the command line.

    file         the file or folder, or the address of a table
    sql          of a database: a SELECT, or the name of a table
    fingerprint  a SELECT whose answer changes whenever the rows do
    at_version   of a Delta or Iceberg table, its version or snapshot
    reading      how the files are read: values of parameters of ingest, as in params.yaml
    target       the column to predict
    without      columns that are not to be features
    split_by     the value of `split.by`
    missing      the value of `ingest.missing`
    where        the value of `ingest.where`; empty for all rows
    levels       by column, levels of a category in their order, as text
    sentinels    by column, values that stand for a missing cell, as text; none where nothing does
    """

    file: Path | str
    sql: str | None = None
    fingerprint: str | None = None
    at_version: int | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    without: Sequence[str] = ()
    split_by: str | None = None
    missing: Literal["error", "drop", "mean"] | None = None
    where: str | None = None
    levels: ByColumn = field(default_factory=dict)
    sentinels: ByColumn = field(default_factory=dict)
    copy: bool = False
    dry_run: bool = False

    def command(self, **changes: Any) -> str:
        """Return the command with all options that were given, some of them changed."""
        options = replace(self, **changes)
        words = ["linreg", "use", str(options.file)]
        words += _option("--sql", options.sql) + _option("--fingerprint", options.fingerprint)
        if options.at_version is not None:
            words += ["--at-version", str(options.at_version)]
        words += _reading_options(options.reading)
        words += _option("--target", options.target)
        words += _option("--without", ",".join(map(_cell, options.without)))
        words += _option("--split-by", options.split_by)
        words += _option("--missing", options.missing)
        words += [] if options.where is None else ["--where", options.where]
        for name, by_column in (("--levels", options.levels), ("--sentinels", options.sentinels)):
            for column, values in by_column.items():
                words += [name, f"{column}={','.join(map(_cell, values))}"]
        words += ["--copy"] * options.copy + ["--dry-run"] * options.dry_run
        return shlex.join(words)


def _reading_options(reading: Mapping[str, Any]) -> list[str]:
    words = []
    for key, value in reading.items():
        name = f"--{key.replace('_', '-')}"
        match value:
            case dict():
                for column, format_ in value.items():
                    words += [name, f"{column}={format_}"]
            case list():
                words += [name, ",".join(map(_cell, value))]
            case "\t":
                words += [name, "tab"]
            case _:
                words += [name, str(value)]
    return words


def _option(name: str, value: str | None) -> list[str]:
    return [name, value] if value else []


def _cell(text: str) -> str:
    """Return a name or value as a cell of CSV."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if {",", '"'} & set(text) or text != text.strip() else text
