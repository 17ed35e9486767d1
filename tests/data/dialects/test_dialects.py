"""The known table in every dialect: read right, at once or with the option that the refusal names.

What each needs is written with it, so that a dialect that needs more, or less, than before fails.
"""

import re
from pathlib import Path

import pytest

from tests.data.dialects.catalogue import DIALECTS
from tests.data.dialects.dialect import Dialect
from tests.data.dialects.known_table import KnownTable, known_table
from tests.data.dialects.reading import RefusedError, check_time_split, options_needed

WITH_DATES = {
    (dialect.dates, dialect.months, dialect.cell("sold", None)): name
    for name, dialect in reversed(DIALECTS.items())
    if "sold" in dialect.columns and not dialect.refused
}
"""The first dialect with dates of each kind."""


@pytest.mark.slow
@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_read_right_with_the_options_that_it_needs(name: str, tmp_path: Path) -> None:
    dialect, table, path = written(name, tmp_path)
    if dialect.refused:
        with pytest.raises(RefusedError, match=re.escape(dialect.refused)):
            options_needed(dialect, table, path, tmp_path)
    else:
        assert options_needed(dialect, table, path, tmp_path) == dialect.needs


@pytest.mark.parametrize("name", WITH_DATES.values())
def test_a_split_by_time_trains_on_the_oldest_rows_of_a_dialect(name: str, tmp_path: Path) -> None:
    dialect, table, path = written(name, tmp_path)
    needed = options_needed(dialect, table, path, tmp_path, check_time_split)
    assert set(needed) - {"dates"} <= set(dialect.needs)


def written(name: str, folder: Path) -> tuple[Dialect, KnownTable, Path]:
    (folder / "written").mkdir()
    table = known_table()
    return DIALECTS[name], table, DIALECTS[name].write(table, folder / "written")


def test_every_dialect_has_a_name_of_its_own_and_a_sentence() -> None:
    assert len(DIALECTS) >= 60
    assert all(dialect.about.endswith(".") for dialect in DIALECTS.values())
