"""The `linreg` command: each of its commands is a module in linreg/commands, or in a package there.

Such a module has `add_arguments(parser)` and `run(args) -> int`, which returns the exit code.
"""

import argparse
import difflib
import importlib
import locale
import os
import sys
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

from linreg import __version__
from linreg.errors import UserError, one_line_errors
from linreg.process.quick_start import quick_start

COMMANDS = {
    "anova": "test the terms of the model, or compare nested models",
    "certify": "fit data sets with certified values, and count the digits that agree",
    "check": "check a certificate, and that the outputs here are those that it names",
    "compare": "compare two runs, or two revisions, on one page",
    "completion": "print what makes a shell complete commands and options",
    "init": "set up the pipeline in a folder of yours: scripts, a test, a workflow for CI",
    "lock": "write down which code and which libraries each stage runs, in code.lock",
    "merge": "merge dvc.lock stage by stage after git has merged two branches, or as git does it",
    "open": "show the report of the last run in a browser",
    "predict": "apply a model to the rows of files",
    "register": "register the model in MLflow, as champion if it is better on the same test rows",
    "repair": "remove incomplete files that a killed DVC has left",
    "repeat": "run the pipeline with several seeds: mean and standard deviation of all results",
    "report": "write a copy of the report that says who made it and from which commit",
    "rerun": "repeat a run from its MLflow run id, and compare θ and b bit for bit",
    "runs": "list the runs that produced the outputs in dvc.lock",
    "search": "search for the parameters with the smallest RMSE, by DVC experiments",
    "serve": "answer requests with the predictions of a registered model",
    "set": "change parameters in params.yaml",
    "step": "choose terms stepwise by AIC or BIC",
    "summary": "print the results of the pipeline",
    "sync": "send runs to MLflow that it does not have yet",
    "ui": "open the MLflow UI with the runs of this repository",
    "upgrade": "bring the files of a project up to the installed linreg, and keep your changes",
    "use": "check a table of yours and set up params.yaml for it",
    "verify": "run every stage of a DVC repository again, and compare all outputs with dvc.lock",
}
ANYWHERE = ("certify", "check", "completion", "init", "predict", "serve", "verify")
"""Commands that need no project of ours."""
_PACKAGES = {
    **dict.fromkeys(("register", "serve", "sync", "ui"), "tracking"),
    **dict.fromkeys(("init", "lock", "merge", "repair", "upgrade"), "project"),
    **dict.fromkeys(("anova", "step"), "statistics"),
}
"""The package, in linreg/commands, of the commands that are not modules there."""
PROJECT_FILES = ("dvc.yaml", "params.yaml", "dvc.lock", ".linreg")


@one_line_errors
def main() -> None:
    """Run one command and exit with its code: 0 done, 1 not done, 2 the user's mistake."""
    _use_utf_8()
    quick_start()
    try:
        code = _run(sys.argv[1:])
    except ModuleNotFoundError as error:
        library = (error.name or "linreg").partition(".")[0]
        if library == "linreg":
            raise
        # Installed as linreg-predict, or incompletely.
        what = f"needs {library}, which is not installed"
        raise UserError("linreg", what, todo="pip install linreg") from None
    sys.exit(code)


def _use_utf_8() -> None:
    """Start this process again with paths and files in UTF-8, where the locale is another one.

    SQLite and URIs have paths in UTF-8. What is printed stays in the encoding of the terminal.
    """
    if sys.flags.utf8_mode or locale.getencoding().lower() in ("utf-8", "utf8"):
        return
    if sys.flags.ignore_environment:
        # `python -I` would not read the variable, and would be started again without end.
        return
    os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:backslashreplace")
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606


def build_parser(commands: Collection[str]) -> argparse.ArgumentParser:
    """Return the parser, with the arguments of some of the commands.

    Their modules are imported: those of all commands take seconds.
    """
    parser = argparse.ArgumentParser(
        prog="linreg", description="Use the pipeline, and check its runs."
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        if name in commands:
            module = command_module(name)
            command = subparsers.add_parser(name, help=summary, description=module.__doc__)
            module.add_arguments(command)
        else:
            subparsers.add_parser(name, help=summary, description=summary)
    return parser


def command_module(name: str) -> ModuleType:
    """Import and return the module of a command."""
    package = f"{_PACKAGES[name]}." if name in _PACKAGES else ""
    return importlib.import_module(f"linreg.commands.{package}{name}")


def _put_this_python_first() -> None:
    """Have what a command starts find this Python, also where its environment is not activated.

    DVC runs stages as `python -m stages.NAME`.
    """
    own, path = str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)
    if path.split(os.pathsep)[0] != own:
        os.environ["PATH"] = f"{own}{os.pathsep}{path}"


def _run(arguments: list[str]) -> int:
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    if chosen != "verify":
        # The stages that it runs may need another Python.
        _put_this_python_first()
    if chosen is not None and chosen not in COMMANDS:
        near = difflib.get_close_matches(chosen, COMMANDS, n=1)
        todo = f"did you mean {near[0]}?" if near else "`linreg` lists all commands"
        raise UserError("linreg", "has no such command", found=chosen, todo=todo)
    parser = build_parser([chosen] if chosen else [])
    args = parser.parse_args(arguments)
    if args.version:
        print(f"linreg {__version__}")
        return 0
    if chosen is None:
        parser.print_help()
        return 0
    # What `linreg completion` needs; commands do not import this module.
    args.parser_of_all_commands = lambda: build_parser(COMMANDS)
    # Git calls `linreg merge` with paths from the top of the repository.
    if chosen not in ANYWHERE and not (chosen == "merge" and args.files):
        _enter_project(args)
    return int(command_module(chosen).run(args))


def _enter_project(args: argparse.Namespace) -> None:
    """Go to the top of the project that the working directory is in, and have paths mean the same.

    Raises UserError outside of a project, so that no command leaves files there.
    """
    here = Path.cwd()
    if any((here / name).exists() for name in PROJECT_FILES):
        return
    top = next((each for each in here.parents if (each / "dvc.yaml").exists()), None)
    if top is None:
        raise UserError(
            f"linreg {args.command}",
            "works in a project, whose top folder holds dvc.yaml",
            found=f"none in {here} or above it",
            todo="cd into the project first",
        )
    for name, value in vars(args).items():
        if isinstance(value, Path):
            setattr(args, name, Path(os.path.relpath(here / value, top)))
    os.chdir(top)
