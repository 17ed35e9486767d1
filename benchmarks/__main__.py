"""All comparisons: prints the ratios, and writes results.md and results.svg in this folder.

make bench                                          all, some minutes
make bench ARGS="--quick --json FILE"               less than two minutes, the ratios as JSON
make bench ARGS="--rows 100000000 --only parquet"   with as many rows as the targets, 10 GB on disk
make bench ARGS="--rows 10000000 --only statistics"  standard errors, folds, penalties, …
make bench ARGS="--rows 100000000 --only workers"   one process and two, all stages
"""

import argparse
import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from benchmarks import (
    autograd,
    csv_ingest,
    exact,
    exact_from_parquet,
    machine,
    predict_csv,
    sgd,
    statistics,
    wide,
    workers,
)
from benchmarks.compare import Ratio
from benchmarks.rows import write_rows

HERE = Path(__file__).parent
COMPARISONS = (
    "sgd",
    "autograd",
    "exact",
    "wide",
    "parquet",
    "csv",
    "predict_csv",
    "statistics",
    "picture",
    "workers",
)
DEFAULT = COMPARISONS[:-1]
"""All but `workers`, which needs tables of 1e8 rows to show more than the start of processes."""


def main() -> None:
    """Run the comparisons that are asked for."""
    options = _options()
    quick = options.quick
    torch.set_num_threads(1)
    print(machine.description())
    bandwidth = machine.memory_bandwidth()
    print(f"memory read by one thread: {bandwidth / 1e9:.1f} GB/s\n")
    ratios = []
    for name, compare in _comparisons(options).items():
        if name in options.only:
            for ratio in compare():
                print(_line(ratio), flush=True)
                ratios.append(ratio)
    if options.json:
        fields = ("work", "M", "against", "ratio", "min", "max")
        documents = [{name: getattr(ratio, name) for name in fields} for ratio in ratios]
        options.json.write_text(json.dumps(documents, indent=1))
    if "picture" in options.only and not quick:
        from benchmarks.picture import draw

        draw(HERE / "results.svg", bandwidth)
    if not quick and set(options.only) == set(DEFAULT):
        (HERE / "results.md").write_text(_as_markdown(ratios, bandwidth))


def _comparisons(options: argparse.Namespace) -> dict[str, Callable[[], Iterable[Ratio]]]:
    """Return the comparisons by name, on fewer rows where they have to be quick."""
    quick = options.quick
    turns = options.turns or (3 if quick else 5)
    rows_from_parquet = options.rows or (1_000_000 if quick else 10_000_000)
    comparisons: dict[str, Callable[[], Iterable[Ratio]]] = {
        "sgd": lambda: sgd.compare(1_000_000, turns),
        "autograd": lambda: autograd.compare(40_000 if quick else 200_000, turns),
        "exact": lambda: exact.compare(turns, quick=quick),
        "wide": lambda: wide.compare(turns, quick=quick),
        "parquet": lambda: _from_parquet(rows_from_parquet, turns, quick=quick),
        "csv": lambda: csv_ingest.compare(500_000 if quick else 5_000_000, turns),
        "predict_csv": lambda: predict_csv.compare(500_000 if quick else 5_000_000, turns),
        "statistics": lambda: statistics.compare(
            options.rows or (100_000 if quick else 1_000_000), turns
        ),
    }
    if not quick:
        rows = options.rows or 10_000_000
        comparisons["workers"] = lambda: workers.compare(rows, min(turns, 2))
    return comparisons


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer rows and turns; writes only the file of --json"
    )
    parser.add_argument("--json", type=Path, help="file for the ratios")
    parser.add_argument("--rows", type=int, help="rows of `parquet`, `statistics` and `workers`")
    parser.add_argument("--turns", type=int, help="repetitions, of which the median is taken")
    parser.add_argument(
        "--only", nargs="+", choices=COMPARISONS, default=list(DEFAULT), help="some comparisons"
    )
    return parser.parse_args()


def _from_parquet(num_rows: int, turns: int, *, quick: bool) -> Iterable[Ratio]:
    with_spark = (
        importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
    )
    if not with_spark:
        print("spark: skipped, as pyspark or Java is not installed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_rows(path, num_rows, exact_from_parquet.NUM_FEATURES)
        yield from exact_from_parquet.compare(
            path, num_rows, turns, with_spark=with_spark and not quick
        )


def _line(each: Ratio) -> str:
    bar = f" (target {each.bar:g})" if each.bar else ""
    note = f", {each.note}" if each.note else ""
    speeds = (
        "" if each.work == "exact_memory" else f", {each.ours:.3g} rows/s against {each.theirs:.3g}"
    )
    ratios = f"{each.min:.2f}–{each.ratio:.2f}–{each.max:.2f}"
    return f"{each.work} M={each.M} against {each.against}: {ratios} times{bar}{speeds}{note}"


def _as_markdown(ratios: Iterable[Ratio], bandwidth: float) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. A ratio is the time (or memory) of the other tool over ours,",
        "measured in turns on one machine: the median, and the extremes over the turns.",
        "",
        f"{machine.description()}; memory read by one thread: {bandwidth / 1e9:.1f} GB/s.",
        "",
        "| work | M | against | ratio | min–max | target | rows/s, ours | rows/s, theirs | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in ratios:
        speeds = (
            ("", "") if each.work == "exact_memory" else (f"{each.ours:.2e}", f"{each.theirs:.2e}")
        )
        bar = f"{each.bar:g}" if each.bar else ""
        median = f"**{each.ratio:.3g}**"
        extremes = f"{each.min:.3g}–{each.max:.3g}"
        cells = [each.work, str(each.M), each.against, median, extremes, bar, *speeds, each.note]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", "![Rows per second against n and M](results.svg)", ""])


if __name__ == "__main__":
    main()
