"""Whether clones and experiments have a table: git holds it, or a .dvc file that git holds."""

from collections.abc import Iterator
from pathlib import Path

from linreg.git import query_git


def dvc_file_of(source: Path) -> Path | None:
    """Return the .dvc file of a table or of a folder that it is in; None where there is none."""
    paths = [source, *source.parents]
    return next((each for each in map(_with_dvc, paths) if each.is_file()), None)


def is_in_git(path: Path) -> bool:
    """Tell whether git tracks a file, or one in a folder."""
    return bool(query_git("ls-files", "--", f":(literal){path}"))


def is_in_experiments(source: Path) -> bool:
    """Tell whether the copies in which DVC runs experiments have a table.

    They have what git tracks and what its .dvc files name; of a table in Git LFS they have the
    pointer alone.
    """
    dvc_file = dvc_file_of(source)
    if dvc_file is not None and is_in_git(dvc_file):
        return True
    is_in_lfs = (query_git("check-attr", "filter", "--", str(source)) or "").endswith(": lfs")
    return is_in_git(source) and not is_in_lfs


def hidden_from_dvc(dvc_file: Path) -> str:
    """Return the path that keeps DVC from seeing a .dvc file, as .gitignore names it; '' if none.

    DVC looks into no folder that it takes for ignored. That is more than git ignores: a pattern
    data/* hides data/ as a whole, whatever comes after it.
    """
    # Imported here because only `linreg use` needs it.
    from dulwich.errors import NotGitRepository
    from dulwich.ignore import IgnoreFilterManager
    from dulwich.repo import Repo

    try:
        repository = Repo.discover(".")
    except NotGitRepository:
        return ""
    ignored = IgnoreFilterManager.from_repo(repository)
    path = dvc_file.resolve().relative_to(Path(repository.path).resolve())
    return next((each for each in _from_the_top(path) if ignored.is_ignored(each)), "")


def _from_the_top(path: Path) -> Iterator[str]:
    yield from (f"{each}/" for each in list(path.parents)[-2::-1])
    yield path.as_posix()


def _with_dvc(path: Path) -> Path:
    return path.with_name(f"{path.name}.dvc") if path.name else path
