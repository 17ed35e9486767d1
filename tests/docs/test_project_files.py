"""The files that say what the project is agree with each other and with the code."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
LINREG = ROOT / "linreg"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
DESIGN = (ROOT / "docs/design.md").read_text(encoding="utf-8")


def test_the_citation_has_what_its_format_requires() -> None:
    """Citation File Format 1.2.0: cff-version, message, title, and authors, of which an entity has a name."""
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    assert all(isinstance(CITATION[key], str) and CITATION[key] for key in ("message", "title", "version"))
    assert CITATION["authors"] == [{"name": "The linreg authors"}]
    known = {"cff-version", "message", "title", "authors", "type", "version", "license", "keywords", "abstract"}
    assert set(CITATION) <= known | {"date-released", "repository-code", "url", "doi"}
    assert len(CITATION["keywords"]) == len(set(CITATION["keywords"]))


def test_version_and_license_are_the_same_everywhere() -> None:
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"] == "MIT"
    license_ = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert license_.startswith("MIT License\n\nCopyright (c) 2026 the linreg authors\n")


def test_the_changelog_has_this_version() -> None:
    assert f"\n## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_rooms_import_what_the_design_says() -> None:
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \| .*? \| ([^|]*) \|$", DESIGN, re.MULTILINE)
    told = {room: set(re.findall(r"\w+", imports)) for room, imports in rows if imports != "all of the above"}
    imported = _imports()
    assert {room: names for room, names in imported.items() if room != "commands"} == told
    assert imported["commands"] <= set(told)


def test_no_room_imports_one_that_stands_below_it_in_the_design() -> None:
    order = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", DESIGN, re.MULTILINE)
    for room, names in _imports().items():
        assert all(order.index(name) < order.index(room) for name in names), room


def test_only_tracking_imports_mlflow() -> None:
    for path in LINREG.rglob("*.py"):
        found = {name.partition(".")[0] for name in _modules(path)}
        assert "mlflow" not in found or path.parent.name == "tracking", path


def _imports() -> dict[str, set[str]]:
    """By room, the other rooms that its modules import; the entry points cli.py and __main__.py left out."""
    found: dict[str, set[str]] = {}
    for path in LINREG.rglob("*.py"):
        room = path.relative_to(LINREG).parts[0].removesuffix(".py")
        if room not in ("cli", "__main__", "__init__"):
            names = {name.split(".")[1] for name in _modules(path) if name.startswith("linreg.")}
            found[room] = found.get(room, set()) | names - {room}
    return found


def _modules(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return [
        *(node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module),
        *(alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names),
    ]
