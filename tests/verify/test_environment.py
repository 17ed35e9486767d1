import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.verify.environment import LEVELS, cpu_level, cpu_name, describe_environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lock(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str) -> Path:
        path = tmp_path / "requirements.lock"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.mark.locked
def test_the_tests_run_in_the_locked_environment() -> None:
    libraries, python, cpu = describe_environment(ROOT / "requirements.lock")
    count = len((ROOT / "requirements.lock").read_text().split())
    assert libraries == f"libraries: all {count} as in requirements.lock"
    assert python.startswith(f"Python {platform.python_version()}, Linux {platform.machine()}, ")
    assert cpu == f"CPU: {cpu_name()}, {os.cpu_count()} cores"


def test_wrong_and_missing_versions_are_named_with_a_warning(lock: Callable[..., Path]) -> None:
    numpy, pyarrow = (importlib.metadata.version(name) for name in ("numpy", "pyarrow"))
    libraries, *_, warning = describe_environment(
        lock("# versions", f"numpy=={numpy}", "pyarrow==1.0", "no-such-package==2.0")
    )
    wrong = f"pyarrow {pyarrow} instead of 1.0, no-such-package missing instead of 2.0"
    assert libraries == f"libraries: {wrong}"
    assert warning == "the environment is not the locked one, so results may differ"


def test_beyond_five_wrong_versions_are_counted(lock: Callable[..., Path]) -> None:
    packages = [f"no-such-package-{i}==1" for i in range(7)]
    libraries = describe_environment(lock(*packages[:5]))[0]
    assert libraries.endswith("no-such-package-4 missing instead of 1")
    libraries = describe_environment(lock(*packages))[0]
    assert libraries.endswith("no-such-package-4 missing instead of 1 and 2 more")


def test_a_local_version_matches_the_version_that_it_is_a_build_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: Callable[..., Path]
) -> None:
    metadata = tmp_path / "a_build-1.5+cpu.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: a-build\nVersion: 1.5+cpu\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for locked in ("1.5", "1.5+cpu"):
        all_match = "libraries: all 1 as in requirements.lock"
        assert describe_environment(lock(f"a-build=={locked}"))[0] == all_match
    libraries = describe_environment(lock("a-build==1.5+cu126"))[0]
    assert libraries == "libraries: a-build 1.5+cpu instead of 1.5+cu126"


def test_a_lock_file_that_is_absent_or_empty_is_one_line(lock: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        describe_environment(Path("no-such.lock"))
    with pytest.raises(UserError, match="must hold lines name==version"):
        describe_environment(lock("numpy"))


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_the_level_is_the_highest_whose_flags_are_all_there(tmp_path: Path, level: int) -> None:
    info = tmp_path / "cpuinfo"
    flags = {flag for each in LEVELS if each <= level for flag in LEVELS[each]} | {"fpu"}
    if level < 4:
        all_but_one_of_the_next_level = sorted(LEVELS[level + 1])[1:]
        flags |= set(all_but_one_of_the_next_level)
    info.write_text(
        f"processor\t: 0\nmodel name\t: A CPU  \nflags\t\t: {' '.join(sorted(flags))}\n" * 2
    )
    assert cpu_level(info) == level
    assert cpu_name(info) == f"A CPU (x86-64-v{level})"


def test_an_unknown_cpu_has_the_lowest_level(tmp_path: Path) -> None:
    assert cpu_name(tmp_path / "absent") == "unknown (level unknown)"
    assert cpu_level(tmp_path / "absent") == 1


@pytest.mark.parametrize(
    ("implementer", "part", "features", "name"),
    [
        ("0x41", "0xd0c", "fp asimd", "Arm Neoverse N1 (aarch64, NEON)"),
        ("0x41", "0xd40", "fp asimd sve", "Arm Neoverse V1 (aarch64, SVE)"),
        ("0x41", "0xd4f", "fp asimd sve sve2", "Arm Neoverse V2 (aarch64, SVE2)"),
        ("0x41", "0xd08", "fp asimd", "implementer 0x41, part 0xd08 (aarch64, NEON)"),
        ("0x61", "0xd0c", "fp asimd", "implementer 0x61, part 0xd0c (aarch64, NEON)"),
    ],
)
def test_an_arm_cpu_is_named_by_its_designer_its_part_and_its_vectors(
    tmp_path: Path, implementer: str, part: str, features: str, name: str
) -> None:
    """As Linux writes /proc/cpuinfo on aarch64, where it has no model name."""
    info = tmp_path / "cpuinfo"
    info.write_text(
        f"processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: {features}\n"
        f"CPU implementer\t: {implementer}\nCPU part\t: {part}\nCPU revision\t: 1\n\n"
    )
    assert cpu_name(info) == name
    assert cpu_level(info) == 1


def test_no_heavy_package_is_imported() -> None:
    heavy = ("numpy", "pyarrow", "torch")
    program = (
        "import sys, linreg.verify.environment; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
