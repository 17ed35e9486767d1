"""Files and folders that git does not hold, found by the hash that is recorded of them."""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linreg.verify.repository.dvc_index import DVC_FOLDER, open_repo
from linreg.verify.repository.hashes import counted_files, is_as_recorded
from linreg.verify.repository.stages import CHECKABLE, MD5, Entry, Output, RecordedHash


class NotFoundError(Exception):
    """Content that is nowhere to be found; the message says why not."""


class RecordedContent:
    """Where recorded content comes from: the user's working directory, DVC's cache, a remote.

    An import that neither has comes from the revision of its source that its .dvc file records.
    What a remote or a source sends stays in the user's cache, as after `dvc fetch`.
    """

    def __init__(self, repo: Any, root: Path, here: Path) -> None:
        self._repo = repo
        self._root = root
        self._here = here

    def copy(self, entry: Entry, target: Path, *, from_here: bool = True) -> str:
        """Copy what was recorded of an entry to `target`; return in words where from.

        Without `from_here` it is not taken from the working directory. Raises NotFoundError when
        it is nowhere.
        """
        recorded = entry.recorded
        if recorded is None:
            raise NotFoundError("dvc.lock records no hash of it")
        if recorded.algorithm not in CHECKABLE:
            raise NotFoundError(f"only its {recorded.algorithm} is recorded")
        target.parent.mkdir(parents=True, exist_ok=True)
        here = self._here / entry.path
        if from_here and here.exists() and is_as_recorded(here, recorded, self._here):
            copy_counted(here, target, self._here)
            return "copied from the working directory"
        if self._copy_cached(recorded, target):
            return "copied from DVC's cache"
        reason = self._fetch_by_hash(recorded, entry.remote if isinstance(entry, Output) else None)
        if not reason and self._copy_cached(recorded, target):
            return "fetched from DVC's remote"
        if self._fetch_by_path(entry) and self._copy_cached(recorded, target):
            return "fetched from the source that it was imported from"
        raise NotFoundError(reason or "what DVC has in its place is damaged")

    def _copy_cached(self, recorded: RecordedHash, target: Path) -> bool:
        """Copy from DVC's cache; False if a part is not there, or has other content."""
        for source, copy in self._cached_files(recorded, target):
            if not (source.is_file() and copy.resolve().is_relative_to(target.resolve())):
                # DVC writes no listing that leads out of its folder: the cache was tampered with.
                remove_path(target)
                return False
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        if is_as_recorded(target, recorded, self._root):
            return True
        remove_path(target)
        return False

    def _cached_files(self, recorded: RecordedHash, target: Path) -> Iterator[tuple[Path, Path]]:
        store = self._store(recorded)
        entry = Path(store.oid_to_path(recorded.value))
        if not recorded.is_of_folder:
            yield entry, target
            return
        if entry.is_file():
            target.mkdir(parents=True, exist_ok=True)
            for file in json.loads(entry.read_text(encoding="utf-8")):
                yield Path(store.oid_to_path(file["md5"])), target / file["relpath"]

    def _store(self, recorded: RecordedHash) -> Any:
        cache = self._repo.cache
        return cache.local if recorded.algorithm == MD5 else cache.legacy

    def _fetch_by_hash(self, recorded: RecordedHash, remote: str | None) -> str:
        """Fetch into DVC's cache; return why that was not possible, or nothing."""
        from dvc_data.hashfile.hash_info import HashInfo
        from dvc_data.hashfile.tree import Tree

        wanted = HashInfo(recorded.algorithm, recorded.value)
        name = remote or self._repo.config["core"].get("remote")
        if not name:
            return "DVC has no default remote"
        store = self._store(recorded)
        try:
            self._repo.cloud.pull([wanted], remote=name)
            if not store.exists(recorded.value):
                return f"DVC's remote {name} does not have it"
            if recorded.is_of_folder:
                files = [file for _, _, file in Tree.load(store, wanted)]
                self._repo.cloud.pull(files, remote=name)
        except Exception as error:  # noqa: BLE001 - each kind of remote raises what its library does
            return first_line(error)
        return ""

    def _fetch_by_path(self, entry: Entry) -> bool:
        """Have DVC fetch it as `dvc fetch` does, from where it was imported or by its version."""
        if not isinstance(entry, Output):
            return False
        try:
            self._repo.fetch(targets=[str(self._root / entry.path)])
        except Exception:  # noqa: BLE001 - as above; the reason of the remote is the one to report
            return False
        return True


@contextmanager
def recorded_content(root: Path, here: Path) -> Iterator[RecordedContent]:
    """Open DVC's stores for a checkout.

    root  the folder of the checkout that holds .dvc
    here  that of the user's repository, whose configuration counts: cache, remotes, credentials
    """
    from dvc.config import Config

    # What it would warn of is returned.
    logging.getLogger("dvc").setLevel(logging.ERROR)
    config = dict(Config(str(here / DVC_FOLDER))) if (here / DVC_FOLDER).is_dir() else {}
    cache = {"dir": str(here / DVC_FOLDER / "cache"), **config.get("cache", {})}
    with open_repo(root, {**config, "cache": cache}) as repo:
        yield RecordedContent(repo, root, here)


def copy_counted(source: Path, target: Path, root: Path) -> None:
    """Copy a file, or what DVC counts in a folder; with what links lead to."""
    if not source.is_dir():
        shutil.copyfile(source, target)
        return
    target.mkdir(exist_ok=True)
    for file in counted_files(source, root):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def remove_path(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
