"""One broken or odd input, what ingest has to make of it, and whether it did."""

import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.faults.forked import Outcome, run_stage

SECONDS = 10.0
MEGABYTES = 150.0
"""How much memory a stage may take for an input of a few MB, beyond what its imports take."""

Table = Mapping[str, Sequence[Any]]
"""The cells by column, in Python's own types; None for a missing one."""


@dataclass(frozen=True)
class Case:
    """The files of an input and what is to become of it.

    files     their bytes, by their place in the folder; or what `write_bytes` of it cannot do, done
              by `place`
    refused   what the one line has to match where the input is refused; None if it must not be
    table     what is ingested where it is not refused; None if it must be
    params    sections of params.yaml
    """

    files: Mapping[str, bytes]
    refused: str | None = None
    table: Table | None = None
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Lay the input, the parameters and the output of an earlier run into an empty folder."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        defaults = {
            "ingest": {"source": "table"},
            "model": {"formula": "y ~ x"},
            "split": {"by": "group:t"},
        }
        sections = {
            name: defaults.get(name, {}) | dict(self.params.get(name, {}))
            for name in {*defaults, *self.params}
        }
        lines = (
            f"{name}:\n" + "".join(f"  {key}: {json.dumps(value)}\n" for key, value in keys.items())
            for name, keys in sections.items()
        )
        (folder / "params.yaml").write_text("".join(lines))
        (folder / "data/ingested").mkdir(parents=True)
        (folder / "data/ingested/table.parquet").write_bytes(b"of an earlier run")


def ingest(case: Case, folder: Path) -> str | None:
    """Run the stage on a case; return what is wrong with how it ended, None if nothing is."""
    case.write(folder)
    outcome = run_stage("ingest", folder, timeout=SECONDS)
    return complaint(case, outcome, folder)


def complaint(case: Case, outcome: Outcome, folder: Path) -> str | None:
    """Return what is wrong with how ingest has ended, None if nothing is."""
    if outcome.timed_out or outcome.megabytes > MEGABYTES:
        return f"{outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB"
    left = sorted(path.name for path in (folder / "data").iterdir() if path.name.startswith("."))
    if left:
        return f"left behind: {left}"
    if outcome.code != 0:
        if outcome.refusal is None or outcome.code != 2:
            return f"exit code {outcome.code}: {outcome.stderr[-2000:]}"
        if case.refused is None or not re.search(case.refused, outcome.refusal):
            return f"refused with {outcome.refusal!r} and not with {case.refused!r}"
        before = {path.name: path.read_bytes() for path in (folder / "data/ingested").iterdir()}
        return (
            None
            if before == {"table.parquet": b"of an earlier run"}
            else "the outputs of before were touched"
        )
    if outcome.stderr:
        return f"said on stderr: {outcome.stderr}"
    if case.table is None:
        return f"was taken, and should have been refused with {case.refused!r}"
    return difference(
        pq.ParquetFile(folder / "data/ingested/table.parquet").read().to_pydict(), case.table
    )


def difference(found: Table, expected: Table) -> str | None:
    """Return where two tables differ, to the last bit and by type; None if they do not."""
    if list(found) != list(expected):
        return f"columns {list(found)} in place of {list(expected)}"
    for name, cells in expected.items():
        if len(found[name]) != len(cells):
            return f"column {name}: {len(found[name])} rows in place of {len(cells)}"
        for row, (one, other) in enumerate(zip(found[name], cells, strict=True), 1):
            if _exact(one) != _exact(other):
                return f"row {row}: column {name}: {one!r} in place of {other!r}"
    return None


def _exact(cell: Any) -> Any:
    return struct.pack(">d", cell) if isinstance(cell, float) else (type(cell), cell)
