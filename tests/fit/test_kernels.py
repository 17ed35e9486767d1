import ctypes
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit import kernels
from linreg.process.source_hash import code_hash

Floats = NDArray[np.float64]


Compile = Callable[[Callable[..., Any]], Callable[..., Any]]


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Compile:
    """Compiles a kernel now, whatever an earlier run may have left in the cache."""
    monkeypatch.setattr(kernels, "CACHED", False)
    return kernels.strict


def quotient(a: float, b: float) -> float:
    return a / b


def product_and_sum(a: float, b: float, c: float) -> float:
    return a * b + c


def total(values: Floats) -> float:
    found = 0.0
    for value in values:
        found += value
    return found


def spin(times: int) -> int:
    found = 1
    for number in range(times):
        found = (found * 1_103_515_245 + number) & 0x7FFFFFFF
        found ^= found >> 7
    return found


def touch(rows: Floats, row: int) -> None:
    kernels.prefetch(rows, row)


def test_a_kernel_divides_by_0_as_numpy_does(compiled: Compile) -> None:
    kernel = compiled(quotient)
    assert (kernel(1.0, 0.0), kernel(-1.0, 0.0)) == (np.inf, -np.inf)
    assert np.isnan(kernel(0.0, 0.0))


def test_a_kernel_rounds_a_product_before_it_is_added(compiled: Compile) -> None:
    small = 2.0**-30
    # Exactly it is −2⁻⁶⁰.
    assert compiled(product_and_sum)(1 + small, 1 - small, -1.0) == 0


def test_a_kernel_adds_numbers_in_their_order(compiled: Compile) -> None:
    values = np.array([1e16, 1.0, 1.0, -1e16] * 16)
    assert compiled(total)(values) == total(values)


def test_other_threads_run_while_a_kernel_does(compiled: Compile) -> None:
    kernel = compiled(spin)
    kernel(1)
    times, ends = 0, threading.Event()

    def count() -> None:
        nonlocal times
        while not ends.wait(0.001):
            times += 1

    thread = threading.Thread(target=count)
    thread.start()
    started, before = time.monotonic(), times
    kernel(30_000_000)
    during, seconds = times - before, time.monotonic() - started
    ends.set()
    thread.join()
    assert during > 10 * seconds


def test_prefetching_changes_no_row(compiled: Compile) -> None:
    rows = np.arange(12.0).reshape(4, 3)
    assert compiled(touch)(rows, 2) is None
    assert rows.tolist() == np.arange(12.0).reshape(4, 3).tolist()


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o711])
def test_a_folder_is_private_where_nobody_else_may_write(tmp_path: Path, mode: int) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels").chmod(mode)
    assert kernels._is_private(tmp_path / "kernels")


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o722, 0o777])
def test_a_folder_is_not_private_where_others_may_write(tmp_path: Path, mode: int) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels").chmod(mode)
    assert not kernels._is_private(tmp_path / "kernels")


def test_a_folder_that_is_not_there_is_created_for_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "kernels"
    assert kernels._is_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_created_is_not_private(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert kernels._is_private(tmp_path / "file" / "kernels") is False


def test_a_folder_of_another_user_is_not_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kernels").mkdir(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not kernels._is_private(tmp_path / "kernels")


@pytest.fixture
def cache_dir(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Returns where numba caches kernels; afterwards it is where it was."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "the usual")
    return lambda: str(numba.config.CACHE_DIR)  # type: ignore[attr-defined]


def test_kernels_are_cached_in_a_private_folder_for_each_version_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_dir: Callable[[], str]
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(kernels, "PROJECT", tmp_path)
    folders = []
    for version in ("1", "2"):
        (tmp_path / "linreg").mkdir(exist_ok=True)
        (tmp_path / "linreg/code.py").write_text(version)
        assert kernels._use_private_cache()
        folders.append(cache_dir())
        assert folders[-1] == str(tmp_path / ".linreg/kernels" / code_hash(tmp_path))
        assert Path(folders[-1]).is_dir()
    assert folders[0] != folders[1]


def test_kernels_are_not_cached_where_others_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_dir: Callable[[], str]
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(kernels, "PROJECT", tmp_path)
    folder = tmp_path / ".linreg/kernels" / code_hash(tmp_path)
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert not kernels._use_private_cache()


def test_a_cache_that_the_user_has_chosen_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_dir: Callable[[], str]
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert kernels._use_private_cache()
    assert cache_dir() == "the usual"


def test_the_project_is_the_folder_with_the_code() -> None:
    assert (kernels.PROJECT / "linreg/fit/kernels.py").samefile(kernels.__file__)


Prefetched = list[tuple[int, int, int, int]]
"""The address, and whether to write, how many caches to keep it in, whether it is data."""


@pytest.fixture(scope="module")
def prefetched() -> Callable[[Floats, int], Prefetched]:
    """Returns what is prefetched of a row, with a function in the place of the instruction."""
    noted: Prefetched = []
    number = ctypes.c_int32
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p, number, number, number)
    note = prototype(lambda *arguments: noted.append(arguments))
    address = ctypes.cast(note, ctypes.c_void_p).value
    llvmlite.binding.add_symbol("linreg_tests_prefetch", address)

    compiled: Any = numba.njit(touch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "PREFETCH_INTRINSIC", "linreg_tests_prefetch")
        compiled(np.zeros((1, 1)), 0)

    def prefetched(rows: Floats, row: int) -> Prefetched:
        # The function must live as long as what calls it.
        assert note
        noted.clear()
        compiled(rows, row)
        return list(noted)

    return prefetched


def aligned(num_rows: int, num_columns: int) -> Floats:
    """Rows of which the first begins a cache line."""
    num_bytes = 8 * num_rows * num_columns
    buffer = np.zeros(num_bytes + 64, np.uint8)
    first = -buffer.ctypes.data % 64
    found: Floats = buffer[first : first + num_bytes].view(np.float64)
    return found.reshape(num_rows, num_columns)


@pytest.mark.parametrize("num_columns", [1, 2, 4, 5, 8, 9, 16, 18, 33])
def test_every_cache_line_of_a_row_is_prefetched_and_no_other(
    prefetched: Callable[[Floats, int], Prefetched], num_columns: int
) -> None:
    rows = aligned(20, num_columns)
    for row in range(20):
        first = rows.ctypes.data + row * 8 * num_columns
        last = first + 8 * num_columns - 1
        lines = {address // 64 for address, *_ in prefetched(rows, row)}
        assert lines == set(range(first // 64, last // 64 + 1))


def test_a_row_within_a_cache_line_costs_one_instruction(
    prefetched: Callable[[Floats, int], Prefetched],
) -> None:
    assert [len(prefetched(aligned(9, columns), 3)) for columns in (1, 2, 4, 8)] == [1] * 4


def test_rows_are_prefetched_as_data_to_be_read_into_all_caches(
    prefetched: Callable[[Floats, int], Prefetched],
) -> None:
    assert {tuple(hints) for _, *hints in prefetched(aligned(9, 20), 1)} == {(0, 3, 1)}
