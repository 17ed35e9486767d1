"""The `linreg` command: one module in linreg/commands per command.

Each has `add_arguments(parser)` and `run(args) -> int`, which returns the exit code.
"""

import argparse
import importlib
import sys

from linreg.errors import one_line_errors

COMMANDS = {
    "certify": "fit data sets with known answers and count the digits that agree",
    "compare": "put two runs, or two revisions, side by side on one page",
    "predict": "apply a model to the rows of CSV or Parquet files",
    "register": "put the model into the MLflow registry, as champion if it is better on the same test rows",
    "repair": "remove files of DVC's own that a killed DVC has left cut off",
    "repeat": "run the pipeline with several seeds: mean and spread of every metric and coefficient",
    "rerun": "execute a run again from its MLflow run id, and compare θ bit for bit",
    "runs": "list the runs that produced the outputs in dvc.lock",
    "search": "look for the parameters with the least validation RMSE, each trial a DVC experiment",
    "summary": "print what the pipeline found",
    "sync": "send runs to MLflow that it does not have yet",
    "ui": "open the MLflow UI on this repository's runs",
    "use": "look at a table of yours, say what is suspicious, and set params.yaml up for it",
    "verify": "execute every stage again in a clone of this commit, and compare every output with dvc.lock",
}


@one_line_errors
def main() -> None:
    """Run one command and exit with its code: 0 done, 1 not done, 2 the user's mistake."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="linreg", description="Use and check the runs of this pipeline."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only the command that runs is imported: together they take seconds to import.
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    module = importlib.import_module(f"linreg.commands.{chosen}") if chosen in COMMANDS else None
    for name, summary in COMMANDS.items():
        description = module.__doc__ if module and name == chosen else summary
        command = commands.add_parser(name, help=summary, description=description)
        if module and name == chosen:
            module.add_arguments(command)
    args = parser.parse_args(arguments)
    # the parser has let known commands through only
    return int(module.run(args)) if module else 2
