"""Write docs/commands.md from the parsers of the commands, and docs/command_examples.

    python -m docs.commands     from the repository's root; python docs/commands.py does the same

A new command needs a file docs/command_examples/NAME.md: when to use it, how it is called, what it
prints, and what its exit codes mean.
"""

import argparse
import textwrap
from pathlib import Path

from linreg.cli import COMMANDS, command_module
from linreg.errors import UserError, one_line_errors
from linreg.files import write_text

PAGE = Path(__file__).with_suffix(".md")
EXAMPLES = Path(__file__).with_name("command_examples")

HEAD = """\
# The linreg command

`source .venv/bin/activate` puts `linreg` on your path; `make env` creates that environment.
`linreg` alone lists the commands, `linreg COMMAND --help` prints what stands here, and
`linreg --version` the version.

Commands work in a project: in its top folder, which holds `dvc.yaml`, or in any folder below it.
`certify`, `check`, `completion`, `predict` and `serve` work anywhere, and `verify` in any
repository with DVC. Outside of a project a command writes nothing but the file that it is told to
write.

The exit codes are the same for every command, so that scripts can rely on them:

| code | meaning |
|---|---|
| 0 | done |
| 1 | not done, or the answer is no, as described below; also a full disk or a missing file |
| 2 | a mistake in an argument, a parameter or the data, in one line: where, what, what to do |
| 130 | interrupted with Ctrl-C |

Written by `python -m docs.commands` from the commands and [their examples](command_examples).
"""


def page() -> str:
    """Return the page: the purpose of each command, its arguments and options, its example."""
    lines = [HEAD, "| command | |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {summary} |" for name, summary in COMMANDS.items()]
    for name in COMMANDS:
        lines += ["", f"## {name}", "", *_section(name)]
    return "\n".join(lines) + "\n"


def parser_of(name: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments and options of one command, as linreg/cli.py builds it."""
    module = command_module(name)
    parser = argparse.ArgumentParser(prog=f"linreg {name}", description=module.__doc__)
    module.add_arguments(parser)
    return parser


def example_of(name: str) -> str:
    """Return the hand-written part of a command; raises UserError when there is none."""
    path = EXAMPLES / f"{name}.md"
    if not path.is_file():
        raise UserError(
            path, "there is no such file", todo=f"write one with an example of `linreg {name}`"
        )
    # The page is one folder above the example.
    return path.read_text(encoding="utf-8").strip().replace("](../", "](")


def _section(name: str) -> list[str]:
    parser = parser_of(name)
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ").replace(" [-h]", "")
    lines = [*textwrap.wrap(_plain((parser.description or "").split("\n\n")[0]), 120), ""]
    lines += ["```text", usage, "```", ""]
    rows = [
        _row(action) for action in parser._actions if not isinstance(action, argparse._HelpAction)
    ]
    if rows:
        lines += ["| argument or option | meaning |", "|---|---|", *rows, ""]
    return [*lines, example_of(name)]


def _row(action: argparse.Action) -> str:
    names = action.option_strings or [""]
    shown = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    shown = " ".join(shown) if isinstance(shown, tuple) else shown
    if action.nargs == 0:
        value = ""
    else:
        choices = ",".join(map(str, action.choices or ()))
        value = f"{{{choices}}}" if action.choices and not action.metavar else shown
    words = ", ".join(f"`{f'{each} {value}'.strip()}`" for each in names).replace("|", "\\|")
    return f"| {words} | {_plain((action.help or '') % (vars(action) | {'prog': 'linreg'}))} |"


def _plain(text: str) -> str:
    """Return text on one line, with tags and vertical bars escaped for a table in Markdown."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")


@one_line_errors
def main() -> None:
    """Write the page."""
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
