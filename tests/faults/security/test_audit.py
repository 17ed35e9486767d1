"""`make lint` asks a service for vulnerabilities: one that is found fails it, a service that is not
there does not.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
NUM_LOCKED = sum(len(lock.read_text().split()) for lock in ROOT.glob("requirements*.lock"))
RANGE = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}


def vulnerability(name: str) -> dict[str, object]:
    return {
        "id": "TEST-2026-1",
        "summary": "",
        "details": "",
        "aliases": [],
        "published": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": name}, "ranges": [RANGE]}],
    }


class Service(BaseHTTPRequestHandler):
    """Answers as OSV does: the library that the path names is vulnerable, nothing else is."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        found = self.path == f"/{name}"
        answer = json.dumps({"vulns": [vulnerability(name)]} if found else {}).encode()
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def audit(address: str) -> tuple[int, list[str]]:
    command = [sys.executable, ".ci/audit.py", "-s", "osv", "--osv-url", address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.mark.very_slow
@pytest.mark.parametrize(
    ("name", "lock"),
    [
        ("numpy", "requirements.lock"),
        ("typing-extensions", "requirements.lock"),
        ("ruff", "requirements-dev.lock"),
    ],
)
def test_a_vulnerable_library_fails_and_is_named_with_its_lock_and_the_version_to_upgrade_to(
    name: str, lock: str, service: str
) -> None:
    code, lines = audit(f"{service}/{name}")
    assert code == 1
    assert lines[0].startswith(f"error: {lock}: {name} ")
    assert lines[0].endswith(" has TEST-2026-1; upgrade to 99.0")
    assert lines[1:] == [f"audit: 1 of {NUM_LOCKED} libraries with known vulnerabilities"]


def test_every_library_is_checked(service: str) -> None:
    assert audit(f"{service}/none") == (
        0,
        [f"audit: 0 of {NUM_LOCKED} libraries with known vulnerabilities"],
    )


@pytest.mark.parametrize("place", ["/broken", None])
def test_a_service_that_does_not_answer_is_one_line_and_no_failure(
    service: str, place: str | None
) -> None:
    code, lines = audit(f"{service}{place}" if place else "http://127.0.0.1:9")
    assert (code, len(lines)) == (0, 1)
    assert lines[0].startswith(
        "audit: NOT DONE, the libraries were not checked for known vulnerabilities: "
    )


def test_a_wrong_option_fails() -> None:
    done = subprocess.run(
        [sys.executable, ".ci/audit.py", "--unknown"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "--unknown" in done.stdout
