"""What runs when a stage runs: modules of the project and of linreg, and versions of libraries."""

import hashlib
import importlib.metadata
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from linreg.code_lock.imports import ImportReader
from linreg.code_lock.module_graph import PACKAGE, ModuleGraph
from linreg.files import file_hash

IMPORT_CACHE = Path(".linreg/imports.json")
OPTIONAL = ("python_calamine",)
"""Libraries that a stage imports where the table needs them."""

StageCode = list[str]
"""`project MD5` and `linreg MD5`, then `library==version` by name."""


def code_of_stages(
    files: Mapping[str, Sequence[Path]], project: Path = Path(), needed: Collection[str] = ()
) -> dict[str, StageCode]:
    """Return what each stage runs, by name.

    files    those that each stage runs, below `project`: its script, and others that exist
    needed   those of the optional libraries that the project's table needs

    Files count by their content and their path in the project or the package, so that the same
    code is the same wherever it is installed. So do builds of the same version of a library, such
    as torch 2.13.0 and 2.13.0+cpu. Raises UserError for a file that is not Python.
    """
    with ImportReader(project / IMPORT_CACHE) as reader:
        graph = ModuleGraph(project, reader)
        codes = {}
        for name, paths in files.items():
            reached = graph.reached_by(*filter(Path.is_file, paths))
            names = {each for each in reached.libraries if each not in OPTIONAL or each in needed}
            codes[name] = [
                f"project {_hash_of(reached.project, project.resolve())}",
                f"linreg {_hash_of(reached.linreg, PACKAGE)}",
                *sorted(versions_of(names), key=str.lower),
            ]
        return codes


def reached_files(scripts: Iterable[Path], project: Path) -> set[str]:
    """Return the files below a project that scripts reach by their imports, and those scripts.

    Paths are relative to the project. A linreg that lies in it counts instead of the one that runs.
    """
    own = project.resolve() / PACKAGE.name
    package = own if (own / "__init__.py").exists() else PACKAGE
    with ImportReader(project / IMPORT_CACHE) as reader:
        graph = ModuleGraph(project, reader, package)
        reached = graph.reached_by(*filter(Path.is_file, scripts))
    root = str(project.resolve())
    files = [*reached.project, *reached.linreg, str(package / "__init__.py")]
    return {os.path.relpath(each, root) for each in files if each.startswith(root + os.sep)}


def versions_of(modules: Iterable[str]) -> set[str]:
    """Return `library==version` for those libraries of some modules that are installed."""
    names = set().union(*(_distributions_of(module) for module in modules))
    return {f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in names}


def _hash_of(files: Iterable[str], root: Path) -> str:
    lines = sorted(f"{os.path.relpath(each, root)} {file_hash(Path(each))}\n" for each in files)
    return hashlib.md5("".join(lines).encode(), usedforsecurity=False).hexdigest()


def _distributions_of(module: str) -> set[str]:
    """Return the libraries of a module `package` or `package.module`; none if it is absent."""
    top, _, rest = module.partition(".")
    # Most libraries are called as their package is, and some as a module in a shared one.
    for name in filter(None, (top, rest and module)):
        if (found := _name_of(name)) is not None:
            return {found}
    return set(_distributions_by_package().get(top, ()))


@cache
def _name_of(library: str) -> str | None:
    try:
        return str(importlib.metadata.metadata(library)["Name"])
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def _distributions_by_package() -> Mapping[str, list[str]]:
    # Reads the list of files of every library, which takes half a second.
    return importlib.metadata.packages_distributions()
