"""Links between the pages lead somewhere, also to a heading within a page."""

import re
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|``.+?``|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def anchors_of(page: Path) -> list[str]:
    """The anchors of a page's headings as GitHub makes them: lower case, no punctuation, hyphens
    for spaces.
    """
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    anchors: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        words = re.sub(r"\]\([^)]*\)", "", heading).strip().lower()
        kept = "".join(c for c in words if c in " -_" or unicodedata.category(c)[0] in "LN")
        anchor = kept.replace(" ", "-")
        anchors.append(anchor if anchor not in anchors else f"{anchor}-{anchors.count(anchor)}")
    return anchors


def links_of(page: Path) -> list[str]:
    return LINK.findall(CODE.sub("``", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links_of(page):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors_of(target), f"{link}: {anchors_of(target)}"


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set(), [ROOT / "docs/README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        linked = {
            (page.parent / link.partition("#")[0]).resolve()
            for link in links_of(page)
            if "://" not in link
        }
        waiting += [
            each
            for each in linked
            if each.suffix == ".md" and each.exists() and each not in reached
        ]
    parts = {
        path for path in PAGES if path.parent.name == "command_examples"
    }  # they are in docs/commands.md
    assert {path for path in PAGES if path.name != "results.md"} - parts == reached - {
        ROOT / "benchmarks/results.md"
    }


def test_every_picture_is_shown_on_a_page() -> None:
    shown = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in links_of(page)
        if "://" not in link
    }
    assert set((ROOT / "docs/pictures").iterdir()) <= shown
