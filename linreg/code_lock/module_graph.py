"""The modules that a script reaches by its imports, and the libraries that these import."""

import importlib.util
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from linreg.code_lock.imports import Import, ImportReader

PACKAGE = Path(__file__).parents[1]
TEMPLATES = "templates"
"""The folder beside a module whose files belong to its package."""


@dataclass(frozen=True)
class Reached:
    """What a script reaches.

    project    modules of the project, the script among them
    linreg     files of linreg, with the templates beside its modules
    libraries  the modules of anything else but the standard library, as `package` and
               `package.module`
    """

    project: frozenset[str]
    linreg: frozenset[str]
    libraries: frozenset[str]


class ModuleGraph:
    """The imports among the files of a project and of linreg, read where they are needed."""

    def __init__(self, project: Path, reader: ImportReader, package: Path = PACKAGE) -> None:
        # Paths as text: thousands of them are looked up.
        self._project = str(project.resolve())
        self._package = str(package)
        self._reader = reader
        self._edges: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        self._files_in = cache(_python_files)
        self._roots = cache(self._folders_to_search)

    def reached_by(self, *scripts: Path) -> Reached:
        """Follow the imports of scripts of the project from file to file.

        A package's __init__.py is reached with each of its modules, as Python does it. An import
        that is only executed in some cases counts. Raises UserError for a file that is not Python.
        """
        seen: set[str] = set()
        libraries: set[str] = set()
        for script in scripts:
            start = str(script.resolve())
            folder = os.path.dirname(start)
            waiting = [start, *self._packages_of(start)]
            while waiting:
                path = waiting.pop()
                if path not in seen:
                    seen.add(path)
                    files, others = self.imported_by(path, folder)
                    waiting += files
                    libraries |= others
        # It holds the version alone, and a new one may change nothing that a stage runs.
        seen.discard(os.path.join(self._package, "__init__.py"))
        linreg = {path for path in seen if path.startswith(self._package + os.sep)}
        templates = {
            str(each)
            for parent in {os.path.dirname(path) for path in linreg}
            for each in Path(parent, TEMPLATES).glob("*")
        }
        return Reached(
            frozenset(seen - linreg), frozenset(linreg | templates), frozenset(libraries)
        )

    def imported_by(self, path: str, folder: str) -> tuple[set[str], set[str]]:
        """Return the files and the libraries that a file imports, run by a script in `folder`."""
        if (path, folder) not in self._edges:
            files: set[str] = set()
            libraries: set[str] = set()
            for each in self._reader.imports_of(Path(path)):
                module, *more = self._absolute_names(each, path)
                root = self._root_of(module.partition(".")[0], folder)
                if root is not None:
                    files.update(*(self._files_of(name, root) for name in (module, *more)))
                elif module.partition(".")[0] not in sys.stdlib_module_names:
                    libraries.update(".".join(name.split(".")[:2]) for name in (module, *more))
            self._edges[path, folder] = files, libraries
        return self._edges[path, folder]

    def _absolute_names(self, imported: Import, path: str) -> list[str]:
        """Return the modules that an import may mean, with `from module import name` both ways."""
        level, module, names = imported
        if level:
            root = os.path.dirname(self._package) if self._is_linreg(path) else self._project
            parts = os.path.relpath(os.path.dirname(path), root).split(os.sep)
            module = ".".join([*parts[: len(parts) - level + 1], *filter(None, [module])])
        return [module, *(f"{module}.{name}" for name in names if name != "*")]

    def _root_of(self, top: str, folder: str) -> str | None:
        """Return the folder in which a script in `folder` finds a package; None for a library."""
        if top == PACKAGE.name:
            return os.path.dirname(self._package)
        for root in self._roots(folder):
            names = self._files_in(root)
            if f"{top}.py" in names:
                return root
            # To Python, a library comes before a folder without __init__.py.
            has_init = "__init__.py" in self._files_in(os.path.join(root, top))
            if top in names and (has_init or not _is_library(top)):
                return root
        return None

    def _folders_to_search(self, folder: str) -> list[str]:
        """Return the folder of a script and those above it up to the project.

        Python has the first of them on its path, or, with -m, the one in which it was started.
        """
        inside = [str(each) for each in _up_to(self._project, Path(folder))]
        return list(dict.fromkeys([folder, *inside, self._project]))

    def _files_of(self, name: str, root: str) -> set[str]:
        """Return the file of a module, and those of the packages that it is in."""
        found = set()
        folder = root
        for part in name.split("."):
            names = self._files_in(folder)
            if f"{part}.py" in names:
                found.add(os.path.join(folder, f"{part}.py"))
            if part not in names:
                break
            folder = os.path.join(folder, part)
            if "__init__.py" in self._files_in(folder):
                found.add(os.path.join(folder, "__init__.py"))
        return found

    def _packages_of(self, script: str) -> list[str]:
        """Return the __init__.py of the packages that a script is in."""
        folders = map(str, _up_to(self._project, Path(script).parent))
        return [
            os.path.join(folder, "__init__.py")
            for folder in folders
            if "__init__.py" in self._files_in(folder)
        ]

    def _is_linreg(self, path: str) -> bool:
        return path.startswith(self._package + os.sep)


def _up_to(project: str, folder: Path) -> list[Path]:
    """Return a folder in a project and those above it, the project last; none outside of it."""
    return [each for each in (folder, *folder.parents) if each.is_relative_to(project)]


@cache
def _is_library(top: str) -> bool:
    """Tell whether Python finds a module or a package with __init__.py of that name."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None


def _python_files(folder: str) -> frozenset[str]:
    """Return the names of the Python files and folders in a folder; none where there is no such."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(
                each.name for each in entries if each.name.endswith(".py") or each.is_dir()
            )
    except OSError:
        return frozenset()
