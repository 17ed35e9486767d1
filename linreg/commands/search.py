"""Look for the parameters with the least validation RMSE: each trial is a DVC experiment, beside
the workspace.

    linreg search --trials 20 train.lr=1e-4..1e-1:log train.momentum=0..0.99
    train.batch_size=16,32,64

The same ranges and seed suggest the same trials. A search that was interrupted goes on where it
was.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.errors import UserError
from linreg.experiments.experiment import Experiment, RefusedError, experiment
from linreg.params import Params, changed_params

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SYNTAX = "train.lr=1e-4..1e-1:log, train.momentum=0..0.99 or train.batch_size=16,32,64"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the ranges and how to search them."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("ranges", nargs="+", metavar="KEY=RANGE", help=f"such as {SYNTAX}")
    parser.add_argument(
        "--trials", type=int, default=20, help="how many to make (default: %(default)s)"
    )
    parser.add_argument(
        "--name",
        help="what the experiments are called, search-NAME-001 and so on (default: the "
        "parameters' names)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the sampler (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print a line for each trial as it ends, and the best; 1 when there is none, 130 after
    Ctrl-C.
    """
    if args.trials < 1:
        raise UserError("--trials", "must be at least 1", found=args.trials)
    ranges: dict[str, BaseDistribution] = {}
    for key, values in map(_range, args.ranges):
        if key in ranges:
            raise UserError(key, "is named twice")
        ranges[key] = values
    _check(ranges)
    prefix = f"search-{args.name or '-'.join(key.partition('.')[2] for key in ranges)}"
    best, interrupted = _search(prefix, ranges, args.trials, args.seed)
    if best is not None:
        name, rmse = best
        print(f"\nbest: {name}, validation RMSE {rmse:.6g}")
        print(f"apply it:  dvc exp apply {name}")
        print(f"compare:   make ui, with the filter  attributes.run_name LIKE '{prefix}-%'")
    else:
        print("no trial has ended well", file=sys.stderr)
    if interrupted:
        print("interrupted; the same command goes on with the next trial", file=sys.stderr)
    return 130 if interrupted else 1 if best is None else 0


def _search(
    prefix: str, ranges: Mapping[str, "BaseDistribution"], num_trials: int, seed: int
) -> tuple[tuple[str, float] | None, bool]:
    """Make the trials; returns the best one's name and value, and whether Ctrl-C ended the
    search.
    """
    # takes a second
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    best: tuple[str, float] | None = None
    for number in range(1, num_trials + 1):
        trial = study.ask(dict(ranges))
        name, began = f"{prefix}-{number:03d}", time.monotonic()
        told = (
            f"{name}: {', '.join(f'{key}={_short(value)}' for key, value in trial.params.items())}"
        )
        try:
            made = experiment(name, trial.params)
            rmse = made.metrics["validation"]["rmse"]
            if rmse is None:
                raise RefusedError("the validation RMSE is beyond float64")
        except RefusedError as reason:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            print(f"{told}: refused: {reason}", flush=True)
            continue
        except KeyboardInterrupt:
            return best, True
        study.tell(trial, rmse)
        print(f"{told}: validation RMSE {rmse:.6g} ({_how(made, began)})", flush=True)
        best = min(best or (name, rmse), (name, rmse), key=lambda each: each[1])
    return best, False


def _range(text: str) -> tuple[str, "BaseDistribution"]:
    """Return a parameter's name and the values that it may take; raises UserError for what is no
    range.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    key, equals, values = text.partition("=")
    if not equals or not values:
        raise UserError(text, "must be KEY=RANGE", todo=f"such as {SYNTAX}")
    bounds, _, scale = values.partition(":")
    low, dots, high = bounds.partition("..")
    if not dots:
        return key, CategoricalDistribution([_value(key, each) for each in values.split(",")])
    if scale not in ("", "log"):
        raise UserError(text, "must end in :log or without a colon", found=scale)
    ends = _value(key, low), _value(key, high)
    whole = _type(key) is int
    if whole and not all(isinstance(end, int) for end in ends):
        raise UserError(text, "must be a range of whole numbers", found=bounds)
    try:
        if whole:
            return key, IntDistribution(ends[0], ends[1], log=scale == "log")
        return key, FloatDistribution(float(ends[0]), float(ends[1]), log=scale == "log")
    except (TypeError, ValueError) as error:
        todo = "write it as 0.001..0.1, the smaller number first, and above 0 with :log"
        raise UserError(text, "is no range of numbers", found=error, todo=todo) from None


def _check(ranges: Mapping[str, "BaseDistribution"]) -> None:
    """Raise UserError when params.yaml cannot hold an end of a range or a choice, or when nothing
    is validated on.
    """
    for key, distribution in ranges.items():
        values = vars(distribution)
        for value in values.get("choices") or (values["low"], values["high"]):
            if changed_params({key: value}).split.validation == 0:
                raise UserError(
                    "params.yaml: split.validation",
                    "is 0, and a search is judged on validation rows",
                    todo="give them a share, such as 0.15; the test rows are for the end",
                )


def _type(key: str) -> Any:
    section, _, name = key.partition(".")
    model = Params.model_fields[section].annotation if section in Params.model_fields else None
    field = getattr(model, "model_fields", {}).get(name)
    if field is None:
        # raises, and names the nearest
        changed_params({key: 0})
    return field.annotation if field is not None else None


def _value(key: str, text: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise UserError(f"{key}={text}", "is not valid YAML", found=error) from None


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _how(made: Experiment, began: float) -> str:
    return "was there" if made.found else f"{time.monotonic() - began:.0f} s"
