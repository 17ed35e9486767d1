"""Variations of what libraries decide by: hashes of text in Python, threads, the CPU, workers."""

from linreg.verify.environment import cpu_level
from linreg.verify.matrix import CPUS, REQUIRED_LEVEL, Configuration
from linreg.verify.variations.variation import Variation

HASH_SEED = "PYTHONHASHSEED"
THREADS = 3
FURTHER_THREAD_VARIABLES = (
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def hash_seed() -> Variation:
    """Another order of Python's sets of text."""
    return Variation("hashseed", f"{HASH_SEED}=1", environment={HASH_SEED: "1"})


def threads() -> Variation:
    """Another number of threads than that of the CPUs."""
    variables = dict(Configuration(threads=THREADS).environment)
    del variables["WORKERS"]
    variables |= dict.fromkeys(FURTHER_THREAD_VARIABLES, str(THREADS))
    return Variation("threads", str(THREADS), environment=variables)


def cpu_features() -> Variation:
    """What libraries choose on an old CPU."""
    cpu = min((each for each in CPUS if CPUS[each]), key=lambda each: REQUIRED_LEVEL[each])
    if cpu_level() < REQUIRED_LEVEL[cpu]:
        return Variation("features", unavailable=f"this CPU cannot run what {cpu} runs")
    return Variation("features", f"those of the CPU {cpu}", environment=CPUS[cpu])


def workers() -> Variation:
    """Two processes for each of linreg's stages."""
    return Variation("workers", "2", environment={"WORKERS": "2"})
