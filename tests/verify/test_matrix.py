"""The switches of the matrix do in a process what they are there for: one that does nothing would
prove nothing.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from linreg.verify.fingerprint import cpu_level
from linreg.verify.matrix import MACHINES, NEEDS, THREADS, WORKERS, Cell, cells

PROGRAM = """
import ctypes, hashlib, json, math, pathlib, sys
if "pinned" in sys.argv:
    from linreg.process.torch_setup import torch
else:
    import torch
import numba
import numpy as np
import pyarrow as pa
from numba.core.registry import cpu_target
from numpy._core._multiarray_umath import __cpu_features__

def digest(values):
    return hashlib.sha256(np.asarray(values).tobytes()).hexdigest()

library = next(pathlib.Path(np.__file__).parents[1].glob("numpy.libs/*openblas*"))
core = ctypes.CDLL(str(library)).scipy_openblas_get_corename64_
core.restype = ctypes.c_char_p
_, cpu, features = cpu_target.target_context.codegen().magic_tuple()
x = np.random.default_rng(0).standard_normal(200_000)
A = torch.from_numpy(np.random.default_rng(1).standard_normal((300, 100)).astype(np.float32))
print(json.dumps({
    "numpy": [name for name in ("X86_V3", "X86_V4") if __cpu_features__.get(name)],
    "openblas": core().decode(),
    "arrow": pa.runtime_info().simd_level,
    "numba": [cpu, *(name for name in ("+avx2", "+fma", "+avx512f") if name in features.split(","))],
    "aten": torch.backends.cpu.get_cpu_capability(),
    "threads": [numba.config.NUMBA_NUM_THREADS, torch.get_num_threads()],
    "glibc": digest([math.exp(value) for value in x.tolist()]),
    "mkl": digest((A @ A[0]).numpy()),
}))
"""
EXPECTED = {
    "haswell": {
        "numpy": ["X86_V3"],
        "openblas": "Haswell",
        "arrow": "avx2",
        "aten": "AVX2",
        "numba": ["haswell", "+avx2", "+fma"],
    },
    "nehalem": {
        "numpy": [],
        "openblas": "Nehalem",
        "arrow": "sse4_2",
        "aten": "DEFAULT",
        "numba": ["nehalem"],
    },
}
SEEN_IN = {
    "ATEN_CPU_CAPABILITY": "aten",
    "OPENBLAS_CORETYPE": "openblas",
    "NPY_DISABLE_CPU_FEATURES": "numpy",
    "NUMBA_CPU_NAME": "numba",
    "NUMBA_CPU_FEATURES": "numba",
    "ARROW_USER_SIMD_LEVEL": "arrow",
    "GLIBC_TUNABLES": "glibc",
    "MKL_CBWR": "mkl",
}
"""Where each switch shows; for glibc and MKL, which do not say what they chose, in the bits of a
result.
"""


def seen(*arguments: str, **switches: str) -> dict[str, Any]:
    """What the libraries of a new process say that they do."""
    known = {name for switches in MACHINES.values() for name in switches} | set(Cell().environment)
    environment = {
        name: value for name, value in os.environ.items() if name not in known
    } | switches
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def here(machine: str) -> str:
    if cpu_level() < NEEDS[machine]:
        pytest.skip(f"this CPU cannot pretend to be a {machine}")
    return machine


@pytest.fixture(scope="module")
def as_it_is() -> dict[str, Any]:
    return seen()


@pytest.mark.parametrize("machine", EXPECTED)
def test_the_libraries_choose_as_on_that_machine(machine: str) -> None:
    found = seen(**Cell(1, 2, here(machine)).environment)
    assert {name: found[name] for name in EXPECTED[machine]} == EXPECTED[machine]


@pytest.mark.parametrize(
    ("machine", "switch"),
    [(m, switch) for m, all_of_it in MACHINES.items() for switch in all_of_it],
)
def test_every_switch_alone_does_something(
    as_it_is: dict[str, Any], machine: str, switch: str
) -> None:
    """On a CPU that is above the machine; on one that is just it there would be nothing to
    change.
    """
    if cpu_level() < 4:
        pytest.skip("what a switch changes is sure to show on a CPU with AVX-512 only")
    name = SEEN_IN[switch]
    assert seen(**{switch: MACHINES[machine][switch]})[name] != as_it_is[name]


@pytest.mark.parametrize("machine", MACHINES)
def test_torch_is_pinned_whatever_the_switches_and_threads_say(
    as_it_is: dict[str, Any], machine: str
) -> None:
    pinned = seen("pinned", **Cell(1, 2, here(machine)).environment)
    assert pinned["aten"] == "DEFAULT"
    assert pinned["threads"][1] == 1
    assert pinned["mkl"] == seen("pinned")["mkl"]
    if cpu_level() == 4:  # where it matters
        assert pinned["mkl"] != as_it_is["mkl"]


@pytest.mark.parametrize("threads", THREADS)
def test_numba_gets_the_threads_of_the_cell(threads: int) -> None:
    assert seen(**Cell(1, threads).environment)["threads"][0] == threads


def test_there_is_a_cell_for_every_combination_that_this_machine_can_execute() -> None:
    machines = [machine for machine in MACHINES if NEEDS[machine] <= cpu_level()]
    wanted = {
        (workers, threads, machine)
        for machine in machines
        for workers in WORKERS
        for threads in THREADS
    }
    assert {(each.workers, each.threads, each.machine) for each in cells()} == wanted
    assert len(list(cells())) == len(wanted)
    assert all(each.environment["WORKERS"] == str(each.workers) for each in cells())
