"""The digests of files and folders that a certificate holds."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from linreg.certificate.statement import FileDigest, FolderDigest, Subject
from linreg.files import files_in

FilesOf = Callable[[Path], Iterable[Path]]
"""Which files in a folder count: by default all."""
_BLOCK = 1 << 20


def digest_file(path: Path) -> FileDigest:
    """Read a file once, and return its SHA-256 and its MD5."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            md5.update(block)
    return FileDigest(sha256=sha256.hexdigest(), md5=md5.hexdigest())


def digest_folder(files: Mapping[str, FileDigest]) -> FolderDigest:
    """Return the digests of a folder from those of its files, by their paths in it.

    https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md#dirhash
    """
    by_bytes = sorted(files, key=lambda name: name.encode())
    lines = "".join(f"{files[name].sha256}  {name}\n" for name in by_bytes)
    listing = [{"md5": files[name].md5, "relpath": name} for name in sorted(files)]
    md5 = hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False)
    return FolderDigest(
        dir_hash=hashlib.sha256(lines.encode()).hexdigest(), dvc_dir_md5=md5.hexdigest()
    )


def digest_path(path: Path, files_of: FilesOf = files_in) -> FileDigest | FolderDigest:
    """Return the digests of a file or a folder."""
    return digest_folder(digest_files(path, files_of)) if path.is_dir() else digest_file(path)


def digest_files(folder: Path, files_of: FilesOf = files_in) -> dict[str, FileDigest]:
    """Return the digests of the files below a folder by their paths in it."""
    return {file.relative_to(folder).as_posix(): digest_file(file) for file in files_of(folder)}


def subjects_of(name: str, path: Path, files_of: FilesOf = files_in) -> list[Subject]:
    """Return the subjects for an output: the file, or the folder and each file in it."""
    if not path.is_dir():
        return [Subject(name=name, digest=digest_file(path))]
    files = digest_files(path, files_of)
    of_files = [Subject(name=f"{name}/{each}", digest=digest) for each, digest in files.items()]
    return [Subject(name=name, digest=digest_folder(files)), *of_files]


def files_below(
    name: str, subjects: Mapping[str, FileDigest | FolderDigest]
) -> dict[str, FileDigest]:
    """Return the files that the subjects name below a folder, by their paths in it."""
    return {
        each.removeprefix(f"{name}/"): digest
        for each, digest in subjects.items()
        if each.startswith(f"{name}/") and isinstance(digest, FileDigest)
    }
