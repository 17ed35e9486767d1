"""Block sizes: every row in a block of its own, or all rows in one."""

import pytest

from linreg.data.csv import dialect

BLOCK_SIZES = (64, 4 << 20)


@pytest.fixture(params=BLOCK_SIZES, ids=["small blocks", "one block"])
def block_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", request.param)
    return int(request.param)
