"""A real MLflow server that can be killed, stopped and started again, and a real proxy that spoils
what it says.
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SECONDS_TO_START = 120


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Server:
    """A process group that answers on a port, until it is killed."""

    def __init__(
        self,
        command: list[str],
        port: int,
        environment: dict[str, str],
        folder: Path = Path("nowhere"),
    ) -> None:
        self.port, self.url, self.folder = port, f"http://127.0.0.1:{port}", folder
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            env={**os.environ, **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            assert self._process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def kill(self) -> None:
        if self._process is not None:
            self.send(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and its workers; SIGSTOP has it accept connections and never
        answer.
        """
        os.killpg(self.pid, number)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def mlflow_server(folder: Path) -> Server:
    """Return a server, not yet started, that keeps what it receives in a folder."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    return Server(command, port, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, folder)


def always(fate: str) -> Callable[[str, str], str]:
    return lambda *_: fate


class Proxy:
    """Stands between MLflow's clients and its server, and does to each request what `fate` says
    about it.

    The fates are `through`, `error` (status 500, and the server hears nothing) and `lost` (the
    server hears and acts, and its answer never arrives).
    """

    def __init__(self, url: str, port: int) -> None:
        self.url = url
        self.fate: Callable[[str, str], str] = always("through")
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and fate of every request."""
        self.headers: list[dict[str, str]] = []
        self.port = port


@contextlib.contextmanager
def proxy_to(server_port: int) -> Iterator[Proxy]:
    """Run a proxy for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            fate = proxy.fate(self.command, path)
            proxy.asked.append((self.command, path, fate))
            proxy.headers.append(dict(self.headers))
            status, content, kind = 500, b"out of order", "text/plain"
            if fate != "error":
                server = http.client.HTTPConnection("127.0.0.1", server_port, timeout=60)
                own = {name: value for name, value in self.headers.items() if name != "Host"}
                server.request(self.command, self.path, body, own)
                answer = server.getresponse()
                status, content = answer.status, answer.read()
                kind = answer.getheader("Content-Type") or "text/plain"
                server.close()
            self.close_connection = True
            if fate != "lost":
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = listener.server_address[1]
    proxy = Proxy(f"http://127.0.0.1:{port}", port)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
