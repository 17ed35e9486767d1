"""torch, pinned so that its arithmetic gives the same bits on every x86-64 machine.

Which kernels torch and MKL run, and over how many threads they divide a sum, depends on the machine
and changes the last bits. The lowest common code path is chosen before torch is imported: the
libraries read it only once.
"""

import os
import sys
import types
import warnings

os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["MKL_CBWR"] = "COMPATIBLE"
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

# What torch.compile asks of every operation, for tensors without data: half a second, a third of
# torch's import, and nothing is compiled here.
if "torch" not in sys.modules:
    sys.modules["torch._meta_registrations"] = types.ModuleType("torch._meta_registrations")

import torch

torch.set_num_threads(1)

# A model of the intercept alone has no weights to initialise, which is no mistake.
warnings.filterwarnings("ignore", message="Initializing zero-element tensors is a no-op")

# torch.optim imports torch._dynamo, the front end of torch.compile, only to tell a running compiler
# to keep out. That import takes as long as torch itself (2 s). Nothing is compiled here, so these
# answers are enough; the last one is for torch.distributed.
if "torch._dynamo" not in sys.modules:
    _no_compiler = types.ModuleType("torch._dynamo")
    _rules = types.SimpleNamespace(clear_lru_cache=lambda: None)
    vars(_no_compiler).update(
        disable=lambda function, *_, **__: function, graph_break=lambda *_: None, trace_rules=_rules
    )
    sys.modules["torch._dynamo"] = torch._dynamo = _no_compiler

__all__ = ["torch"]
