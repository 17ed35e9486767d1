from collections.abc import Callable
from pathlib import Path

import pytest

from tests.merging.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Repository]:
    """Makes a repository with the toy pipeline at its top, or in a folder of it."""

    def make(folder: str = "", *, driver: bool = True) -> Repository:
        return Repository(tmp_path / "repo", folder, driver=driver)

    return make
