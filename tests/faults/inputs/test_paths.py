"""What is no file where a table is expected, or none that ends: one line at once, and nothing
hangs.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.forked import run_command, run_stage

pytestmark = pytest.mark.slow

SECONDS = 10.0
TABLE = "y,x\n1,2\n3,5\n4,4\n"


def _socket(path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket must be short
    try:
        listening.bind(path.name)
    finally:
        os.chdir(here)
        listening.close()


def _folder_of(name: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
    def folder(path: Path) -> None:
        path.mkdir()
        make(path / name)

    return folder


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda _: None, "there is no such file"),
    "an empty file": (lambda path: path.write_bytes(b""), "is empty"),
    "an empty folder": (lambda path: path.mkdir(), "is a folder without files"),
    "a pipe": (os.mkfifo, "is neither a file nor a folder|is not a regular file"),
    "a socket": (_socket, "is neither a file nor a folder|is not a regular file"),
    "/dev/zero": (
        lambda path: path.symlink_to("/dev/zero"),
        "is neither a file nor a folder|is not a regular file",
    ),
    "/dev/null": (
        lambda path: path.symlink_to("/dev/null"),
        "is neither a file nor a folder|is not a regular file",
    ),
    "/dev/stdin": (
        lambda path: path.symlink_to("/dev/full"),
        "is neither a file nor a folder|is not a regular file",
    ),
    "a link to nothing": (lambda path: path.symlink_to("gone"), "there is no such file"),
    "a link to itself": (
        lambda path: path.symlink_to(path.name),
        "there is no such file|Too many levels",
    ),
    "a folder with a pipe": (_folder_of("a.csv", os.mkfifo), "is a folder without files"),
    "a folder with a folder": (
        _folder_of("inner", lambda path: path.mkdir()),
        "is a folder without files",
    ),
    "a folder with a link to nothing": (
        _folder_of("a.csv", lambda path: path.symlink_to("gone")),
        "is a link to a file that is not there",
    ),
    "a name with a line end": (lambda _: None, "there is no such file"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project/data/ingested").mkdir(parents=True)
    (tmp_path / "project/data/ingested/table.parquet").write_bytes(b"of an earlier run")
    (tmp_path / "project/params.yaml").write_text(
        "ingest:\n  source: table\nmodel:\n  formula: y ~ x\n"
    )
    return tmp_path / "project"


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_table_is_refused_at_once(what: str, folder: Path) -> None:
    make, line = REFUSED[what]
    make(folder / "table")
    before = (folder / "params.yaml").read_bytes()
    for outcome in (
        run_stage("ingest", folder, timeout=SECONDS),
        run_command(["use", "table"], folder, timeout=SECONDS),
    ):
        assert not outcome.timed_out
        assert outcome.refusal is not None, outcome.stderr
        assert outcome.code == 2
        assert outcome.refusal.startswith("table")
        assert any(each in outcome.refusal for each in line.split("|")), outcome.refusal
    assert (folder / "data/ingested/table.parquet").read_bytes() == b"of an earlier run"
    assert (folder / "params.yaml").read_bytes() == before
    assert not list((folder / "data").glob(".*"))


@pytest.mark.parametrize(
    "name",
    [
        "a table.csv",
        "-t.csv",
        "tä\u202fble.csv",
        "t'able\".csv",
        "t\nable.csv",
        "~t.csv",
        "%s{}.csv",
        "t" * 200,
    ],
)
def test_a_file_may_have_any_name(name: str, folder: Path) -> None:
    (folder / name).write_text(TABLE)
    (folder / "params.yaml").write_text(
        "ingest: {source: " + __import__("json").dumps(f"./{name}") + "}\nmodel: {formula: y ~ x}\n"
    )
    outcome = run_stage("ingest", folder, timeout=SECONDS)
    assert (outcome.code, outcome.stderr) == (0, "")


def test_links_and_permissions_are_followed_as_the_system_does(folder: Path) -> None:
    (folder / "real").write_text(TABLE)
    (folder / "table").symlink_to("real")
    (folder / "real").chmod(0)
    outcome = run_stage("ingest", folder, timeout=SECONDS)
    if os.geteuid() == 0:  # root reads it all the same
        assert (outcome.code, outcome.stderr) == (0, "")
    else:
        assert (outcome.code, outcome.refusal) == (1, "table: Permission denied")
