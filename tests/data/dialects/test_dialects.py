"""The known table in every dialect: read right, at once or with the option that the refusal names.

What each needs is written with it, so that a dialect that needs more, or less, than before fails.
"""

from pathlib import Path

import pytest

from tests.data.dialects.catalogue import DIALECTS
from tests.data.dialects.known_table import known_table
from tests.data.dialects.reading import options_needed


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_read_right_with_the_options_that_it_needs(name: str, tmp_path: Path) -> None:
    dialect = DIALECTS[name]
    table = known_table()
    (tmp_path / "written").mkdir()
    path = dialect.write(table, tmp_path / "written")
    assert options_needed(dialect, table, path, tmp_path) == dialect.needs


def test_every_dialect_has_a_name_of_its_own_and_a_sentence() -> None:
    assert len(DIALECTS) >= 60
    assert all(dialect.about.endswith(".") for dialect in DIALECTS.values())
