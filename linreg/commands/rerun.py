"""Repeat a run from its id, and compare its θ and b bit for bit.

Its commit is run with its parameters and its data in a temporary folder, without any cache. The
exit code is 0 when the model is the same, 1 when it differs, 2 when the run could not be repeated.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import datetime

from linreg.errors import UserError
from linreg.lineage.run_lookup import find_run_by_id
from linreg.tracking.runs import KnownRun
from linreg.verify.description import describe_checkout
from linreg.verify.model_match import compare_model
from linreg.verify.run_checkout import SOURCE, RunCheckout, checkout_run, run_again


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the run."""
    parser.add_argument(
        "run_id",
        metavar="RUN_ID",
        help="its MLflow run id or its key, as `linreg runs` lists them; the beginning is enough",
    )


def run(args: argparse.Namespace) -> int:
    """Print how the run is repeated, what was compared, and whether it is the same."""
    start = time.monotonic()
    original = find_run_by_id(args.run_id)
    with checkout_run(original) as repeated:
        print("\n".join(_description(original, repeated)), flush=True)
        run_again(repeated.project)
        match = compare_model(original, repeated.project.folder)
        print("\n".join(["", *match.lines]))
        if match.different_data and repeated.unknown_source:
            raise UserError(
                original.label,
                f"its data differ: {', '.join(match.different_data)}",
                found=f"another version of {repeated.unknown_source}, which its commit lacks",
                todo=f"restore the table that was {SOURCE} then",
            )
    result = "θ and b are the same, bit for bit" if match.same else "the model is NOT the same"
    print(f"\nrerun: {result}; {time.monotonic() - start:.0f} s")
    return 0 if match.same else 1


def _description(original: KnownRun, repeated: RunCheckout) -> Iterator[str]:
    started = datetime.fromtimestamp(original.started / 1000).strftime("%Y-%m-%d %H:%M:%S")
    yield f"{original.label}: {original.name}, {started}, {original.status}"
    yield from describe_checkout(repeated.project)
    yield from (f"params.yaml: {change}" for change in repeated.changes)
    if repeated.unknown_source:
        yield f"{repeated.unknown_source}: not in git, used as it is now"
    yield from repeated.notes
