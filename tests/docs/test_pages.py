"""The commands on the pages print what the pages show; the tutorial's pictures are drawn again.

A block of console commands is run line by line; an output may leave out lines with `…`. A block of
Python that has a block of text behind it is run and must print that. All in a copy of the project,
page by page from top to bottom.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

import pytest

from tests.project import ROOT, Project, copy_of_the_project

NOT_HERE = re.compile(r"make |source |linreg ui")
"""What installs an environment or waits for a browser."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples_of(page: Path) -> Iterator[tuple[str, str]]:
    """Each command or program of a page, from top to bottom, with the output shown for it."""
    fences = list(FENCE.finditer(text := page.read_text(encoding="utf-8")))
    for fence, following in pairwise([*fences, None]):
        language, block = fence.groups() if fence else ("", "")
        if language == "console":
            for call in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
                command, _, shown = call.partition("\n")
                if not NOT_HERE.match(command):
                    yield command, shown
        if fence and language == "python" and following and following[1] == "text":
            behind = not text[fence.end() : following.start()].strip()
            if behind:
                yield block, following[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project in which the default pipeline has run."""
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    project.run("dvc", "repro", "-q")
    return project


def run(command: str, project: Project) -> str:
    """Run a line of shell as a user with the environment activated; return all that it prints."""
    return project.run("bash", "-c", f"exec 2>&1; {command}", check=False).stdout


def not_shown(shown: str, printed: str, command: str) -> list[str]:
    """Return which runs of lines between two `…` were not printed, in this order; speeds may
    vary.
    """
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", printed) if line.strip()]
    position, wrong = 0, []
    for part in re.split(r"^…\n", shown, flags=re.MULTILINE):
        wanted = [
            re.sub(r"\S+ rows/s", "* rows/s", _literal(line))
            for line in part.splitlines()
            if line.strip()
        ]
        starts = range(position, len(lines) - len(wanted) + 1)
        found = next(
            (at for at in starts if all(map(fnmatchcase, lines[at : at + len(wanted)], wanted))),
            None,
        )
        if found is None:
            wrong.append(f"$ {command}\n{part}\nis not what was printed:\n{printed}")
        else:
            position = found + len(wanted)
    return wrong


def _literal(line: str) -> str:
    return re.sub(r"([\[*?])", r"[\1]", line).replace("…", "*")


@pytest.mark.parametrize(
    "shown", ["a 2\nb\n", "…\nd\n", "b\n…\na 1\n", "c", "a 1\n…\nb\n…\nd", "b\nb\n"]
)
def test_what_was_not_printed_is_noticed(shown: str) -> None:
    assert not_shown(shown, "a 1\nb\nc 3\n", "x")


@pytest.mark.parametrize(
    "shown", ["", "a 1\nb\nc 3\n", "…\nb\n…\n", "a 1\n…\n", "a 1\n\nb\n…\nc …\n"]
)
def test_what_was_printed_may_be_shown_in_part(shown: str) -> None:
    assert not not_shown(shown, "a 1\nb\nc 3\n", "x")


@pytest.mark.very_slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["from-r", "from-scikit-learn", "tutorial"])
def test_a_page_shows_what_its_commands_print(name: str, project: Project) -> None:
    wrong: list[str] = []
    for code, shown in examples_of(ROOT / f"docs/{name}.md"):
        command = code
        if "\n" in code:
            (project.folder / ".example.py").write_text(code, encoding="utf-8")
            command = f"PYTHONPATH=. {sys.executable} -W ignore .example.py; rm .example.py"
        wrong += not_shown(shown, run(command, project), code)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_the_pictures_of_the_tutorial_are_drawn_from_the_default_pipeline(project: Project) -> None:
    run("git stash -q; git checkout -q . && dvc repro -q", project)
    shutil.rmtree(project.folder / "docs/pictures")
    printed = run("python -m docs.pictures", project)
    for path in sorted((ROOT / "docs/pictures").glob("*.svg")):
        drawn = project.folder / path.relative_to(ROOT)
        assert drawn.is_file(), printed
        if (
            path.stem != "data"
        ):  # its plane in space passes through matrix products, whose last bits vary
            assert drawn.read_bytes() == path.read_bytes(), path.name
