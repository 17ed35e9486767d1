"""The kernels compute the same on every CPU. What they compute is in test_portable_linear.py."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest

from linreg.fit.sgd import linear_kernels

PROGRAM = """
import numpy as np
from linreg.fit.sgd import linear_kernels as kernels
from linreg.process.torch_setup import torch
rng = np.random.default_rng(1)
for dtype in (torch.float, torch.double):
    for n, m in ((32, 2), (33, 16), (257, 100)):
        drawn = [rng.standard_normal(shape) for shape in ((n, m), (1, m), (1,), (n, 1))]
        X, theta, b, g = (torch.from_numpy(each).to(dtype) for each in drawn)
        found = kernels.predictions(X, theta, b), *kernels.gradients(X, g)
        print(*(each.numpy().tobytes().hex() for each in found))
"""
CPUS: dict[str, dict[str, str]] = {
    "here": {},
    "haswell": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+sse4.2,+avx,+avx2,+fma"},
    "nehalem": {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": "+sse4.2,+popcnt"},
}


@pytest.mark.very_slow
def test_cpus_with_and_without_fma_and_wide_vectors_give_the_same_bits(tmp_path: Path) -> None:
    outputs = set()
    for name, cpu in CPUS.items():
        environment = os.environ | cpu | {"NUMBA_CACHE_DIR": str(tmp_path / name)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


ARM = "aarch64-unknown-linux-gnu"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_code_for_arm_rounds_every_product_before_it_is_added(dtype: Any) -> None:
    matrix, vector = np.ones((2, 2), dtype), np.ones(2, dtype)
    for kernel, arguments in (
        (linear_kernels._predict, (matrix, matrix, vector, matrix)),
        (linear_kernels._sum_up, (matrix, matrix, np.zeros(2), matrix, vector)),
    ):
        code = llvm_code(kernel, arguments)
        for cpu in ("neoverse-n1", "neoverse-v2", "apple-m1"):
            instructions = instructions_on_arm(code, cpu)
            assert {"fmul", "fadd"} <= instructions
            # Of single numbers fmadd, fmsub, fnmadd and fnmsub; of vectors fmla and fmls.
            assert not [each for each in instructions if re.match("fn?m(add|sub|la|ls)", each)]


def llvm_code(kernel: Any, arguments: Sequence[Any]) -> str:
    # What converts Python's objects has instructions of x86-64 already.
    options = kernel.targetoptions | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiled = numba.jit(**options)(kernel.py_func)
    compiled.compile(tuple(map(numba.typeof, arguments)))
    (code,) = compiled.inspect_llvm().values()
    return re.sub("target (triple|datalayout) = .*", "", code)


def instructions_on_arm(code: str, cpu: str) -> set[str]:
    """The names of the instructions that LLVM generates."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(ARM).create_target_machine(cpu=cpu, opt=3)
    module = llvm.parse_assembly(code)
    module.triple, module.data_layout = ARM, str(machine.target_data)
    return set(re.findall(r"^\t([a-z]\w*)", machine.emit_assembly(module), re.MULTILINE))
