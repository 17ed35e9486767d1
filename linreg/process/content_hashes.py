"""Content hashes of many files, divided among the processes of a stage.

Hashing takes longer than reading, so that several processes need a fraction of the time.
"""

from collections.abc import Sequence
from pathlib import Path

from linreg.files import content_hash, file_hash, files_in, missing_output
from linreg.process.workers import ALONE, Workers


def content_hashes(paths: Sequence[Path], workers: Workers = ALONE) -> dict[str, str]:
    """Return the `content_hash` of files and folders, by path.

    All processes must call it, and all must see the files. Raises UserError when one is absent.
    """
    for path in paths:
        if not path.exists():
            raise missing_output(path)
    files = sorted(
        (file for path in paths for file in files_in(path)),
        key=lambda file: (-file.stat().st_size, file),
    )
    own: list[tuple[str, str]] = []
    num_bytes = [0] * workers.size
    # The longest file first, each to the process with the fewest bytes so far.
    for file in files:
        rank = num_bytes.index(min(num_bytes))
        num_bytes[rank] += file.stat().st_size
        if rank == workers.rank:
            own.append((str(file), file_hash(file)))
    hashes = dict(workers.concatenate(own))
    return {str(path): content_hash(path, lambda file: hashes[str(file)]) for path in paths}
