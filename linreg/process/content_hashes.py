"""Content hashes of many files, which the processes of a stage compute together: hashing takes
longer than reading.
"""

from collections.abc import Sequence
from pathlib import Path

from linreg.files import content_hash, file_hash, files_in
from linreg.process.workers import ALONE, Workers


def content_hashes(paths: Sequence[Path], workers: Workers = ALONE) -> dict[str, str]:
    """Return `content_hash` of files and folders by their names; all processes must call it, and
    all see the files.
    """
    files = sorted(
        (file for path in paths for file in files_in(path)),
        key=lambda file: (-file.stat().st_size, file),
    )
    own, bytes_of = [], [0] * workers.size
    # the longest first, each to the process that has least to do
    for file in files:
        rank = bytes_of.index(min(bytes_of))
        bytes_of[rank] += file.stat().st_size
        if rank == workers.rank:
            own.append((str(file), file_hash(file)))
    known = dict(workers.gather_all(own))
    return {str(path): content_hash(path, lambda file: known[str(file)]) for path in paths}
