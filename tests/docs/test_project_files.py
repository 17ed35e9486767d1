"""The files that say what the project is agree with each other and with the code."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from linreg import __version__

ROOT = Path(__file__).parents[2]
LINREG = ROOT / "linreg"
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
CITATION: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (ROOT / "CITATION.cff").read_text(encoding="utf-8")
)
DESIGN = (ROOT / "docs/design.md").read_text(encoding="utf-8")


def test_the_citation_has_what_its_format_requires() -> None:
    """Citation File Format 1.2.0: cff-version, message, title, and authors, of which an entity has
    a name.
    """
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    assert all(
        isinstance(CITATION[key], str) and CITATION[key] for key in ("message", "title", "version")
    )
    assert CITATION["authors"] == [{"name": "The linreg authors"}]
    known = {
        "cff-version",
        "message",
        "title",
        "authors",
        "type",
        "version",
        "license",
        "keywords",
        "abstract",
    }
    assert set(CITATION) <= known | {"date-released", "repository-code", "url", "doi"}
    assert len(CITATION["keywords"]) == len(set(CITATION["keywords"]))


def test_version_license_authors_and_keywords_are_the_same_everywhere() -> None:
    assert CITATION["version"] == __version__
    assert CITATION["license"] == PROJECT["license"] == "MIT"
    assert CITATION["authors"] == PROJECT["authors"]
    assert CITATION["keywords"] == PROJECT["keywords"]
    license_ = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert license_.startswith("MIT License\n\nCopyright (c) 2026 the linreg authors\n")


def test_the_changelog_has_this_version() -> None:
    assert f"\n## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


OLD_NAMES = {"linreg.tracking.served_model"}
"""Modules that only keep a name which files outside of the repository hold."""


@pytest.mark.slow
def test_a_room_imports_only_rooms_that_stand_above_it_in_the_design() -> None:
    order = re.findall(r"^\| `([\w/]+)(?:/|\.py)` \|", DESIGN, re.MULTILINE)
    imported = _imports()
    assert set(order) == set(imported)
    for package, packages in imported.items():
        assert not [name for name in packages if order.index(name) >= order.index(package)], package


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {_name_of(path): path for path in LINREG.rglob("*.py")}
    imports = {name: set(_modules(path)) & set(modules) for name, path in modules.items()}
    while leaves := {name for name, names in imports.items() if not names & set(imports)}:
        imports = {name: names for name, names in imports.items() if name not in leaves}
    assert not imports


def test_no_folder_holds_more_modules_than_a_reader_can_keep_in_view() -> None:
    for folder in {path.parent for path in [*LINREG.rglob("*.py")]}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= 15, folder


def test_only_tracking_mlflow_imports_mlflow() -> None:
    for path in LINREG.rglob("*.py"):
        found = {name.partition(".")[0] for name in _modules(path)}
        assert "mlflow" not in found or path.is_relative_to(LINREG / "tracking/mlflow"), path


def _imports() -> dict[str, set[str]]:
    """By package, the other packages that its modules import, without cli.py and __main__.py.

    A package is a folder, such as data/csv, or a module that is in none.
    """
    packages = {_name_of(path): _package(path) for path in LINREG.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for path in LINREG.rglob("*.py"):
        package = _package(path)
        entry = package in ("cli", "__main__", "__init__") or _name_of(path) in OLD_NAMES
        if not entry and not _says_nothing(path):
            names = {packages[name] for name in _modules(path) if name in packages}
            # The version is below every package.
            found[package] = found.get(package, set()) | names - {package, "__init__"}
    return found


def _package(path: Path) -> str:
    inside = path.relative_to(LINREG)
    return inside.stem if len(inside.parts) == 1 else inside.parent.as_posix()


def _name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _says_nothing(path: Path) -> bool:
    """Whether a package's __init__.py holds its docstring and version, and nothing else."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return path.name == "__init__.py" and all(
        isinstance(node, ast.Expr) or ast.unparse(node).startswith("__version__ = ")
        for node in nodes
    )


def _modules(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return [
        *(node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module),
        *(
            f"{node.module}.{alias.name}"
            for node in nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ),
        *(alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names),
    ]
