"""torch, with its arithmetic pinned to one code path and without its compiler.

All that this project changes about torch is here. Everything else imports torch from this module,
since most of it takes effect only before the first import.

Arithmetic: which kernels torch and MKL choose, and over how many threads they divide a sum, depends
on the machine and changes the last bits. The lowest common code path gives the same bits on every
x86-64 machine.

Start-up: torch imports its compiler, torch.compile, when the first optimizer is made, and with
`import torch` what that compiler knows about every operation. Nothing is compiled here. Two empty
modules in their place save 1.6 s and 0.4 s of CPU time of the 3.2 s that a process needs from
`import torch` to its first step (torch 2.13, medians of five).

tests/process/test_torch_setup.py fails when torch no longer imports them, or needs more of them.

Left as it is: torch's profiler, which the step() and zero_grad() of an optimizer enter whether one
runs or not. That of the pipeline does not (`linreg.fit.sgd.portable_sgd`).
"""

import os
import sys
import types
import warnings

os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["MKL_CBWR"] = "COMPATIBLE"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

META_REGISTRATIONS = "torch._meta_registrations"
"""What the compiler knows about the shapes that each operation returns."""
COMPILER = "torch._dynamo"
"""The front end of torch.compile."""

if META_REGISTRATIONS not in sys.modules:
    sys.modules[META_REGISTRATIONS] = types.ModuleType(META_REGISTRATIONS)

import torch  # noqa: E402 - after the switches above
from torch._opaque_base import OpaqueBaseMeta  # noqa: E402

if COMPILER not in sys.modules:
    # What is left out would have told Generator its metaclass. No stage of ours makes a generator,
    # but a DataLoader that shuffles does, in a training of the user's own.
    torch._C._set_generator_metaclass(OpaqueBaseMeta)
    compiler = types.ModuleType(COMPILER)
    # torch.optim asks the compiler to leave functions alone.
    compiler.disable = lambda function, *_, **__: function  # type: ignore[attr-defined]
    compiler.graph_break = lambda *_: None  # type: ignore[attr-defined]
    # torch.distributed empties a cache of the compiler when a process group is made.
    rules = types.SimpleNamespace(clear_lru_cache=lambda: None)
    compiler.trace_rules = rules  # type: ignore[attr-defined]
    sys.modules[COMPILER] = torch._dynamo = compiler

torch.set_num_threads(1)

# A model of the intercept alone has no weights to initialise, which is no mistake.
warnings.filterwarnings("ignore", message="Initializing zero-element tensors is a no-op")

__all__ = ["torch"]
