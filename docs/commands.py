"""Write docs/commands.md from the parsers of the commands and the examples in
docs/command_examples.

    python -m docs.commands     from the repository's root; python docs/commands.py does the same

A new command needs a file docs/command_examples/NAME.md: when to use it, how it is called, what it
prints, and what its exit code says.
"""

import argparse
import importlib
import textwrap
from pathlib import Path

from linreg.cli import COMMANDS
from linreg.errors import UserError, one_line_errors
from linreg.files import write_text

PAGE = Path(__file__).with_suffix(".md")
EXAMPLES = Path(__file__).with_name("command_examples")

HEAD = """\
# The linreg command

`source .venv/bin/activate` puts `linreg` on your path; `make env` makes that environment. All commands run from the
folder that holds `dvc.yaml`. `linreg COMMAND --help` prints what stands here.

Every command ends with one of these exit codes, so that a script can rely on them:

| code | meaning |
|---|---|
| 0 | done |
| 1 | not done, or the answer is no; each command below says what that means. A full disk or a missing file too |
| 2 | a mistake in an argument, a parameter or the data: one line that says what, where, what was found, what to do |
| 130 | interrupted with Ctrl-C |

Made by `python -m docs.commands` from the commands themselves and from [their examples](command_examples).
"""


def page() -> str:
    """Return the reference page: what each command is for, its arguments and options, and its
    example.
    """
    lines = [HEAD, "| command | |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {summary} |" for name, summary in COMMANDS.items()]
    for name in COMMANDS:
        lines += ["", f"## {name}", "", *_section(name)]
    return "\n".join(lines) + "\n"


def parser_of(name: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments and options of one command, as linreg/cli.py builds it."""
    module = importlib.import_module(f"linreg.commands.{name}")
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
    return (
        path.read_text(encoding="utf-8").strip().replace("](../", "](")
    )  # the page lies one folder higher


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
    value = (
        ""
        if action.nargs == 0
        else "{" + ",".join(map(str, action.choices)) + "}"
        if action.choices
        else shown
    )
    words = ", ".join(f"`{f'{each} {value}'.strip()}`" for each in names).replace("|", "\\|")
    return f"| {words} | {_plain((action.help or '') % (vars(action) | {'prog': 'linreg'}))} |"


def _plain(text: str) -> str:
    """Return the words on one line, with what Markdown would take for a tag or a border of the
    table escaped.
    """
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")


@one_line_errors
def main() -> None:
    """Write the page."""
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
