import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.verify.fingerprint import LEVELS, cpu, cpu_level, fingerprint

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lock(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str) -> Path:
        path = tmp_path / "requirements.lock"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def version(name: str) -> str:
    return importlib.metadata.version(name)


def test_the_tests_run_in_the_locked_environment() -> None:
    found = fingerprint(ROOT / "requirements.lock")
    count = len((ROOT / "requirements.lock").read_text().split())
    assert (found.matches, found.lines[0]) == (
        True,
        f"libraries: all {count} as in requirements.lock",
    )
    assert f"Python {platform.python_version()}, Linux {platform.machine()}" in found.lines[1]


def test_what_differs_or_is_missing_is_named_and_beyond_five_counted(
    lock: Callable[..., Path],
) -> None:
    found = fingerprint(
        lock("# versions", f"numpy=={version('numpy')}", "pyarrow==1.0", "no-such-package==2.0")
    )
    assert not found.matches
    words = f"libraries: pyarrow {version('pyarrow')} instead of 1.0, no-such-package missing instead of 2.0"
    assert found.lines[0] == words
    found = fingerprint(lock(*(f"no-such-package-{i}==1" for i in range(7))))
    assert found.lines[0].endswith("no-such-package-4 missing instead of 1 and 2 more")


def test_a_build_is_the_version_that_it_is_a_build_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: Callable[..., Path]
) -> None:
    metadata = tmp_path / "a_build-1.5+cpu.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: a-build\nVersion: 1.5+cpu\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert fingerprint(lock("a-build==1.5")).matches
    assert fingerprint(lock("a-build==1.5+cpu")).matches
    found = fingerprint(lock("a-build==1.5+cu126"))
    assert found.lines[0] == "libraries: a-build 1.5+cpu instead of 1.5+cu126"


def test_a_lock_file_that_is_absent_or_empty_is_one_line(lock: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        fingerprint(Path("no-such.lock"))
    with pytest.raises(UserError, match="must hold lines name==version"):
        fingerprint(lock("numpy"))


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_the_level_is_the_highest_whose_flags_are_all_there(tmp_path: Path, level: int) -> None:
    info = tmp_path / "cpuinfo"
    flags = {flag for each in LEVELS if each <= level for flag in LEVELS[each]} | {"fpu"}
    if level < 4:
        flags |= set(sorted(LEVELS[level + 1])[1:])  # all but one of those of the next level
    info.write_text(
        f"processor\t: 0\nmodel name\t: A CPU  \nflags\t\t: {' '.join(sorted(flags))}\n" * 2
    )
    assert cpu_level(info) == level
    assert cpu(info) == f"A CPU (x86-64-v{level})"


def test_a_cpu_that_nothing_is_known_of_is_unknown(tmp_path: Path) -> None:
    assert cpu(tmp_path / "absent") == "unknown (level unknown)"
    assert cpu_level(tmp_path / "absent") == 1
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nFeatures\t: fp asimd\n")  # as on ARM
    assert cpu(info) == "unknown (level unknown)"


def test_no_heavy_package_is_imported() -> None:
    program = "import sys, linreg.verify.fingerprint; print([n for n in ('numpy', 'pyarrow', 'torch') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
