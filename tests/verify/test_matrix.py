"""Each environment variable of the matrix has its effect: without one it would prove nothing."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from linreg.verify.environment import cpu_level
from linreg.verify.matrix import (
    CPUS,
    REQUIRED_LEVEL,
    THREADS,
    WORKERS,
    Configuration,
    configurations,
)

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

FEATURES = ("+avx2", "+fma", "+avx512f")
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
    "numba": [cpu, *(name for name in FEATURES if name in features.split(","))],
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
SHOWN_BY = {
    "ATEN_CPU_CAPABILITY": "aten",
    "OPENBLAS_CORETYPE": "openblas",
    "NPY_DISABLE_CPU_FEATURES": "numpy",
    "NUMBA_CPU_NAME": "numba",
    "NUMBA_CPU_FEATURES": "numba",
    "ARROW_USER_SIMD_LEVEL": "arrow",
    "GLIBC_TUNABLES": "glibc",
    "MKL_CBWR": "mkl",
}
"""What shows the effect of each variable; for glibc and MKL it is the bits of a result."""


def libraries_in_process(*arguments: str, **variables: str) -> dict[str, Any]:
    """Return what the libraries of a new process report."""
    known = {name for variables_of_cpu in CPUS.values() for name in variables_of_cpu} | set(
        Configuration().environment
    )
    environment = {
        name: value for name, value in os.environ.items() if name not in known
    } | variables
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def supported(cpu: str) -> str:
    if cpu_level() < REQUIRED_LEVEL[cpu]:
        pytest.skip(f"this CPU cannot emulate {cpu}")
    return cpu


@pytest.fixture(scope="module")
def native() -> dict[str, Any]:
    return libraries_in_process()


@pytest.mark.slow
@pytest.mark.parametrize("cpu", EXPECTED)
def test_libraries_choose_their_kernels_as_on_the_emulated_cpu(cpu: str) -> None:
    found = libraries_in_process(**Configuration(1, 2, supported(cpu)).environment)
    assert {name: found[name] for name in EXPECTED[cpu]} == EXPECTED[cpu]


@pytest.mark.very_slow
@pytest.mark.parametrize(
    ("cpu", "variable"),
    [(cpu, variable) for cpu, variables in CPUS.items() for variable in variables],
)
def test_every_variable_alone_has_an_effect(
    native: dict[str, Any], cpu: str, variable: str
) -> None:
    """Tested on a CPU above the emulated ones: on one of them there would be nothing to change."""
    if cpu_level() < 4:
        pytest.skip("an effect is certain only on a CPU with AVX-512")
    name = SHOWN_BY[variable]
    assert libraries_in_process(**{variable: CPUS[cpu][variable]})[name] != native[name]


@pytest.mark.very_slow
@pytest.mark.parametrize("cpu", CPUS)
def test_torch_is_pinned_whatever_the_variables_say(native: dict[str, Any], cpu: str) -> None:
    pinned = libraries_in_process("pinned", **Configuration(1, 2, supported(cpu)).environment)
    assert pinned["aten"] == "DEFAULT"
    assert pinned["threads"][1] == 1
    assert pinned["mkl"] == libraries_in_process("pinned")["mkl"]
    if cpu_level() == 4:
        # Without pinning, the result of a CPU with AVX-512 would be another one.
        assert pinned["mkl"] != native["mkl"]


@pytest.mark.very_slow
@pytest.mark.parametrize("threads", THREADS)
def test_numba_gets_the_threads_of_the_configuration(threads: int) -> None:
    assert libraries_in_process(**Configuration(1, threads).environment)["threads"][0] == threads


def test_every_combination_that_this_machine_can_run_is_a_configuration() -> None:
    cpus = [cpu for cpu in CPUS if REQUIRED_LEVEL[cpu] <= cpu_level()]
    wanted = {(workers, threads, cpu) for cpu in cpus for workers in WORKERS for threads in THREADS}
    assert {(each.workers, each.threads, each.cpu) for each in configurations()} == wanted
    assert len(list(configurations())) == len(wanted)
    assert all(each.environment["WORKERS"] == str(each.workers) for each in configurations())
