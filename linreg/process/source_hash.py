"""Which code is running, as one hash: that of a commit, or of files that no commit has."""

import hashlib
from pathlib import Path

from linreg.files import content_hash


def code_hash(folder: Path = Path()) -> str:
    """Return an MD5 over the sources in a project's folder and the versions of the libraries that
    it locks.

    The same files give the same hash wherever the folder lies; what Python leaves beside them does
    not count.
    """
    files = [
        *folder.glob("linreg/**/*.py"),
        *folder.glob("stages/*.py"),
        *folder.glob("requirements.lock"),
    ]
    lines = sorted(
        f"{file.relative_to(folder).as_posix()} {content_hash(file)}\n" for file in files
    )
    return hashlib.md5("".join(lines).encode(), usedforsecurity=False).hexdigest()
