"""A folder that holds nothing of the repository but what a stage declares.

It takes the place of the repository, so that the stage runs in the folder in which it ran before,
and an output that names its folder does not differ for that reason.
"""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from linreg.verify.hidden_inputs.parameter_files import (
    Key,
    read_text,
    undeclared_keys,
    with_other_values,
    without_keys,
)
from linreg.verify.hidden_inputs.places import BOOKKEEPING, Places
from linreg.verify.repository.stages import Stage

CONFIG = "[core]\n    no_scm = true\n[cache]\n    dir = cache\n"
"""DVC's configuration there, with which a stage can call DVC though there is no git repository."""
NO_CACHES = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class Supplement:
    """What a folder gets besides what the stage declares.

    files    files and folders, relative to the folder that holds .dvc
    keys     parameters that are not declared, as pairs of file and key
    changed  those of them that get other values than they have
    words    whether the values that are text change, too
    """

    files: Collection[str] = ()
    keys: Collection[tuple[str, Key]] = ()
    changed: Collection[tuple[str, Key]] = ()
    words: bool = True


NOTHING = Supplement()


@contextmanager
def room(
    stage: Stage,
    places: Places,
    code: Collection[str],
    parameter_files: Mapping[str, Collection[str]],
    supplement: Supplement = NOTHING,
) -> Iterator[None]:
    """Have the folder take the place of the repository until the end of the block.

    code             files that the stage declares by its entry in code.lock
    parameter_files  the declared names by file; none of them for one that it opens undeclared
    """
    aside = places.tree.with_name(f"{places.tree.name}.whole")
    places.tree.rename(aside)
    try:
        builder = _Builder(aside, places)
        builder.make_folders(stage)
        for path in [*(each.path for each in stage.inputs), *code, *supplement.files]:
            builder.copy(path)
        for file, names in parameter_files.items():
            builder.write_parameters(file, names, supplement)
        yield
    finally:
        shutil.rmtree(places.tree, ignore_errors=True)
        aside.rename(places.tree)


class _Builder:
    """Copies from the whole repository, which lies aside, into the folder in its place."""

    def __init__(self, whole: Path, places: Places) -> None:
        self._places = places
        self._whole = whole
        self._whole_root = whole / os.path.relpath(places.root, places.tree)

    def make_folders(self, stage: Stage) -> None:
        """Make the folders of the repository, empty, and DVC's own files.

        A stage may write into a folder that it need not make.
        """
        tree, root = self._places.tree, self._places.root
        tree.mkdir()
        for folder in {Path(each).parent for each in self._places.tracked}:
            (tree / folder).mkdir(parents=True, exist_ok=True)
        (root / stage.wdir).mkdir(parents=True, exist_ok=True)
        for output in stage.outputs:
            if not output.is_external:
                (root / output.path).parent.mkdir(parents=True, exist_ok=True)
        (root / ".dvc").mkdir(exist_ok=True)
        (root / ".dvc" / "config").write_text(CONFIG, encoding="utf-8")
        for name in (stage.file, ".dvcignore"):
            self.copy(name)

    def copy(self, path: str) -> None:
        """Copy a file or folder, with what its links lead to, if it is there."""
        source, target = self._whole_root / path, self._places.root / path
        if not os.path.normpath(target).startswith(f"{self._places.tree}{os.sep}"):
            # Outside of the repository, where it is declared by an absolute path or by `..`.
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if Path(path).name in BOOKKEEPING and source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, symlinks=True)
        elif source.is_dir():
            shutil.copytree(
                source, target, ignore=NO_CACHES, ignore_dangling_symlinks=True, dirs_exist_ok=True
            )
        elif source.exists():
            shutil.copy2(source, target)

    def write_parameters(self, file: str, names: Collection[str], supplement: Supplement) -> None:
        """Write a file with the parameters of these names and of a supplement."""
        source, target = self._whole_root / file, self._places.root / file
        if target.exists() or not source.is_file():
            # Declared as a whole, or not there.
            return
        text, suffix = read_text(source), source.suffix
        kept, changed = (
            {key for each, key in keys if each == file}
            for keys in (supplement.keys, supplement.changed)
        )
        text = without_keys(text, suffix, set(undeclared_keys(text, suffix, names)) - kept)
        if changed:
            text = with_other_values(text, suffix, changed, words=supplement.words)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        shutil.copymode(source, target)
