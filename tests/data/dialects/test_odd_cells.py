"""A cell has one reading, and it is what a person reads there.

What ingest makes of a cell is what a prediction is made from. A number is the one that is written
in the cell, with the same decimal sign in the whole column; a column of nothing but numbers is no
category; a row that is left out has a cell without a number.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.formula.design import Design
from linreg.data.source import open_source
from linreg.errors import UserError
from linreg.fit.model import LinearModel
from linreg.prediction.predict_table import predict_table
from tests.data.dialects.odd_cells import odd_column
from tests.data.dialects.reading import ingest_file
from tests.data.dialects.written_numbers import number_read

MORE = (
    pytest.param(range(12, 40), marks=pytest.mark.slow),
    pytest.param(range(40, 1000), marks=pytest.mark.very_slow),
)


@pytest.mark.parametrize("seeds", [range(12), *MORE])
@pytest.mark.parametrize(
    ("delimiter", "formula"), [(",", "y ~ x"), (";", "y ~ x"), ("\t", "y ~ C(x)")]
)
def test_a_cell_has_one_reading_that_a_person_shares(
    seeds: range, delimiter: str, formula: str, tmp_path: Path
) -> None:
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        check_column(odd_column(seed), delimiter, formula, folder)


def test_negative_zero_is_the_level_zero(tmp_path: Path) -> None:
    check_column(["-0", "0", "0.5", "1.5"] * 5, ",", "y ~ C(x)", tmp_path)


def check_column(cells: Sequence[str], delimiter: str, formula: str, folder: Path) -> None:
    """Ingest a column x of these cells, and predict from the same file; it may be refused."""
    path = folder / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([("y", "x"), *((row, cell) for row, cell in enumerate(cells))])
    try:
        rows, schema = ingest_file(path, {}, formula, folder)
    except UserError:
        return
    read = dict(zip(rows.column("y").to_pylist(), rows.column("x").to_pylist(), strict=True))
    distinct = sorted(set(cells))
    dropped = {cell for row, cell in enumerate(cells) if row not in read}
    assert not any(number_read(cell, decimal) for cell in dropped for decimal in ".,"), (
        f"rows without a number: {dropped} of {distinct}"
    )
    type_ = rows.schema.field("x").type
    if pa.types.is_string(type_):
        assert all(cells[row].strip() == text.strip() for row, text in read.items()), distinct
        assert "C(" in formula or not _are_numbers([cells[row] for row in read]), (
            f"a category: {distinct}"
        )
    elif pa.types.is_integer(type_) or pa.types.is_floating(type_):
        pairs = sorted({(cells[row], number) for row, number in read.items()})
        assert any(_is_read(pairs, decimal) for decimal in ".,"), f"read as {pairs}"

    design = Design.fit(schema, [rows])
    model = LinearModel(design, np.arange(1.0, len(design.names) + 1), 0.5, {})
    meant = dict(zip(read, model.predict(rows).tolist(), strict=True))
    output = folder / "predicted.parquet"
    predict_table(model, open_source(path, schema.reading), output, [], None, with_file=False)
    found = pq.read_table(output).column("prediction").to_pylist()
    others = {
        (cell, found[row], meant.get(row))
        for row, cell in enumerate(cells)
        if found[row] != meant.get(row)
    }
    assert not others, f"cell, predicted, as ingest has read it: {others}"


def _is_read(pairs: Sequence[tuple[str, float]], decimal: str) -> bool:
    """Whether numbers are what a person reads in their cells, with this decimal sign."""
    for cell, number in pairs:
        meant = number_read(cell, decimal)
        if meant is None or number != (int if isinstance(number, int) else float)(meant[0]):
            return False
    return True


def _are_numbers(cells: Sequence[str]) -> bool:
    """Whether a person reads nothing but numbers of one unit in cells."""
    for decimal in ".,":
        numbers = [number_read(cell, decimal) for cell in cells]
        if all(number is not None for number in numbers):
            return len({number[1] for number in numbers if number is not None}) == 1
    return False
