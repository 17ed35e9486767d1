"""Where compiled kernels are kept from one process to the next."""

import hashlib
import os
import shutil
from pathlib import Path

import numba

PACKAGE = Path(__file__).resolve().parents[1]
NUM_KEPT = 4
"""Versions of our code whose kernels are kept, the newest; each takes up to some MB."""


def use_private_cache() -> bool:
    """Let numba cache kernels in a folder per version of our code; tell whether that is safe.

    numba compiles a kernel again when its own file has changed, but not when that of a kernel it
    calls has; hence the hash of all code. It unpickles what it finds in its cache; hence nobody
    else may write there. NUMBA_CACHE_DIR is the user's own choice and is trusted.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return True
    versions = _cache_folder(PACKAGE)
    if versions is None:
        return False
    folder = versions / sources_hash(PACKAGE)
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    if not _is_private(folder):
        return False
    if not any(folder.iterdir()):
        # The first process with this version.
        _remove_all_but_newest(versions)
    return True


def _cache_folder(package: Path) -> Path | None:
    """Return where the versions lie: in a clone itself, else in the user's folder for caches.

    None for a user without a home folder.
    """
    project = package.parent
    if (project / "pyproject.toml").is_file():
        return project / ".linreg/kernels"
    from platformdirs import user_cache_path

    try:
        return user_cache_path("linreg", appauthor=False) / "kernels"
    except RuntimeError:
        return None


def sources_hash(package: Path) -> str:
    """Return an MD5 over the names and contents of a package's source files."""
    digest = hashlib.md5(usedforsecurity=False)
    for file in sorted(package.rglob("*.py")):
        # No source holds a zero byte.
        name = file.relative_to(package).as_posix().encode()
        digest.update(b"\0".join([name, file.read_bytes(), b""]))
    return digest.hexdigest()


def _is_private(folder: Path) -> bool:
    """Create a folder if need be, and tell whether nobody else can write into it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _remove_all_but_newest(versions: Path) -> None:
    """Remove the kernels of old versions; a process that still uses them compiles its own anew."""
    try:
        by_age = sorted(versions.iterdir(), key=lambda folder: folder.stat().st_mtime)
    except OSError:
        # Another process is removing them.
        return
    for folder in by_age[:-NUM_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
