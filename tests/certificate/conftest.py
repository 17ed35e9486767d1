from pathlib import Path

import pytest

from tests.certificate.example import Keys, make_keys, write_outputs


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    write_outputs(folder)
    return folder
