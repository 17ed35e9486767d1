"""One hash of the code that is running, whether it is a commit's or was never committed."""

import hashlib
from pathlib import Path

from linreg.files import content_hash


def code_hash(folder: Path = Path()) -> str:
    """Return an MD5 over a project's sources and the versions of the libraries that it locks.

    The same files give the same hash wherever the folder is; compiled files do not count.
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
