from collections.abc import Iterator

import pytest

from tests.faults.servers.mlflow_server import Server, mlflow_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real MLflow server, which takes ten seconds to start; it answers at the beginning of every
    test.
    """
    server = mlflow_server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()
