"""Random combinations of traits of files: read right or refused in one line, never otherwise."""

import contextlib
from pathlib import Path

import pytest

from linreg.errors import UserError
from tests.data.dialects.known_table import known_table
from tests.data.dialects.random_dialects import random_dialect
from tests.data.dialects.reading import check_reading


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(20), marks=pytest.mark.slow),
        pytest.param(range(20, 300), marks=pytest.mark.very_slow),
    ],
)
@pytest.mark.parametrize("with_options", [False, True])
def test_a_random_dialect_is_read_right_or_refused(
    seeds: range, with_options: bool, tmp_path: Path
) -> None:
    for seed in seeds:
        dialect = random_dialect(seed)
        table = known_table(seed, num_rows=24)
        folder = tmp_path / str(seed)
        (folder / "written").mkdir(parents=True)
        path = dialect.write(table, folder / "written")
        options = dialect.needs if with_options else {}
        with contextlib.suppress(UserError):
            check_reading(dialect, table, path, options, folder)
