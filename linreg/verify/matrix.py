"""Configurations in which the pipeline must give the same results: workers, threads, CPUs.

Numerical libraries choose their kernels by what the CPU supports. Each of them can be told, by an
environment variable, to choose as on an older CPU; together these variables make a process compute
as on that CPU, as far as its libraries allow. Those of ATEN and MKL show only that they have no
effect, since linreg.process.torch_setup sets both itself.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from linreg.verify.environment import cpu_level
from linreg.verify.linreg_stages import SharedProcesses, stage_environment
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.pipeline_run import run_pipeline
from linreg.verify.repository.results import StageResult, Verdict

WORKERS = (1, 2, 4)
THREADS = (1, 2)
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
NATIVE = "native"
CPUS: Mapping[str, Mapping[str, str]] = {
    NATIVE: {},
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
    # SSE4.2 without AVX and FMA: the least that numpy supports.
    "nehalem": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        "NUMBA_CPU_NAME": "nehalem",
        "NUMBA_CPU_FEATURES": "+sse4.2,+popcnt",
        "ARROW_USER_SIMD_LEVEL": "SSE4_2",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps="
        "-AVX512F,-AVX512VL,-AVX2,-AVX,-FMA,-FMA4,-BMI1,-BMI2,-ERMS",
    },
}
"""The environment variables with which libraries choose as on a CPU."""
REQUIRED_LEVEL = {NATIVE: 1, "haswell": 3, "nehalem": 2}
"""The x86-64 level that this machine needs in order to run what a CPU runs."""


@dataclass(frozen=True)
class Configuration:
    """A number of workers and of threads, and the CPU for which libraries choose their kernels."""

    workers: int = 1
    threads: int = 1
    cpu: str = NATIVE

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment variables that bring this configuration about."""
        threads = dict.fromkeys(THREAD_VARIABLES, str(self.threads))
        return {**threads, **CPUS[self.cpu], "WORKERS": str(self.workers)}

    def __str__(self) -> str:
        workers = f"{self.workers} worker{'s'[: self.workers > 1]}"
        threads = f"{self.threads} thread{'s'[: self.threads > 1]}"
        return f"{workers}, {threads}, CPU {self.cpu}"


@dataclass(frozen=True)
class ConfigurationResult:
    """What a configuration gave: an error, or what became of each stage.

    stages  None for the configuration whose outputs the others are compared with
    """

    configuration: Configuration
    seconds: float
    error: str = ""
    stages: list[StageResult] | None = None

    @property
    def differences(self) -> list[str]:
        """The first difference of each output that has one."""
        return [text for each in self.stages or () for text in each.differences()]


def configurations() -> Iterator[Configuration]:
    """Yield every configuration that this machine can run."""
    level = cpu_level()
    for cpu in CPUS:
        if REQUIRED_LEVEL[cpu] <= level:
            for workers in WORKERS:
                yield from (Configuration(workers, threads, cpu) for threads in THREADS)


def run_matrix(
    checkout: Checkout, matrix: Iterable[Configuration], *, against_first: bool
) -> Iterator[ConfigurationResult]:
    """Run the stages in every configuration, also after one that failed, and compare the outputs.

    They are compared with what was recorded, or with those of the first configuration that runs.
    """
    is_reference_known = not against_first
    for configuration in matrix:
        start = time.monotonic()
        environment = stage_environment(checkout) | configuration.environment
        shared = SharedProcesses(checkout, environment)
        results = run_pipeline(checkout, environment, run=shared)
        seconds = time.monotonic() - start
        error = next((each.reason for each in results if each.verdict == Verdict.FAILED), "")
        if error or is_reference_known:
            yield ConfigurationResult(configuration, seconds, error, results)
        else:
            checkout.take_as_recorded(
                {out.output.path: out.found for each in results for out in each.outputs}
            )
            is_reference_known = True
            yield ConfigurationResult(configuration, seconds)
