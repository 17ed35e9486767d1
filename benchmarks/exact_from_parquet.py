"""From a Parquet file to the exact θ: seconds and peak memory, each in a process of its own.

    python -m benchmarks.exact_from_parquet linreg|sklearn|spark FILE

Prints the seconds, imports included, and the peak of the resident memory in bytes. The memory of
Spark's Java process is added to that of the Python process.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import Ratio, ratio_of

NUM_FEATURES = 2
peaks_of_children: list[int] = []


def compare(path: Path, num_rows: int, turns: int, *, with_spark: bool) -> Iterator[Ratio]:
    """Compare with scikit-learn, and with Spark on two cores; the targets are for 1e8 rows."""
    bars = {"sklearn": 5.0} | ({"spark": 30.0} if with_spark else {})
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ("linreg", *bars)}
    for _ in range(turns):
        for name, measured in found.items():
            measured.append(_measure(name, path))
    ours = [each[0] for each in found["linreg"]], [each[1] for each in found["linreg"]]
    for name, bar in bars.items():
        times, peaks = zip(*found[name], strict=True)
        against = "pandas + sklearn" if name == "sklearn" else "spark local[2]"
        note = f"{num_rows:.0e} rows from Parquet, a process each"
        yield ratio_of(
            "exact_from_parquet",
            NUM_FEATURES,
            against,
            (ours[0], list(times)),
            num_rows,
            bar=bar,
            note=note,
        )
        note = f"peak memory, {max(ours[1]) / 1e6:.0f} MB against {max(peaks) / 1e6:.0f} MB"
        yield ratio_of(
            "exact_memory",
            NUM_FEATURES,
            against,
            (ours[1], list(peaks)),
            num_rows,
            bar=5,
            note=note,
        )


def _measure(name: str, path: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.exact_from_parquet", name, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = run.stdout.split()[-2:]
    return float(seconds), float(peak)


def linreg(path: Path) -> None:
    """Add up the moments in one pass over the row groups, with prefetching, and solve."""
    from benchmarks.rows import open_rows
    from linreg.fit.exact.reference import compute_moments
    from linreg.fit.exact.solver import solve

    rows = open_rows(path)
    solve(compute_moments([rows], NUM_FEATURES), ["x1", "x2"], intercept=True)


def sklearn(path: Path) -> None:
    """Read the whole table and fit it in float64, as ours is."""
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    frame = pd.read_parquet(path)
    LinearRegression().fit(
        frame[["x1", "x2"]].to_numpy(np.float64), frame["y"].to_numpy(np.float64)
    )


def spark(path: Path) -> None:
    """Fit Spark's LinearRegression by its normal equations, on two cores."""
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]").config("spark.driver.memory", "8g").getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    rows = VectorAssembler(inputCols=["x1", "x2"], outputCol="features").transform(
        session.read.parquet(str(path))
    )
    LinearRegression(labelCol="y", solver="normal").fit(rows)
    java = session.sparkContext._gateway.proc.pid
    peaks_of_children.append(_peak_of(java))


def _peak_of(process: int) -> int:
    """Return a process's peak memory; getrusage would count that of its parent before the exec."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]


if __name__ == "__main__":
    start = time.perf_counter()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    {"linreg": linreg, "sklearn": sklearn, "spark": spark}[sys.argv[1]](Path(sys.argv[2]))
    print(time.perf_counter() - start, _peak_of(os.getpid()) + sum(peaks_of_children))
