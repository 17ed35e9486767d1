"""Compiled kernels are kept where nobody else can write, and never where they are in the way."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numba
import pytest

from linreg.fit import kernel_cache


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o711])
def test_a_folder_is_private_where_nobody_else_may_write(tmp_path: Path, mode: int) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels").chmod(mode)
    assert kernel_cache._is_private(tmp_path / "kernels")


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o722, 0o777])
def test_a_folder_is_not_private_where_others_may_write(tmp_path: Path, mode: int) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels").chmod(mode)
    assert not kernel_cache._is_private(tmp_path / "kernels")


def test_a_folder_that_is_not_there_is_created_for_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "kernels"
    assert kernel_cache._is_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_created_is_not_private(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert kernel_cache._is_private(tmp_path / "file" / "kernels") is False


def test_a_folder_of_another_user_is_not_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kernels").mkdir(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not kernel_cache._is_private(tmp_path / "kernels")


@pytest.fixture
def cache_dir(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Returns where numba caches kernels; afterwards it is where it was."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "the usual")
    return lambda: str(numba.config.CACHE_DIR)  # type: ignore[attr-defined]


@pytest.fixture
def installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_dir: Callable[[], str]
) -> Path:
    """A package that lies in no clone, with a file, for a user whose caches are in tmp_path."""
    package = tmp_path / "site-packages/linreg"
    package.mkdir(parents=True)
    (package / "code.py").write_text("1")
    monkeypatch.setattr(kernel_cache, "PACKAGE", package)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    return package


@pytest.fixture
def cloned(installed: Path) -> Path:
    """The same package in a clone."""
    (installed.parent / "pyproject.toml").touch()
    return installed


def test_a_clone_keeps_its_kernels_itself(cloned: Path, cache_dir: Callable[[], str]) -> None:
    assert kernel_cache.use_private_cache()
    assert Path(cache_dir()).parent == cloned.parent / ".linreg/kernels"


def test_an_installed_package_keeps_its_kernels_in_the_users_folder_for_caches(
    installed: Path, tmp_path: Path, cache_dir: Callable[[], str]
) -> None:
    assert kernel_cache.use_private_cache()
    assert Path(cache_dir()).parent == tmp_path / "cache/linreg/kernels"
    assert [each.name for each in installed.parent.iterdir()] == ["linreg"]


def test_without_another_word_that_folder_is_in_the_home_folder(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_dir: Callable[[], str]
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert kernel_cache.use_private_cache()
    assert Path(cache_dir()).parent == tmp_path / "home/.cache/linreg/kernels"


@pytest.mark.parametrize("home", ["file", "file/home"])
def test_where_nothing_can_be_kept_nothing_is_and_that_is_no_error(
    home: str, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    # No folder can be made in a file, whoever asks.
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / home))
    before = sorted(tmp_path.rglob("*"))
    assert not kernel_cache.use_private_cache()
    assert sorted(tmp_path.rglob("*")) == before


UNKNOWN_USER = """
import os, pwd, platformdirs
from pathlib import Path
from linreg.fit import kernel_cache
os.setuid(54321)
kernel_cache.PACKAGE = Path("/nowhere/linreg")
print(kernel_cache.use_private_cache())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("has_home", [False, True], ids=["no home", "the home of another"])
def test_a_user_without_a_home_folder_of_their_own_has_no_cache_and_no_error(
    has_home: bool, tmp_path: Path
) -> None:
    unset = ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    if has_home:
        environment["HOME"] = str(home)
    done = subprocess.run(
        [sys.executable, "-c", UNKNOWN_USER],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(kernel_cache.PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert list(tmp_path.rglob("*")) == [home]


@pytest.mark.parametrize(
    "change",
    [
        lambda package: (package / "code.py").write_text("2"),
        lambda package: (package / "code.py").rename(package / "other.py"),
        lambda package: (package / "more.py").touch(),
    ],
)
def test_each_version_of_the_code_has_a_private_folder(
    change: Callable[[Path], object], cloned: Path, cache_dir: Callable[[], str]
) -> None:
    assert kernel_cache.use_private_cache()
    before = Path(cache_dir())
    change(cloned)
    assert kernel_cache.use_private_cache()
    after = Path(cache_dir())
    assert before != after
    assert [each.stat().st_mode & 0o777 for each in (before, after)] == [0o700, 0o700]


def test_what_is_no_source_makes_no_version(cloned: Path, cache_dir: Callable[[], str]) -> None:
    kernel_cache.use_private_cache()
    before = cache_dir()
    (cloned / "__pycache__").mkdir()
    (cloned / "__pycache__/code.cpython-311.pyc").write_bytes(b"3")
    (cloned.parent / "stages").mkdir()
    (cloned.parent / "stages/train.py").write_text("4")
    kernel_cache.use_private_cache()
    assert cache_dir() == before


def test_the_newest_versions_are_kept(cloned: Path) -> None:
    versions = cloned.parent / ".linreg/kernels"
    for age in range(10):
        old = versions / f"old-{age}"
        (old / "some.module").mkdir(parents=True)
        (old / "some.module/kernel.nbc").touch()
        os.utime(old, (10**9 - age, 10**9 - age))
    assert kernel_cache.use_private_cache()
    kept = {each.name for each in versions.iterdir()}
    assert {each for each in kept if each.startswith("old")} == {"old-0", "old-1", "old-2"}
    assert len(kept) == kernel_cache.NUM_KEPT


def test_kernels_are_not_cached_where_others_may_write(
    cloned: Path, cache_dir: Callable[[], str]
) -> None:
    assert kernel_cache.use_private_cache()
    Path(cache_dir()).chmod(0o777)
    assert not kernel_cache.use_private_cache()


def test_a_cache_that_the_user_has_chosen_is_used_as_it_is(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_dir: Callable[[], str]
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert kernel_cache.use_private_cache()
    assert cache_dir() == "the usual"


def test_the_package_is_the_folder_with_the_code() -> None:
    assert (kernel_cache.PACKAGE / "fit/kernel_cache.py").samefile(kernel_cache.__file__)
