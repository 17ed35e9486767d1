"""torch, pinned so that its arithmetic gives the same bits on every x86-64 machine.

Which kernels torch and MKL run, and over how many threads they divide a sum, depends on the machine and changes
the last bits. The lowest common code path is chosen before torch is imported: the libraries read it only once.
"""

import os

os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["MKL_CBWR"] = "COMPATIBLE"
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import torch  # noqa: E402

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

__all__ = ["torch"]
