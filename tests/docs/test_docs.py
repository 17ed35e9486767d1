"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest

from linreg.cli import COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TUTORIAL = ROOT / "docs/tutorial.md"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    assert re.search(rf"linreg {command}|linreg[^\n]*\b{command}\b", README)


def test_the_tutorial_quotes_the_code_as_it_is() -> None:
    """A link to a file, then a block of code: the block stands in that file, line for line."""
    quotes = re.findall(
        r"\]\(\.\./([\w/]+\.(?:py|yaml))\)[^\n]*\n+```\w*\n(.*?)```",
        TUTORIAL.read_text(),
        re.DOTALL,
    )
    assert len(quotes) >= 5
    for path, block in quotes:
        assert _without_indent(block) in _without_indent((ROOT / path).read_text()), (
            f"{path}:\n{block}"
        )


def test_the_annotated_tree_names_every_stage_and_room() -> None:
    for path in [*(ROOT / "stages").glob("[a-z]*.py"), *(ROOT / "linreg").glob("[a-z]*/")]:
        assert re.search(rf"^ +{path.name}\b", README, re.MULTILINE), path


def _without_indent(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_line_of_prose_ends_at_120_characters(page: Path) -> None:
    """Outside of tables, blocks of code, pictures and parameters.md."""
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in prose.splitlines() if not line.startswith(("|", "!["))]
    assert page.name == "parameters.md" or not [line for line in lines if len(line) > 120]
