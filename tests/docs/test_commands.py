"""docs/commands.md has every command, option and exit code; every command that any page names
exists.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from linreg.cli import COMMANDS, command_module
from linreg.params.params import Params

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = ROOT / "docs/command_examples"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
PLACEHOLDERS = ("COMMAND", "NAME", "X", "…", "STAGE")


def parser_of(name: str) -> argparse.ArgumentParser:
    module = command_module(name)
    parser = argparse.ArgumentParser(prog=f"linreg {name}", exit_on_error=False)
    module.add_arguments(parser)
    return parser


def lines_of(page: Path) -> Iterator[str]:
    """What the reader types: lines of bash blocks, lines after `$ ` in console blocks,
    code in the text.
    """
    text = page.read_text(encoding="utf-8")
    for language, block in BLOCK.findall(text):
        if language in ("bash", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                if language == "bash" or line.startswith("$ "):
                    yield line.removeprefix("$ ")
    for _, code in CODE.findall(BLOCK.sub("", text)):
        yield " ".join(code.split())


def commands_of(page: Path, program: str) -> Iterator[list[str]]:
    """The arguments of each call of a program; variables before it and comments behind it are taken
    off.
    """
    for line in lines_of(page):
        if not re.search(rf"(^|\s|=){program}\s", f"{line} "):
            continue
        for part in re.split(r"&&|;|\|", line) if "'" not in line else [line]:
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words and words[0] == program:
                redirected = next((i for i, word in enumerate(words) if word[:1] == ">"), None)
                yield words[1:redirected]


def test_the_page_is_what_the_parsers_say() -> None:
    program = "from docs.commands import page; print(page(), end='')"
    made = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == made.stdout, (
        "run: python -m docs.commands"
    )


def test_examples_and_commands_are_the_same() -> None:
    assert {path.stem for path in EXAMPLES.iterdir()} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_options_an_example_and_its_exit_codes_on_the_page(command: str) -> None:
    section = (
        (ROOT / "docs/commands.md")
        .read_text(encoding="utf-8")
        .split(f"\n## {command}\n")[1]
        .split("\n## ")[0]
    )
    for action in parser_of(command)._actions:
        for name in action.option_strings or [str(action.metavar)]:
            assert f"`{name}" in section or name in ("-h", "--help"), name
    assert re.search(rf"^\$ linreg {command}\b", section, re.MULTILINE)
    assert re.search(r"^Exit code: ", section, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_linreg_command_on_a_page_is_one_that_its_parser_accepts(page: Path) -> None:
    for command, *arguments in filter(None, commands_of(page, "linreg")):
        if command in (*PLACEHOLDERS, "--help", "--version"):
            continue
        assert command in COMMANDS, f"linreg {command}"
        if arguments:  # without any, the command is only spoken of
            try:
                parser_of(command).parse_args(arguments)
            except (SystemExit, argparse.ArgumentError) as error:
                pytest.fail(f"linreg {command} {' '.join(arguments)}: {error}")


def test_every_dvc_command_and_every_parameter_set_by_one_exists() -> None:
    calls = [[page.name, call] for page in PAGES for call in commands_of(page, "dvc") if call]
    program = """
import json, sys
from dvc.cli.parser import get_main_parser
for page, call in json.load(sys.stdin):
    try:
        args = get_main_parser().parse_args(call)
        print(json.dumps([page, call, getattr(args, "set_param", None)]))
    except BaseException as error:
        sys.exit(f"{page}: dvc {' '.join(call)}: {error}")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(read) == len(calls) > 10
    known = {
        f"{s}.{key}"
        for s, field in Params.model_fields.items()
        for key in getattr(field.annotation, "model_fields", {})
    }
    for page, call, changes in read:
        for change in changes or []:
            key = ".".join(change.split("=")[0].split(".")[:2])
            assert key in known, f"{page}: dvc {' '.join(call)}: {key}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_and_python_module_on_a_page_exists(page: Path) -> None:
    targets = re.findall(
        r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for call in commands_of(page, "make"):
        assert call[0] in (*targets, *PLACEHOLDERS), f"make {call[0]}"
    for call in commands_of(page, "python"):
        if call[:1] == ["-m"]:
            assert (
                (ROOT / call[1].replace(".", "/")).with_suffix(".py").exists()
                or (ROOT / call[1].replace(".", "/") / "__main__.py").exists()
                or find_spec(call[1])
            ), f"python -m {call[1]}"
        elif call and not call[0].startswith("-"):
            is_shown = f"$ cat {call[0]}\n" in page.read_text(encoding="utf-8")
            assert is_shown or (ROOT / call[0]).exists(), f"python {call[0]}"
