"""All comparisons side by side: prints ratios, writes results.md and results.svg beside this file.

make bench                                          everything, some minutes
make bench ARGS="--quick --json FILE"               less than two minutes, the ratios as JSON
make bench ARGS="--rows 100000000 --only parquet"   at the size of the bars, for 10 GB of disk
make bench ARGS="--rows 100000000 --only workers"   one process and two, every stage
"""

import argparse
import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from benchmarks import autograd, csv_ingest, exact, exact_from_parquet, machine, sgd, workers
from benchmarks.compare import Ratio
from benchmarks.rows import write_rows

HERE = Path(__file__).parent
WORKS = ("sgd", "autograd", "exact", "parquet", "csv", "picture", "workers")
USUAL = WORKS[:-1]
"""All but `workers`, which takes tables of 1e8 rows to see more than the starting of processes."""


def main() -> None:
    """Run what is asked for."""
    options = _options()
    torch.set_num_threads(1)
    quick, turns = options.quick, options.turns or (3 if options.quick else 5)
    works: dict[str, Callable[[], Iterable[Ratio]]] = {
        "sgd": lambda: sgd.compare(1_000_000, turns),
        "autograd": lambda: autograd.compare(40_000 if quick else 200_000, turns),
        "exact": lambda: exact.compare(turns, quick=quick),
        "parquet": lambda: _from_parquet(
            options.rows or (1_000_000 if quick else 10_000_000), turns, quick=quick
        ),
        "csv": lambda: csv_ingest.compare(500_000 if quick else 5_000_000, turns),
        "workers": lambda: (
            [] if quick else workers.compare(options.rows or 10_000_000, min(turns, 2))
        ),
    }
    print(machine.description())
    bandwidth = machine.memory_bandwidth()
    print(f"memory read by one thread: {bandwidth / 1e9:.1f} GB/s\n")
    found = []
    for name, work in works.items():
        for ratio in work() if name in options.only else []:
            print(_line(ratio), flush=True)
            found.append(ratio)
    if options.json:
        fields = ("work", "M", "against", "ratio", "min", "max")
        options.json.write_text(
            json.dumps([{name: getattr(each, name) for name in fields} for each in found], indent=1)
        )
    if "picture" in options.only and not quick:
        from benchmarks.picture import draw

        draw(HERE / "results.svg", bandwidth)
    if not quick and set(options.only) == set(USUAL):
        (HERE / "results.md").write_text(_as_markdown(found, bandwidth))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer rows and turns; writes nothing but --json"
    )
    parser.add_argument("--json", type=Path, help="file for the ratios")
    parser.add_argument("--rows", type=int, help="rows of `parquet` and `workers`")
    parser.add_argument("--turns", type=int, help="repetitions, of which the median counts")
    parser.add_argument(
        "--only", nargs="+", choices=WORKS, default=list(USUAL), help="some of the comparisons"
    )
    return parser.parse_args()


def _from_parquet(num_rows: int, turns: int, *, quick: bool) -> Iterable[Ratio]:
    with_spark = (
        importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
    )
    if not with_spark:
        print("spark: left out, as pyspark or Java is not installed")
    with_spark = with_spark and not quick
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_rows(path, num_rows, exact_from_parquet.NUM_FEATURES)
        yield from exact_from_parquet.compare(path, num_rows, turns, with_spark=with_spark)


def _line(each: Ratio) -> str:
    bar = f" (bar {each.bar:g})" if each.bar else ""
    note = f", {each.note}" if each.note else ""
    speeds = (
        "" if each.work == "exact_memory" else f", {each.ours:.3g} rows/s against {each.theirs:.3g}"
    )
    spread = f"{each.min:.2f}–{each.ratio:.2f}–{each.max:.2f}"
    return f"{each.work} M={each.M} against {each.against}: {spread} times{bar}{speeds}{note}"


def _as_markdown(found: Iterable[Ratio], bandwidth: float) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. A ratio is the time (or memory) that the other way took over ours, both in turns on",
        "the same machine: the median, and the extremes over the turns.",
        "",
        f"{machine.description()}; memory read by one thread: {bandwidth / 1e9:.1f} GB/s.",
        "",
        "| work | M | against | ratio | min–max | aimed at | rows/s, ours | rows/s, theirs | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in found:
        speeds = (
            ("", "") if each.work == "exact_memory" else (f"{each.ours:.2e}", f"{each.theirs:.2e}")
        )
        bar = f"{each.bar:g}" if each.bar else ""
        ratio, spread = f"**{each.ratio:.3g}**", f"{each.min:.3g}–{each.max:.3g}"
        cells = [each.work, str(each.M), each.against, ratio, spread, bar, *speeds, each.note]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", "![Rows per second against n and M](results.svg)", ""])


if __name__ == "__main__":
    main()
