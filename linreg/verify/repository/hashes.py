"""The hash of a file or folder as DVC computes it, without DVC's memory of earlier hashes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from linreg.verify.repository.stages import CHECKABLE, MD5, RecordedHash


def found_hash(path: Path, algorithm: str, root: Path) -> RecordedHash | None:
    """Return the hash of what lies at a path; None where nothing does.

    algorithm  one of CHECKABLE
    root       the folder that holds .dvc, whose .dvcignore says what does not count in a folder
    """
    if not path.exists():
        return None
    if path.is_dir():
        return RecordedHash(algorithm, _hash_of_folder(path, algorithm, root))
    return RecordedHash(algorithm, _hash_of_file(path, algorithm))


def is_as_recorded(path: Path, recorded: RecordedHash, root: Path) -> bool:
    """Tell whether a file or folder is what was recorded."""
    is_checkable = recorded.algorithm in CHECKABLE
    return is_checkable and found_hash(path, recorded.algorithm, root) == recorded


def differs_in_line_ends(path: Path, recorded: RecordedHash) -> bool:
    """Tell whether a text file is what was recorded but for its line ends: LF, there CRLF.

    So it is where dvc.lock was written on Windows, where git turns LF into CRLF in a checkout, as
    many programs do in what they write.
    """
    if recorded.algorithm != MD5 or not path.is_file():
        return False
    content = path.read_bytes()
    if b"\0" in content or b"\r\n" in content:
        return False
    of_windows = content.replace(b"\n", b"\r\n")
    return hashlib.md5(of_windows, usedforsecurity=False).hexdigest() == recorded.value


def counted_files(folder: Path, root: Path) -> Iterator[Path]:
    """Yield the files in a folder that DVC counts, all but those that .dvcignore names."""
    # Imported here because they take half a second.
    from dvc.fs import localfs
    from dvc.ignore import DvcIgnoreFilter

    for inner, _, names in DvcIgnoreFilter(localfs, str(root)).walk(localfs, str(folder)):
        yield from (Path(inner, name) for name in names)


def _hash_of_folder(folder: Path, algorithm: str, root: Path) -> str:
    listing = [
        {"md5": _hash_of_file(file, algorithm), "relpath": file.relative_to(folder).as_posix()}
        for file in counted_files(folder, root)
    ]
    text = json.dumps(sorted(listing, key=lambda file: file["relpath"]), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def _hash_of_file(path: Path, algorithm: str) -> str:
    from dvc_data.hashfile.hash import file_md5

    return str(file_md5(str(path), name=algorithm))
