"""The documentation says what the code does."""

import argparse
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from linreg.cli import COMMANDS
from linreg.params import Params

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TUTORIAL = ROOT / "docs/tutorial.md"


def test_the_parameter_reference_is_what_the_models_say() -> None:
    program = "import sys; sys.path.insert(0, 'docs'); import parameters; print(parameters.page(), end='')"
    page = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (ROOT / "docs/parameters.md").read_text() == page.stdout, "run: python docs/parameters.py"


def test_every_parameter_has_a_sentence_of_documentation() -> None:
    for name, section in Params.model_json_schema()["$defs"].items():
        for key, schema in section["properties"].items():
            assert schema.get("description", "").endswith("."), f"{name}.{key}"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    assert re.search(rf"linreg {command}|linreg[^\n]*\b{command}\b", README)


def test_every_linreg_command_in_the_docs_is_one_that_the_parser_takes() -> None:
    """In the blocks of commands, a line that begins with linreg."""
    lines = []
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL):
            lines += re.findall(r"^linreg .*$", block.replace("\\\n", " "), re.MULTILINE)
    assert len(lines) >= 10
    for line in lines:
        _, command, *arguments = shlex.split(line, comments=True)
        parser = argparse.ArgumentParser(prog=line)
        importlib.import_module(f"linreg.commands.{command}").add_arguments(parser)
        parser.parse_args(arguments)  # exits, and pytest tells with what, for what it does not take


def test_every_link_and_path_in_the_docs_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_tutorial_quotes_the_code_as_it_is() -> None:
    """A link to a file, then a block of code: the block stands in that file, line for line."""
    quotes = re.findall(r"\]\(\.\./([\w/]+\.(?:py|yaml))\)[^\n]*\n+```\w*\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
    assert len(quotes) >= 5
    for path, block in quotes:
        assert _without_indent(block) in _without_indent((ROOT / path).read_text()), f"{path}:\n{block}"


def test_the_annotated_tree_names_every_stage_and_room() -> None:
    for path in [*(ROOT / "stages").glob("[a-z]*.py"), *(ROOT / "linreg").glob("[a-z]*/")]:
        assert re.search(rf"^ +{path.name}\b", README, re.MULTILINE), path


def _without_indent(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())
