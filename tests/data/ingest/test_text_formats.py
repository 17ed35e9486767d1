"""Formats of text: what a column of text was meant to hold."""

from pathlib import Path

import pyarrow as pa
import pytest

from linreg.data.ingest.text_formats import TextCell, TextFormats
from linreg.data.tables.source_chunk import SourceChunk


def formats_of(*cells: str | None, chunk_length: int = 100) -> TextFormats:
    formats = TextFormats()
    rows = pa.table({"c": pa.array(cells, pa.string())})
    for start in range(0, len(cells), chunk_length):
        chunk = SourceChunk(rows.slice(start, chunk_length), Path("t.csv"), start + 1)
        formats.update(chunk, "c")
    return formats


@pytest.mark.parametrize(
    ("cells", "content"),
    [
        (["1", "-2.5", "3e4"], "number"),
        (["1", "12%", "$1,200.50"], "formatted number"),
        (["31/12/2024", "1/2/2024", "unknown"], "date"),
        (["1", "2", "unknown"], "mixed"),
        (["1", "unknown"], None),
        (["31/12/2024", "unknown"], None),
        (["a", "b"], None),
    ],
)
def test_the_content_is_what_more_than_half_of_the_cells_are(
    cells: list[str], content: str | None
) -> None:
    assert formats_of(*cells).content == content
    assert TextFormats.of_levels(dict.fromkeys(cells, 1)).content == content


@pytest.mark.parametrize("chunk_length", [1, 2, 100])
def test_the_first_cell_that_does_not_match_has_its_place(chunk_length: int) -> None:
    formats = formats_of("1", None, "$5", "six", "7%", chunk_length=chunk_length)
    assert formats.first_not_plain == TextCell("t.csv: row 3", "$5")
    assert formats.first_not_number == TextCell("t.csv: row 4", "six")
    assert (formats.count, formats.plain_numbers, formats.numbers) == (4, 1, 3)
