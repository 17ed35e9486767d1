"""Experiments that differ in their seeds, and the mean and standard deviation of their results."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from linreg.errors import UserError
from linreg.experiments.experiment import RefusedError, run_experiment
from linreg.params.file import load_params

STATISTICS = ("mean", "std. dev.", "min", "max")


@dataclass(frozen=True)
class Repetition:
    """An experiment with given seeds; `values` are θ, b and the metrics by their MLflow names."""

    name: str
    seeds: Mapping[str, int]
    values: Mapping[str, float]
    existed: bool
    seconds: float


def require_seeds_that_matter(count: int, *, split: bool) -> None:
    """Raise UserError where there is no variation to measure."""
    if count < 2:
        what = "must be at least 2, as one run has no standard deviation"
        raise UserError("K", what, found=count)
    if load_params().train.solver == "exact" and not split:
        raise UserError(
            "params.yaml: train.solver",
            "exact uses no seed, so that all repetitions would be the same",
            todo="add --split, which varies the rows",
        )


def repeat(name: str, seeds: Mapping[str, int]) -> Repetition:
    """Run the pipeline with some seeds; raises UserError when a stage refuses its parameters."""
    start = time.monotonic()
    try:
        experiment = run_experiment(name, seeds)
    except RefusedError as reason:
        raise UserError(f"experiment {name}", "was refused", found=reason) from None
    values = experiment.values()
    return Repetition(name, seeds, values, experiment.existed, time.monotonic() - start)


def summarize(results: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return the STATISTICS of every value that all results have.

    The standard deviation is that of a sample, with n − 1.
    """
    summary = {}
    for name in results[0]:
        values = [result[name] for result in results if name in result]
        if len(values) == len(results):
            found = (statistics.fmean(values), statistics.stdev(values), min(values), max(values))
            summary[name] = dict(zip(STATISTICS, found, strict=True))
    return summary
