"""The page for the referee: its commands, typed in an empty folder, print what it shows."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificate.example import AUTHOR, make_keys
from tests.verify.repository.small_repository import SmallRepository

PAGE = Path(__file__).parents[2] / "docs/for-the-referee.md"
URL = "https://example.org/paper"
FILES = {
    "data.csv": "x,y\n1,2.1\n2,3.9\n3,6.2\n4,7.8\n",
    "dvc.yaml": """
        stages:
          fit:
            cmd:
              - mkdir -p results
              - tail -1 data.csv > results/table1.csv
              - head -2 data.csv > results/fitted.csv
            deps: [data.csv]
            outs:
              - results:
                  cache: false
    """,
}


def blocks() -> Iterator[tuple[str, str]]:
    """Yield each command of the page with what it prints there."""
    for block in re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed


OF_THE_DAY = {
    r"SHA256:[\w+/]+": "KEY",
    r"\b([0-9a-f]{40}|[0-9a-f]{10})\b": "HASH",
    r"\d{4}-\d\d-\d\dT[\d:]+Z": "TIME",
    r"on x86_64, .* cores": "on MACHINE",
    r"^Linux .*": "SYSTEM",
    r"^CPU: .*": "CPU",
    r"/\S*/paper": "FOLDER",
    r"\d+ s$": "SECONDS",
}
"""What may be another one each time, and is written in the same way for all."""


def neutral(text: str) -> str:
    for what, word in OF_THE_DAY.items():
        text = re.sub(what, word, text, flags=re.MULTILINE)
    return text.strip()


@pytest.mark.slow
def test_the_commands_print_what_the_page_shows(tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    paper = SmallRepository(tmp_path / "authors-own/paper")
    paper.write(FILES)
    paper.reproduce()
    certificate = ("--certificate", "certificate.intoto.jsonl", "--sign", str(keys.key(AUTHOR)))
    paper.verify(*certificate)
    paper.run("git", "add", "certificate.intoto.jsonl")
    paper.run("git", "commit", "-qm", "Its certificate")

    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "author.pub").write_text(keys.public(AUTHOR))
    where, typed = folder, list(blocks())
    assert len(typed) == 9
    for command, shown in typed:
        if command.startswith("cd "):
            where /= command.removeprefix("cd ")
            continue
        done = subprocess.run(
            ["bash", "-c", command.replace(URL, str(paper.top))],
            cwd=where,
            env=paper.project.environment() | {"HOME": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if shown:
            pattern = re.escape(neutral(shown)).replace("…", r"[\s\S]*")
            assert re.fullmatch(pattern, neutral(done.stdout)), f"{command}\n{done.stdout}"
