"""A cell has one reading: a file to predict gives the numbers that ingest read from it."""

import math
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from linreg.data.csv import dialect
from linreg.data.csv.convert import ConvertedFiles
from linreg.data.csv.dialect import read_header
from linreg.data.formula.coercion import coerce
from linreg.data.formula.schema import Column, Schema, kind_of
from linreg.errors import UserError
from linreg.prediction.csv_input import CsvInput
from tests.data.csv.converted import to_parquet

digits = st.from_regex(r"[1-9][0-9]{0,2}", fullmatch=True)
groups = st.lists(st.from_regex(r"[0-9]{3}", fullmatch=True), max_size=2)
grouped = st.builds(
    lambda first, rest, sign: sign.join([first, *rest]), digits, groups, st.sampled_from(",. '")
)
fraction = st.sampled_from(["", "", ".5", ",5", ".125", ",125", ".", "e3", "E+02"])
bare = st.builds(str.__add__, grouped, fraction) | st.integers(-(2**70), 2**70).map(str)
dressed = st.builds(
    str.format,
    st.sampled_from(["{}"] * 6 + ["-{}", "{}-", "+{}", "\u2212{}", "({})", " {}", "{}\xa0"])
    | st.sampled_from(["{} €", "€{}", "{}%", "{} kr"]),
    bare,
)
ODD = (
    "0x1F|007|.5|5.|-0|1e5|1E+05|1d5|1_000|inf|-inf|nan|NA|-|.|..|none|#DIV/0!|?||٣|½|5²|1.2.3|a"
    "|9223372036854775807|-9223372036854775808|9223372036854775808|1098765432109876543|5 kg"
)
odd = st.sampled_from(ODD.split("|"))
cell = st.one_of(dressed, dressed, bare, odd)
column = st.one_of(
    st.lists(cell, min_size=1, max_size=6),
    st.lists(bare, min_size=1, max_size=6),
    st.lists(st.integers(0, 2000).map(lambda value: f"{value:,}"), min_size=1, max_size=6),
)


def ingested(path: Path) -> ConvertedFiles | None:
    try:
        return to_parquet([path], ["x", "z"], path.parent / "out")
    except UserError:
        return None


def schema_of(converted: ConvertedFiles, as_category: bool) -> Schema:
    """Return the schema of z ~ x, or of z ~ C(x), for what ingest read."""
    types = pq.read_schema(converted.paths[0])
    columns = {}
    for name in ("x", "z"):
        type_ = types.field(name).type
        format_ = converted.formats.get(name)
        written = (format_.decimal, format_.thousands, format_.unit) if format_ else ()
        columns[name] = Column(str(type_), kind_of(type_), *written)
    kind = "category" if as_category else "number"
    factor = {"factor": "x", "kind": kind, "columns": ["x"], "base": None, "full": False}
    target = {"factor": "z", "kind": "number", "columns": ["z"]}
    return Schema("z ~ x", True, target, [[factor]], columns, fill_missing=False)


def same(left: Sequence[float | None], right: Sequence[float | None]) -> bool:
    return all(
        one == other or (one is not None and other is not None and math.isnan(one))
        for one, other in zip(left, right, strict=True)
    )


@pytest.mark.slow
@seed(17)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cells=column,
    delimiter=st.sampled_from(",;\t"),
    as_category=st.booleans(),
    block=st.sampled_from([64, 1 << 20]),
)
def test_predict_reads_the_training_file_as_ingest_did(
    tmp_path: Path, cells: list[str], delimiter: str, as_category: bool, block: int
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"x{delimiter}z\n" + "".join(f'"{each}"{delimiter}1\n' for each in cells))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "BLOCK_BYTES", block)
        converted = ingested(path)
        if converted is None:
            return
        table = pq.read_table(converted.paths[0])
        is_number = kind_of(table.schema.field("x").type) == "number"
        schema = schema_of(converted, as_category or not is_number)
        rows = CsvInput(read_header(path, schema.reading), schema)
        found = []
        first_row = 1
        for some in rows.tables(["x"], []):
            features = rows.features(some, first_row)
            assert not features.invalid
            found += features.table["x"].to_pylist()
            first_row += some.num_rows
    assert same(found, table["x"].to_pylist())
    if is_number:
        # The Python API gets the same texts as one column.
        written = zip(cells, found, strict=True)
        texts = pa.table({"x": [None if value is None else each for each, value in written]})
        assert same(coerce(texts, schema, "t", text=True).table["x"].to_pylist(), found)
