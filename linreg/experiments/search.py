"""A search for the parameters with the smallest RMSE, each trial an experiment.

Trials are judged by validation rows, or by the mean over the folds of the training rows.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linreg.errors import UserError
from linreg.experiments.experiment import RefusedError, run_experiment
from linreg.params.file import field_type, load_params
from linreg.params.metric_names import CV
from linreg.plain_yaml import read_yaml
from linreg.report.cross_validation import folds_in_words

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SYNTAX = "train.lr=1e-4..1e-1:log, train.momentum=0..0.99 or train.batch_size=16,32,64"
SearchSpace = Mapping[str, "BaseDistribution"]


@dataclass(frozen=True)
class Trial:
    """A trial that has ended: the RMSE that judges it, or why its parameters were refused."""

    name: str
    parameters: Mapping[str, Any]
    rmse: float | None
    refusal: str
    existed: bool
    seconds: float


def search(
    prefix: str, space: SearchSpace, num_trials: int, seed: int, folds: int
) -> Iterator[Trial]:
    """Run the trials that a tree-structured Parzen estimator suggests, `prefix-001` and so on.

    folds  the folds of the training rows that judge a trial; 0 for the validation rows

    The same space and seed suggest the same trials, so that a search that was interrupted continues
    where it stopped.
    """
    # It takes a second to import.
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    for number in range(1, num_trials + 1):
        suggestion = study.ask(dict(space))
        trial = _run_trial(f"{prefix}-{number:03d}", suggestion.params, folds)
        if trial.rmse is None:
            study.tell(suggestion, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(suggestion, trial.rmse)
        yield trial


def _run_trial(name: str, parameters: Mapping[str, Any], folds: int) -> Trial:
    start = time.monotonic()
    try:
        own = load_params().split.folds
        changes = dict(parameters) if folds == own else {**parameters, "split.folds": folds}
        experiment = run_experiment(name, changes)
    except RefusedError as reason:
        return Trial(name, parameters, None, str(reason), False, time.monotonic() - start)
    metrics = experiment.metrics
    rmse = metrics[CV if folds else "validation"]["rmse"]
    refusal = ""
    if rmse is None:
        refusal = "the validation RMSE is beyond float64"
        if folds:
            refusal = folds_in_words(metrics[CV])
    seconds = time.monotonic() - start
    return Trial(name, parameters, rmse, refusal, experiment.existed, seconds)


def parse_space(texts: Iterable[str], folds: int) -> SearchSpace:
    """Parse arguments `KEY=RANGE`; raises UserError for a range that params.yaml cannot hold."""
    space: dict[str, BaseDistribution] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not values:
            raise UserError(text, "must be KEY=RANGE", todo=f"such as {SYNTAX}")
        distribution = _parse_distribution(text, key, values)
        if key in space:
            raise UserError(key, "is named twice")
        space[key] = distribution
    _require_valid(space, folds)
    return space


def _parse_distribution(text: str, key: str, values: str) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    bounds, _, scale = values.partition(":")
    low, dots, high = bounds.partition("..")
    if not dots:
        return CategoricalDistribution([_parse_value(key, each) for each in values.split(",")])
    if scale not in ("", "log"):
        raise UserError(text, "must end in :log or without a colon", found=scale)
    ends = _parse_value(key, low), _parse_value(key, high)
    are_integers = all(isinstance(end, int) for end in ends)
    type_ = field_type(key)
    # A parameter of a stage of the user's own has no type.
    is_integer = type_ is int or (type_ is None and are_integers)
    if is_integer and not are_integers:
        raise UserError(text, "must be a range of whole numbers", found=bounds)
    try:
        if is_integer:
            return IntDistribution(*ends, log=scale == "log")
        return FloatDistribution(float(ends[0]), float(ends[1]), log=scale == "log")
    except (TypeError, ValueError) as error:
        todo = "write it as 0.001..0.1, the smaller number first, and above 0 with :log"
        raise UserError(text, "is not a range of numbers", found=error, todo=todo) from None


def _parse_value(key: str, text: str) -> Any:
    return read_yaml(text, f"{key}={text}")


def _require_valid(space: SearchSpace, folds: int) -> None:
    """Raise UserError for a bound or choice that is not valid, or without rows that judge it."""
    if "split.folds" in space:
        what = "is what judges the trials, and cannot be searched"
        raise UserError("split.folds", what, todo="set it with --folds")
    for key, distribution in space.items():
        attributes = vars(distribution)
        for value in attributes.get("choices") or (attributes["low"], attributes["high"]):
            params = load_params(changes={key: value, "split.folds": folds})
            if params.split.validation == 0 and not folds:
                raise UserError(
                    "params.yaml: split.validation",
                    "is 0, but a search compares the losses of validation rows",
                    todo="set it to a share, such as 0.15, or add --folds 5; the test rows are for"
                    " the end",
                )
