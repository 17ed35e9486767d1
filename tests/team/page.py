"""docs/team.md as commands: what is typed below each heading, and what it prints."""

import re
from collections.abc import Iterator

from tests.docs.test_pages import FENCE
from tests.project import ROOT

TEXT = (ROOT / "docs/team.md").read_text(encoding="utf-8")


def blocks(heading: str, language: str) -> list[str]:
    """Return the fenced blocks below a heading, without the continuation of lines."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    return [
        block.replace("\\\n", " ") for found, block in FENCE.findall(section) if found == language
    ]


def examples(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a block with the output shown for it."""
    for call in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = call.partition("\n")
        yield command, shown
