"""Where a path lies that a stage has read: in the repository, beside it, or in the user's home."""

import os
import sys
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path, PurePosixPath

from linreg.verify.repository.stages import Pipeline

BOOKKEEPING = frozenset({".git", ".dvc", ".linreg", "mlruns", "mlartifacts"})
BOOKKEEPING_FILES = frozenset(
    {"dvc.yaml", "dvc.lock", ".dvcignore", ".gitignore", ".gitattributes", ".gitmodules"}
    # Which pyenv and asdf read before they start a program.
    | {".python-version", ".tool-versions"}
    # The runs of MLflow, which a stage adds its own to.
    | {"mlflow.db"}
)
_ENVIRONMENT_MARKERS = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG")
"""What a virtual environment of Python, one of conda, and a cache have in their folder."""
_ENVIRONMENT_FOLDERS = frozenset({"site-packages", "dist-packages", "node_modules"})
_HOME_NOT_COUNTED = (
    *(".cache", ".nv", ".triton/cache", ".ipython/profile_default/history.sqlite"),
    *(".local/bin", ".local/lib", ".local/share", ".pyenv", ".conda", ".rustup", ".cargo"),
    *(".julia", ".nvm", ".rbenv", ".sdkman", "R"),
    *(".config/git", ".gitconfig"),
    *(".condarc", ".mambarc", ".config/pip", ".config/uv"),
    *(".netrc", ".ssh", ".aws", ".azure", ".config/gcloud", ".kube", ".docker", ".kaggle"),
)
"""In the user's home: caches, installed programs and libraries, settings of git, credentials."""


class Kind(Enum):
    """What a path is to the repository.

    A bookkeeping file of git, DVC, MLflow or linreg, a file that another stage has left without
    declaring it, and one that only git has looked at, as `git status` does at all, count where the
    outputs are others without it.
    """

    REPOSITORY = "a file of the repository"
    UNTRACKED = "a file that neither git nor DVC tracks"
    CHECKOUT = "a file of the repository, by its absolute path"
    OUTSIDE = "a file beside the repository"
    HOME = "a file in the home directory"
    OWN_OUTPUT = "an output of the stage itself, as the run before has left it"
    LEFTOVER = "a file that another stage has left"
    BOOKKEEPING = "bookkeeping of git, DVC or MLflow"
    BY_GIT = "a file that git has looked at for the stage"


COUNT_BY_EFFECT = (Kind.BOOKKEEPING, Kind.LEFTOVER, Kind.BY_GIT)


@dataclass(frozen=True)
class Place:
    """A path of some kind.

    path  relative to the folder that holds .dvc, or absolute outside of the git repository; with ~
          in the user's home
    """

    kind: Kind
    path: str


@dataclass(frozen=True)
class Places:
    """Knows the kind of a path.

    tree      the git repository that is run, without links in its path
    root      the folder in it that holds .dvc
    original  the user's own checkout of that repository
    home      the user's home
    tracked   the files that git tracks, relative to `tree`
    pipeline  whose inputs and outputs are known as well
    supplied  files that only the user had, copied to where a stage looked for them, as absolute
              paths
    """

    tree: Path
    root: Path
    original: Path
    home: Path
    tracked: frozenset[str]
    pipeline: Pipeline
    supplied: set[str] = field(default_factory=set)
    _recorded: list[PurePosixPath] = field(default_factory=list)

    def __post_init__(self) -> None:
        entries = [*self.pipeline.tracked]
        for stage in self.pipeline:
            entries += [*stage.inputs, *stage.outputs]  # type: ignore[list-item]
        self._recorded.extend({PurePosixPath(each.path) for each in entries})

    @property
    def parameter_files(self) -> set[str]:
        """The files in which stages declare parameters, and params.yaml."""
        files = {each.path for stage in self.pipeline for each in stage.parameters}
        return {*files, "params.yaml"}

    def tracked_from_root(self) -> list[str]:
        """Return the files that git tracks, relative to the folder that holds .dvc."""
        return sorted(map(self._from_root, self.tracked))

    def bookkeeping(self) -> list[str]:
        """Return the bookkeeping folders, relative to the one that holds .dvc."""
        return sorted({self._from_root(".git"), *(BOOKKEEPING - {".git"})})

    def of_existing(self, path: str) -> Place | None:
        """Return the place of a file that was there; None for one that is no matter of a stage."""
        if path in self.supplied:
            kind = Kind.UNTRACKED if _is_below(path, self.tree) else Kind.OUTSIDE
            return Place(kind, os.path.relpath(path, self.root))
        if _is_below(path, self.tree):
            return self._in_repository(os.path.relpath(path, self.tree))
        if _is_in_environment(path) or not os.path.isfile(path):
            return None
        if _is_below(path, self.original):
            relative = self._source_of(os.path.relpath(path, self.original))
            if relative is None:
                return None
            inner = self._in_repository(relative)
            is_bookkeeping = inner is not None and inner.kind is Kind.BOOKKEEPING
            return inner if is_bookkeeping else Place(Kind.CHECKOUT, self._from_root(relative))
        return self._in_home(path)

    def of_missing(self, path: str) -> Place | None:
        """Return the place of a file that was not there, but is in the user's own checkout."""
        relative = os.path.relpath(path, self.tree)
        there = os.path.normpath(self.original / relative)
        is_inside = not relative.startswith("..")
        if is_inside:
            place = self._in_repository(relative)
            if place is None or place.kind is not Kind.LEFTOVER:
                # An output or input that is not there yet, or bookkeeping.
                return place
            is_known = os.path.isfile(there) and not _is_in_environment(there)
            return Place(Kind.UNTRACKED, place.path) if is_known else None
        if there == path or not os.path.isfile(there) or _is_in_environment(there):
            return None
        return Place(Kind.OUTSIDE, self._from_root(relative))

    def _in_repository(self, path: str) -> Place | None:
        """Return the place of a path relative to the top of the repository."""
        source = self._source_of(path)
        if source is None or _is_in_environment(str(self.tree / source)):
            return None
        first, name = source.split("/", 1)[0], source.rsplit("/", 1)[-1]
        if first in BOOKKEEPING:
            return Place(Kind.BOOKKEEPING, self._from_root(first))
        below_root = self._from_root(source)
        if (inner := below_root.split("/", 1)[0]) in BOOKKEEPING:
            return Place(Kind.BOOKKEEPING, inner)
        if name in BOOKKEEPING_FILES or name.endswith(".dvc"):
            return Place(Kind.BOOKKEEPING, below_root)
        is_known = source in self.tracked or self._is_recorded(PurePosixPath(below_root))
        return Place(Kind.REPOSITORY if is_known else Kind.LEFTOVER, below_root)

    def _is_recorded(self, path: PurePosixPath) -> bool:
        return any(path.is_relative_to(each) for each in self._recorded)

    def _source_of(self, path: str) -> str | None:
        """Return the module that a file in __pycache__ is compiled from; other paths as they are.

        None for other files in __pycache__, such as kernels that numba has compiled.
        """
        folder, name = os.path.split(path)
        if os.path.basename(folder) != "__pycache__":
            return path
        module = name.partition(".")[0]
        return os.path.join(os.path.dirname(folder), f"{module}.py") if ".pyc" in name else None

    def _from_root(self, path: str) -> str:
        return os.path.relpath(self.tree / path, self.root)

    def _in_home(self, path: str) -> Place | None:
        if not _is_below(path, self.home):
            return None
        inner = os.path.relpath(path, self.home)
        if any(inner == each or inner.startswith(f"{each}/") for each in _HOME_NOT_COUNTED):
            return None
        return Place(Kind.HOME, f"~/{inner}")


def _is_below(path: str, folder: Path) -> bool:
    return path.startswith(f"{folder}{os.sep}")


def _is_in_environment(path: str) -> bool:
    """Tell whether a file belongs to installed programs and libraries, or to a cache."""
    installed = {sys.prefix, sys.base_prefix, os.environ.get("XDG_CACHE_HOME") or sys.prefix}
    if any(path.startswith(f"{each}{os.sep}") for each in installed):
        return True
    if not _ENVIRONMENT_FOLDERS.isdisjoint(path.split(os.sep)):
        return True
    return _has_marker(os.path.dirname(path))


@cache
def _has_marker(folder: str) -> bool:
    """Tell whether a folder, or one above it, says that it is an environment or a cache."""
    if any(os.path.exists(os.path.join(folder, each)) for each in _ENVIRONMENT_MARKERS):
        return True
    parent = os.path.dirname(folder)
    return parent != folder and _has_marker(parent)
