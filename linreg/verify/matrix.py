"""The cells of the matrix: numbers of workers and of threads, and machines that this one can
pretend to be.

A library chooses its kernels by what the CPU can do. Each has a switch in the environment that
makes it choose as on an older CPU; together they make a process compute as there, as far as its
libraries let it. Torch is another matter: linreg.process.torch_setup sets the switches of ATen and
MKL itself, so that these two show only that it wins.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from linreg.verify.fingerprint import cpu_level

WORKERS, THREADS = (1, 2, 4), (1, 2)
THREAD_SWITCHES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)

MACHINES: Mapping[str, Mapping[str, str]] = {
    "as it is": {},
    # AVX2 and FMA, but not AVX-512: Intel from 2013, AMD up to Zen 3.
    "haswell": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+sse4.2,+popcnt,+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt,+movbe,+f16c",
        "ARROW_USER_SIMD_LEVEL": "AVX2",
    },
    # SSE4.2 and nothing above, so no FMA: what numpy asks for at least.
    "nehalem": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        "NUMBA_CPU_NAME": "nehalem",
        "NUMBA_CPU_FEATURES": "+sse4.2,+popcnt",
        "ARROW_USER_SIMD_LEVEL": "SSE4_2",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-FMA,-FMA4,-BMI1,-BMI2,-ERMS",
    },
}
NEEDS = {"as it is": 1, "haswell": 3, "nehalem": 2}
"""The level of x86-64 that a machine is on; this one can pretend to be one of its own level or
below.
"""


@dataclass(frozen=True)
class Cell:
    """A way to execute the pipeline that must not change its results; `environment` makes it so."""

    workers: int = 1
    threads: int = 1
    machine: str = "as it is"
    environment: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        switches = dict.fromkeys(THREAD_SWITCHES, str(self.threads)) | dict(MACHINES[self.machine])
        object.__setattr__(self, "environment", switches | {"WORKERS": str(self.workers)})

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s'[: self.threads > 1]}"
        return f"{self.workers} worker{'s'[: self.workers > 1]}, {threads}, CPU {self.machine}"


def cells() -> Iterator[Cell]:
    """Yield every cell that this machine can execute."""
    level = cpu_level()
    for machine in MACHINES:
        if NEEDS[machine] <= level:
            yield from (
                Cell(workers, threads, machine) for workers in WORKERS for threads in THREADS
            )
