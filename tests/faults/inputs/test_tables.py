"""Hundreds of broken and odd tables, drawn by seed: each is the table that it should be, or refused
with one line.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pandas as pd  # noqa: F401 - imported once here and not in every process
import pytest

from tests.faults.inputs import csv_cells, csv_layout, parquet_files
from tests.faults.inputs.case import Case, ingest

pytestmark = pytest.mark.slow

SEEDS = {
    "huge_field": 6,
    "wide": 5,
    "many_columns": 3,
    "mutated": 60,
    "flipped_footer": 40,
    "flipped_data": 30,
}
USUAL = 14
KINDS = [
    (name, kind, draw)
    for name, kinds in (
        ("csv", {**csv_cells.KINDS, **csv_layout.KINDS}),
        ("parquet", parquet_files.KINDS),
    )
    for kind, draw in kinds.items()
]


@pytest.mark.very_slow
@pytest.mark.parametrize(
    ("name", "kind", "draw"), KINDS, ids=[f"{name}-{kind}" for name, kind, _ in KINDS]
)
def test_ingest_takes_the_table_that_was_meant_or_says_what_is_wrong_where(
    name: str, kind: str, draw: Callable[[Random], Case], tmp_path: Path
) -> None:
    complaints = {}
    for seed in range(SEEDS.get(kind, USUAL)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        complaints[seed] = ingest(draw(Random(f"{kind} {seed}")), folder)
    assert not any(complaints.values()), {seed: each for seed, each in complaints.items() if each}


def test_there_are_as_many_cases_as_the_documentation_says() -> None:
    assert sum(SEEDS.get(kind, USUAL) for _, kind, _ in KINDS) > 750
