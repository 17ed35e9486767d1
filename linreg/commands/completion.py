"""Print what makes a shell complete commands and options, made by shtab.

source <(linreg completion bash)                                  for this shell
linreg completion bash >> ~/.bash_completion                      for every one to come
linreg completion zsh > "${fpath[1]}/_linreg"                     the same for zsh
"""

import argparse
from pathlib import Path

from linreg.params.fetch import path_or_address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the shell."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "shell", choices=("bash", "zsh", "tcsh"), metavar="SHELL", help="bash, zsh or tcsh"
    )


def run(args: argparse.Namespace) -> int:
    """Print the script; the modules of all commands are imported for it."""
    import shtab

    parser = args.parser_of_all_commands()
    _complete_paths(parser)
    print(shtab.complete(parser, args.shell))
    return 0


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    """Have arguments that are paths completed by the names of files, in all commands."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_paths(command)
        elif action.type in (Path, path_or_address):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
