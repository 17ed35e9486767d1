"""Search for the parameters with the smallest RMSE of validation rows, or over folds.

    linreg search --trials 20 train.lr=1e-4..1e-1:log train.batch_size=16,32,64
    linreg search --trials 20 --folds 5 train.l2=1e-6..1:log

With folds, of `--folds` or of `split.folds`, a trial is judged by the mean RMSE over the folds of
the training rows. That costs nothing with `train.solver: exact`; with sgd a trial trains a model
for each fold too, and takes K + 1 times as long as one training.

Each trial is a DVC experiment, which does not change the workspace. The same ranges and seed
suggest the same trials, so that a search that was interrupted continues where it stopped.
"""

import argparse
import sys
from typing import Any

from linreg.errors import UserError
from linreg.experiments.search import SYNTAX, Trial, parse_space, search
from linreg.params.file import load_params
from linreg.params.split import MOST_FOLDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the ranges and how to search them."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("ranges", nargs="+", metavar="KEY=RANGE", help=f"such as {SYNTAX}")
    parser.add_argument(
        "--trials", type=int, default=20, help="number of trials (default: %(default)s)"
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="folds that judge a trial; 0 for the validation rows (default: split.folds)",
    )
    parser.add_argument(
        "--name",
        help="name of the experiments, search-NAME-001 and so on (default: the parameters' names)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the sampler (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print each trial as it ends, then the best; 1 without one, 130 after Ctrl-C."""
    if args.trials < 1:
        raise UserError("--trials", "must be at least 1", found=args.trials)
    if args.folds is not None and not (args.folds == 0 or 2 <= args.folds <= MOST_FOLDS):
        raise UserError("--folds", f"must be 0, or from 2 to {MOST_FOLDS}", found=args.folds)
    folds = load_params().split.folds if args.folds is None else args.folds
    judge = f"RMSE over {folds} folds" if folds else "validation RMSE"
    space = parse_space(args.ranges, folds)
    prefix = f"search-{args.name or '-'.join(key.partition('.')[2] for key in space)}"
    trials = []
    interrupted = False
    try:
        for trial in search(prefix, space, args.trials, args.seed, folds):
            print(_line(trial, judge), flush=True)
            trials.append(trial)
    except KeyboardInterrupt:
        interrupted = True
    successful = [(each.rmse, each.name) for each in trials if each.rmse is not None]
    if successful:
        rmse, name = min(successful)
        print(f"\nbest: {name}, {judge} {rmse:.6g}")
        print(f"apply it:  dvc exp apply {name}")
        print(f"compare:   linreg ui, with the filter  attributes.run_name LIKE '{prefix}-%'")
    else:
        print("no trial was successful", file=sys.stderr)
    if interrupted:
        print("interrupted; the same command continues with the next trial", file=sys.stderr)
        return 130
    return 0 if successful else 1


def _line(trial: Trial, judge: str) -> str:
    parameters = ", ".join(f"{key}={_short(value)}" for key, value in trial.parameters.items())
    if trial.rmse is None:
        return f"{trial.name}: {parameters}: refused: {trial.refusal}"
    how = "existed" if trial.existed else f"{trial.seconds:.0f} s"
    return f"{trial.name}: {parameters}: {judge} {trial.rmse:.6g} ({how})"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
