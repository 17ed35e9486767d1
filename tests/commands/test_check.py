"""`linreg check` as a stranger runs it: in an empty folder, without a project."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from linreg.certificate.certificate_file import write_signed, write_statement
from tests.certificate.example import AUTHOR, Keys, make_keys, statement_of, write_outputs

PROGRAM = """
import atexit, socket, sys
from linreg.cli import main
atexit.register(lambda: print("imported:", *{name.partition(".")[0] for name in sys.modules}))
socket.socket.connect = None
main()
"""
NOT_NEEDED = {"dvc", "mlflow", "numba", "numpy", "pandas", "pyarrow", "torch"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def folder(tmp_path: Path, keys: Keys) -> Path:
    """Outputs in `project`, and a certificate of them, signed and not."""
    write_outputs(tmp_path / "project")
    statement = statement_of(tmp_path / "project")
    write_statement(tmp_path / "unsigned.json", statement)
    write_signed(tmp_path / "signed.intoto.jsonl", statement, keys.key(AUTHOR))
    return tmp_path


def checked(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = ("GIT_", "LINREG", "MLFLOW")
    environment = {name: each for name, each in os.environ.items() if not name.startswith(own)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "check", *arguments],
        cwd=folder,
        env=environment | {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def seconds_of_children() -> float:
    """Return the time on a processor, whatever else runs on the machine."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.slow
def test_it_needs_no_project_no_network_and_no_large_library(folder: Path, keys: Keys) -> None:
    start = seconds_of_children()
    done = checked(folder, "signed.intoto.jsonl", "project", "--allowed-signers", str(keys.allowed))
    assert seconds_of_children() - start < 2
    *lines, imported = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert not set(imported.split()) & NOT_NEEDED
    assert lines[0].startswith(f"signed by {AUTHOR}, key SHA256:")
    assert lines[1:] == [
        f"commit {'c' * 40}, executed from 2026-01-02T03:04:05Z to {lines[1].split()[6]} on"
        " x86_64, a CPU (x86-64-v3), 2 cores",
        "1 of 2 executions gave every byte of every output",
        "  TZ: different: metrics.json: at r2",
        f"5 files in {folder / 'project'}: as recorded",
        "",
        "check: every byte is what was certified",
    ]


@pytest.mark.slow
def test_the_first_difference_is_named_with_both_digests(folder: Path) -> None:
    (folder / "project/metrics.json").write_text('{"r2": 0.9}\n')
    done = checked(folder, "unsigned.json", "project")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "NOT SIGNED: anybody may have written it"
    recorded = "c0f4f8034082752ba8a547b213f5359b1089b79c8fd5e3bcd616cfd20635e11f"
    sha256 = subprocess.run(
        ["sha256sum", folder / "project/metrics.json"], capture_output=True, check=True
    )
    found = sha256.stdout.split()[0].decode()
    assert lines[4].endswith(f"metrics.json: recorded SHA-256 {recorded}, found {found}")
    assert "check: NOT what was certified" in lines


@pytest.mark.slow
def test_allowed_signers_are_those_of_git(folder: Path, keys: Keys) -> None:
    signed = ("signed.intoto.jsonl", "project")
    unknown = checked(folder, *signed)
    assert unknown.returncode == 0
    assert "whose it is, --allowed-signers FILE would say" in unknown.stdout
    needed = checked(folder, *signed, "--require-signature")
    assert needed.returncode == 2
    assert "whose keys are whose is not known" in needed.stderr

    (folder / "signers").write_text(keys.allowed.read_text())
    config = '[gpg "ssh"]\n\tallowedSignersFile = ~/signers\n'
    (folder / ".gitconfig").write_text(config)
    known = checked(folder, *signed, "--signer", AUTHOR)
    assert (known.returncode, known.stderr) == (0, "")
    assert known.stdout.startswith(f"signed by {AUTHOR}, key")
    unsigned = checked(folder, "unsigned.json", "project", "--require-signature")
    assert unsigned.returncode == 2
    assert unsigned.stderr.endswith("unsigned.json: is not signed; ask for one that is\n")


@pytest.mark.slow
def test_another_commit_is_mentioned_and_links_of_dvc_are_followed(folder: Path) -> None:
    (folder / "project/dvc.lock").write_text("schema: '2.0'\nstages: {other: {}}\n")
    output = folder / "project/metrics.json"
    linked = checked(folder, "unsigned.json", "project")
    assert linked.returncode == 0
    assert "project/dvc.lock: not that of the certified commit" in linked.stdout
    md5 = subprocess.run(["md5sum", output], capture_output=True, check=True).stdout[:32].decode()
    cached = folder / "cache/files/md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    output.rename(cached)
    output.symlink_to(cached)
    assert checked(folder, "unsigned.json", "project").returncode == 0
