"""Run the pipeline with several seeds: mean and standard deviation of all metrics, θ and b.

With train.seed alone the rows and their split stay the same, and the standard deviation is due to
gradient descent: its starting point and the order of the rows. With --split the rows that train,
validate and test vary too. Each repetition is a DVC experiment that leaves the workspace as it is;
what has run before is not run again.
"""

import argparse
import json

from linreg.experiments.repetition import (
    STATISTICS,
    Repetition,
    repeat,
    require_seeds_that_matter,
    summarize,
)
from linreg.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the number of seeds, and what they vary."""
    parser.add_argument("count", type=int, metavar="K", help="seeds 1 to K")
    parser.add_argument(
        "--split", action="store_true", help="vary split.seed as well as train.seed"
    )
    parser.add_argument(
        "--name", help="name of the experiments, repeat-NAME-1 and so on (default: what varies)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the table as JSON, with all digits"
    )


def run(args: argparse.Namespace) -> int:
    """Print each repetition as it ends, then the table."""
    keys = ["train.seed", "split.seed"] if args.split else ["train.seed"]
    require_seeds_that_matter(args.count, split=args.split)
    prefix = f"repeat-{args.name or ('split' if args.split else 'train')}"
    results = []
    for seed in range(1, args.count + 1):
        repetition = repeat(f"{prefix}-{seed}", dict.fromkeys(keys, seed))
        results.append(repetition.values)
        if not args.json:
            print(_line(repetition), flush=True)
    summary = summarize(results)
    if args.json:
        print(json.dumps(summary, indent=2, allow_nan=False))
        return 0
    causes = "the starting point of gradient descent and the order of the rows"
    if args.split:
        causes = f"{causes}, and to which rows train, validate and test"
    print(f"\n{' and '.join(keys)} = 1 to {args.count}: the variation is due to {causes}")
    rows = [
        (name, *(f"{values[each]:.6g}" for each in STATISTICS)) for name, values in summary.items()
    ]
    print("\n".join(table([("", *STATISTICS), *rows], "<>")))
    return 0


def _line(repetition: Repetition) -> str:
    seeds = ", ".join(f"{key}={seed}" for key, seed in repetition.seeds.items())
    part = next(
        part for part in ("test", "validation", "train") if f"{part}_rmse" in repetition.values
    )
    rmse = repetition.values[f"{part}_rmse"]
    how = "existed" if repetition.existed else f"{repetition.seconds:.0f} s"
    return f"{repetition.name}: {seeds}: {part} RMSE {rmse:.6g} ({how})"
