"""The stages of a checkout run with variations: which of them changes which value first."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from linreg.git import NO_VARIABLES
from linreg.verify.hidden_inputs.smallest_set import smallest_set
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.pipeline_run import run_pipeline
from linreg.verify.repository.results import StageResult, Verdict
from linreg.verify.repository.stage_run import StageRun, run_stage
from linreg.verify.repository.stages import Output, Stage
from linreg.verify.variations.libraries import HASH_SEED
from linreg.verify.variations.variation import Variation, arranged, prefix_of, variables_of

NOT_REMOVED = (".git", ".dvc", "__pycache__")
CONTROL = {HASH_SEED: "0"}
"""What is the same in all runs of one variation each: Python's own choice is another every time."""


@dataclass(frozen=True)
class VariedRun:
    """What became of the stages in a run with some variations.

    title       what was varied, in words
    variations  none of them in the runs that the others are compared with
    stages      what became of each
    unstable    outputs that are others from one run to the next, without any variation
    """

    title: str
    variations: tuple[Variation, ...]
    stages: list[StageResult]
    seconds: float
    unstable: frozenset[str] = frozenset()

    @property
    def same(self) -> bool:
        """Whether every stage ran, and every output is what it is compared with."""
        return not self.findings

    @property
    def findings(self) -> list[str]:
        """The first difference of each output, and why stages failed, where they did so first.

        What follows from others is left out, of stages that read what differs; and so are outputs
        that are unstable.
        """
        lines: list[str] = []
        differing: list[Output] = []
        for result in self.stages:
            name = result.stage.name
            follows = any(each.overlaps(out) for each in result.stage.inputs for out in differing)
            if result.verdict is Verdict.FAILED:
                lines.append(f"{name}: could not run: {result.reason}")
            different = [each for each in result.outputs if each.output.recorded and not each.same]
            if not follows:
                lines += [
                    f"{name}: {each.in_words()}"
                    for each in different
                    if each.output.path not in self.unstable
                ]
            differing += [each.output for each in different]
        return lines

    @property
    def different(self) -> frozenset[str]:
        """The outputs that are others, by path."""
        found = (each for result in self.stages for each in result.outputs if not each.same)
        return frozenset(each.output.path for each in found)

    def lines(self) -> list[str]:
        """Return what is printed of it."""
        outcome = "same" if self.same else "DIFFERENT"
        first = f"{self.title}: {outcome}, {self.seconds:.0f} s"
        return [first, *(f"  {each}" for each in self.findings)]


def run_varied(
    checkout: Checkout, variations: Sequence[Variation], environment: Mapping[str, str]
) -> Iterator[VariedRun]:
    """Run the stages with all variations at once and, if something differs, find out why.

    The first run is compared with what was recorded. So is the next one, without variations, with
    which all others are compared: once more the same, each variation alone and, where it takes
    several together, the fewest that do. Nothing more is run where every byte is the same.
    """
    runs = _Runs(checkout, environment)
    together = runs.run("all at once", variations)
    yield together
    if together.same:
        return
    reference = runs.run("nothing varied", (), CONTROL)
    yield reference
    if any(each.verdict is Verdict.FAILED for each in reference.stages):
        return
    if not reference.same:
        checkout.take_as_recorded(
            {out.output.path: out.found for each in reference.stages for out in each.outputs}
        )
    again = runs.run("nothing varied, once more", (), CONTROL)
    yield again
    runs.unstable = again.different
    found = False
    for each in variations:
        single = runs.run(each.name, (each,), CONTROL)
        found = found or not single.same
        yield single
    if not found and again.same:
        several = smallest_set(variations, lambda part: not runs.run("", part, CONTROL).same)
        if several:
            title = f"only together: {', '.join(each.name for each in several)}"
            yield runs.run(title, several, CONTROL)


class _Runs:
    """Runs all stages, each time from the same files."""

    def __init__(self, checkout: Checkout, environment: Mapping[str, str]) -> None:
        self.unstable: frozenset[str] = frozenset()
        self._checkout = checkout
        self._environment = environment
        self._files = set(self._files_in_checkout())

    def run(
        self,
        title: str,
        variations: Sequence[Variation],
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> VariedRun:
        start = time.monotonic()
        checkout = self._checkout
        self._remove_leftovers()
        environment = {**self._environment, **variables, **variables_of(variations)}
        prefix = prefix_of(variations)
        below = checkout.root.relative_to(checkout.top)
        with arranged(variations, checkout.top) as top:

            def run(stage: Stage) -> StageRun:
                return run_stage(stage, top / below, environment, checkout.scratch, prefix=prefix)

            results = run_pipeline(checkout, environment, run=run)
        seconds = time.monotonic() - start
        return VariedRun(title, tuple(variations), results, seconds, self.unstable)

    def _remove_leftovers(self) -> None:
        """Remove what stages have left besides their outputs, which `run_pipeline` removes."""
        outputs = [Path(each.path) for stage in self._checkout.stages for each in stage.outputs]
        for path in set(self._files_in_checkout()) - self._files:
            inner = Path(os.path.relpath(path, self._checkout.root))
            if not any(inner.is_relative_to(each) for each in outputs):
                path.unlink()

    def _files_in_checkout(self) -> Iterator[Path]:
        """Yield the files but those of git and DVC, and compiled ones, which take long to make."""
        for folder, folders, files in os.walk(self._checkout.top):
            folders[:] = [each for each in folders if each not in NOT_REMOVED]
            yield from (Path(folder, each) for each in files)
