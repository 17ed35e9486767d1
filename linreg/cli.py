"""The `linreg` command: each of its commands is a module in linreg/commands.

Such a module has `add_arguments(parser)` and `run(args) -> int`, which returns the exit code.
"""

import argparse
import importlib
import sys

from linreg.errors import one_line_errors
from linreg.process.quick_start import quick_start

COMMANDS = {
    "certify": "fit data sets with certified values, and count the digits that agree",
    "compare": "compare two runs, or two revisions, on one page",
    "predict": "apply a model to the rows of CSV or Parquet files",
    "register": "register the model in MLflow, as champion if it is better on the same test rows",
    "repair": "remove incomplete files that a killed DVC has left",
    "repeat": "run the pipeline with several seeds: mean and standard deviation of all results",
    "report": "write a copy of the report that says who made it and from which commit",
    "rerun": "repeat a run from its MLflow run id, and compare θ and b bit for bit",
    "runs": "list the runs that produced the outputs in dvc.lock",
    "search": "search for the parameters with the smallest validation RMSE, by DVC experiments",
    "summary": "print the results of the pipeline",
    "sync": "send runs to MLflow that it does not have yet",
    "ui": "open the MLflow UI with the runs of this repository",
    "use": "check a table of yours and set up params.yaml for it",
    "verify": "run every stage again in a clone of this commit, and compare all with dvc.lock",
}


@one_line_errors
def main() -> None:
    """Run one command and exit with its code: 0 done, 1 not done, 2 the user's mistake."""
    quick_start()
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="linreg", description="Use the pipeline, and check its runs."
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only the module of the command that runs is imported: all of them would take seconds.
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    module = importlib.import_module(f"linreg.commands.{chosen}") if chosen in COMMANDS else None
    for name, summary in COMMANDS.items():
        description = module.__doc__ if module and name == chosen else summary
        command = subparsers.add_parser(name, help=summary, description=description)
        if module and name == chosen:
            module.add_arguments(command)
    args = parser.parse_args(arguments)
    # The parser has exited already for a command that is not in COMMANDS.
    return int(module.run(args)) if module else 2
