"""Run the pipeline with several seeds, and print mean and spread of every metric, of θ and of b.

With train.seed alone the rows and their split stay the same, and the spread is that of gradient
descent: the start and the order of the rows. With --split other rows train, validate and test each
time, too. Each repetition is a DVC experiment beside the workspace; what was run before is not run
again.
"""

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence

from linreg.errors import UserError
from linreg.experiments.experiment import RefusedError, experiment
from linreg.params import load_params

COLUMNS = ("mean", "std. dev.", "min", "max")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the number of seeds, and what they vary."""
    parser.add_argument("count", type=int, metavar="K", help="seeds 1 to K")
    parser.add_argument(
        "--split", action="store_true", help="vary split.seed as well as train.seed"
    )
    parser.add_argument(
        "--name",
        help="what the experiments are called, repeat-NAME-1 and so on (default: what varies)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the table as JSON, with all digits"
    )


def run(args: argparse.Namespace) -> int:
    """Print a line for each repetition as it ends, then the table."""
    keys = ["train.seed", "split.seed"] if args.split else ["train.seed"]
    _check(args.count, args.split)
    prefix = f"repeat-{args.name or ('split' if args.split else 'train')}"
    found = [
        _repetition(f"{prefix}-{seed}", dict.fromkeys(keys, seed), quiet=args.json)
        for seed in range(1, args.count + 1)
    ]
    spread = spread_of(found)
    if args.json:
        print(json.dumps(spread, indent=2, allow_nan=False))
        return 0
    what = "the order of the rows and the start of gradient descent"
    print(f"\n{' and '.join(keys)} = 1 to {args.count}: the spread is that of {what}", end="")
    print(
        ", and of which rows train, validate and test"
        if args.split
        else "; rows and split are the same"
    )
    width = max(map(len, spread))
    print(" " * width + "".join(f"  {title:>12}" for title in COLUMNS))
    for name, values in spread.items():
        print(name.ljust(width) + "".join(f"  {values[title]:>12.6g}" for title in COLUMNS))
    return 0


def spread_of(found: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return mean, standard deviation (n − 1), min and max of every number that all repetitions
    have.
    """
    names = [name for name in found[0] if all(name in each for each in found)]
    values = {name: [each[name] for each in found] for name in names}
    return {
        name: dict(
            zip(
                COLUMNS,
                (statistics.fmean(each), statistics.stdev(each), min(each), max(each)),
                strict=True,
            )
        )
        for name, each in values.items()
    }


def _check(count: int, split: bool) -> None:
    if count < 2:
        raise UserError("K", "must be at least 2, or there is no spread", found=count)
    if load_params().train.solver == "exact" and not split:
        raise UserError(
            "params.yaml: train.solver",
            "exact uses no seed, so that all repetitions would be the same",
            todo="add --split, which varies the rows",
        )


def _repetition(name: str, changes: Mapping[str, int], *, quiet: bool) -> dict[str, float]:
    began = time.monotonic()
    try:
        made = experiment(name, changes)
    except RefusedError as reason:
        raise UserError(f"experiment {name}", "was refused", found=reason) from None
    numbers = made.numbers()
    if not quiet:
        how = "was there" if made.found else f"{time.monotonic() - began:.0f} s"
        rmse = next(
            f"{part} RMSE {numbers[f'{part}_rmse']:.6g}"
            for part in ("test", "validation", "train")
            if f"{part}_rmse" in numbers
        )
        print(
            f"{name}: {', '.join(f'{key}={seed}' for key, seed in changes.items())}: {rmse} ({how})",
            flush=True,
        )
    return numbers
