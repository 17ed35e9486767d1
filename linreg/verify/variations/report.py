"""The stages of a checkout run with variations, and what is printed of it."""

from collections.abc import Iterator, Sequence
from typing import Any

from linreg.errors import UserError
from linreg.text import table
from linreg.verify.linreg_stages import has_linreg_stages, stage_environment
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.results import Verdict
from linreg.verify.variations.catalogue import chosen_variations
from linreg.verify.variations.run import VariedRun, run_varied
from linreg.verify.variations.variation import Variation


def chosen_here(checkout: Checkout, names: str) -> list[Variation]:
    """Return the variations of a list such as `locale,umask`, or all for an empty one.

    Raises UserError for a name that none has, and where none of them can be brought about here.
    """
    wanted = [each.strip() for each in names.split(",") if each.strip()]
    chosen = chosen_variations(wanted, has_linreg_stages=has_linreg_stages(checkout))
    if all(each.unavailable for each in chosen):
        found = "; ".join(f"{each.name}: {each.unavailable}" for each in chosen)
        raise UserError("--vary", "nothing can be varied here", found=found)
    return chosen


def runs_of(checkout: Checkout, variations: Sequence[Variation]) -> Iterator[VariedRun]:
    """Yield the runs, each as soon as it has ended; raises UserError where none can run at all."""
    available = [each for each in variations if not each.unavailable]
    for run in run_varied(checkout, available, stage_environment(checkout)):
        yield run
        if not run.variations:
            failed = (each for each in run.stages if each.verdict is Verdict.FAILED)
            if (first := next(failed, None)) is not None:
                raise UserError(
                    f"stage {first.stage.name}",
                    "could not be run, without any variation either",
                    found=first.reason,
                )


def describe_variations(variations: Sequence[Variation]) -> list[str]:
    """Return a line on each variation: what it changes, or why it cannot be brought about here."""
    rows = [(each.name, each.change or f"NOT varied: {each.unavailable}") for each in variations]
    return table(rows)


def runs_as_json(variations: Sequence[Variation], runs: Sequence[VariedRun]) -> dict[str, Any]:
    """Return the same as a JSON document."""
    return {
        "not_varied": {each.name: each.unavailable for each in variations if each.unavailable},
        "runs": [
            {
                "title": run.title,
                "varied": {each.name: each.change for each in run.variations},
                "same": run.same,
                "differences": run.findings,
                "seconds": round(run.seconds, 3),
            }
            for run in runs
        ],
    }
