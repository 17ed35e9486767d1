import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit import kernels

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
