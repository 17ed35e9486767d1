"""Real servers for tests: PostgreSQL in a folder of its own, and HTTP with faults on demand."""

import http.server
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "correct horse/battery@staple"  # noqa: S105 - of a server that lives for a test

PROGRAMS = os.pathsep.join(
    # Debian keeps the programs of a server out of the way.
    [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgresql:
    """A server that asks for a password, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder, self._user = folder, dict[str, object]()
        if os.getuid() == 0:
            # The server refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run("initdb", "-U", "analyst", "-A", "scram-sha-256", f"--pwfile={secret}")

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-l", str(self._folder / "log"), "-o", options, "-w", "start")

    def stop(self) -> None:
        """Abort it, as a crash would."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def _run(self, name: str, *options: str) -> None:
        program = shutil.which(name, path=PROGRAMS)
        assert program
        command = [program, "-D", str(self._folder / "data"), *options]
        subprocess.run(  # type: ignore[call-overload]
            command, check=True, cwd=self._folder, stdout=subprocess.DEVNULL, **self._user
        )


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """Run a server."""
    # Not in the folders of pytest, which only their owner may enter.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        server = Postgresql(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def web(answers: dict[str, Answer]) -> Iterator[str]:
    """Run a server that answers by path; yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path)
            if answer is None:
                self.send_error(404)
            else:
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def content(body: bytes, status: int = 200, **headers: str) -> Answer:
    """Return the answer with these bytes; headers have _ in place of -."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer
