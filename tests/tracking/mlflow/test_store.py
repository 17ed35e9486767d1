"""The store is opened, or is an error within seconds, whatever it is."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mlflow import MlflowClient

from linreg.errors import UserError
from linreg.process import lock as locks
from linreg.process.lock import exclusive_lock
from linreg.tracking.mlflow.experiment import experiment_id
from linreg.tracking.mlflow.store import open_store, require_answer
from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS
from tests.tracking.virtual_clock import Clock


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """The URL of a server that always answers with an error, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_is_asked_once_and_any_answer_will_do(server: tuple[str, list[str]]) -> None:
    url, asked = server
    require_answer(url)
    assert asked == ["/health"]


def test_a_server_that_is_not_there_is_an_error(repository: Path) -> None:
    with pytest.raises(TRACKING_ERRORS):
        require_answer("http://127.0.0.1:9")


@pytest.fixture
def server_of_mlflow_2() -> Iterator[tuple[str, list[str]]]:
    """The URL of a server that answers as MLflow 2.22 does, and what it was asked for."""
    asked: list[str] = []

    def answer(status: int, body: str) -> Callable[[BaseHTTPRequestHandler], None]:
        def send(request: BaseHTTPRequestHandler) -> None:
            asked.append(request.path)
            request.rfile.read(int(request.headers.get("Content-Length", 0)))
            request.send_response(status)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body.encode())

        return send

    missing = answer(404, "<!doctype html>\n<title>404 Not Found</title>")
    known = {
        "/health": answer(200, "OK"),
        "/version": answer(200, "2.22.0"),
        "/api/2.0/mlflow/experiments/search": answer(200, "{}"),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.get(self.path.partition("?")[0], missing)(self)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_a_server_of_mlflow_2_is_refused_before_anything_is_created_there(
    server_of_mlflow_2: tuple[str, list[str]], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked = server_of_mlflow_2
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    with pytest.raises(UserError) as caught:
        open_store()
    assert str(caught.value) == (
        f"{url}: must be an MLflow server of version 3 or newer; found 2.22.0; upgrade the server,"
        " or name another in MLFLOW_TRACKING_URI"
    )
    assert not [path for path in asked if "create" in path]


def test_a_database_that_cannot_be_opened_is_an_error_and_one_that_can_is_none(
    tmp_path: Path,
) -> None:
    sqlite3.connect(tmp_path / "runs.db").close()
    require_answer(f"sqlite:///{tmp_path}/runs.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(TRACKING_ERRORS):
        require_answer(f"sqlite:///{tmp_path}/folder.db")


def test_a_database_in_a_folder_that_is_not_there_yet_is_left_to_mlflow(tmp_path: Path) -> None:
    require_answer(f"sqlite:///{tmp_path}/new/runs.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["sqlite:///:memory:", "sqlite://"])
def test_a_store_in_memory_is_refused(uri: str) -> None:
    with pytest.raises(UserError, match="must name a file: what is in memory is lost") as caught:
        require_answer(uri)
    assert f"found {uri};" in str(caught.value)


def test_a_folder_as_a_store_is_left_to_mlflow(tmp_path: Path) -> None:
    require_answer(str(tmp_path / "mlruns"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def held(
    repository: Path, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[float], None]]:
    """Has another process hold the lock of the store for some seconds, which take no time."""
    with ExitStack() as stack:

        def hold(seconds: float) -> None:
            assert stack.enter_context(exclusive_lock(repository / ".linreg/store.lock"))
            clock = Clock()
            clock.at(seconds, stack.close)
            monkeypatch.setattr(locks, "time", clock)

        yield hold


def test_a_store_that_another_process_opens_is_waited_for(held: Callable[[float], None]) -> None:
    held(59.9)
    assert open_store().search_experiments(max_results=1)


def test_after_a_minute_the_other_process_is_an_error(
    held: Callable[[float], None], repository: Path
) -> None:
    held(60.5)
    with pytest.raises(UserError) as caught:
        open_store()
    assert str(caught.value) == (
        f"{repository}/.linreg/store.lock: has been held by another process for 60 s;"
        " `fuser` shows which; end it"
    )


def test_experiments_are_created_by_one_process_at_a_time(
    store: MlflowClient, held: Callable[[float], None]
) -> None:
    held(60.5)
    with pytest.raises(UserError, match="has been held by another process"):
        experiment_id(store, "new")
