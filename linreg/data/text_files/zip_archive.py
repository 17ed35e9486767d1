"""ZIP archives that hold one file."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from linreg.errors import UserError

_ENCRYPTED = 1
"""The bit of a member's flags that says so."""
_LEFT_BY_SYSTEMS = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


@contextmanager
def open_only_member(path: Path, most_bytes: int, most_times: int) -> Iterator[IO[bytes]]:
    """Yield the one file in an archive, to be read.

    Folders, and what macOS and Windows add, do not count. Raises UserError for an archive that is
    damaged or encrypted, or that holds several files or none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = _only_member(path, archive.infolist())
            if member.file_size > max(most_bytes, most_times * member.compress_size):
                raise UserError(
                    path,
                    f"holds more than {most_times} times its size",
                    found=f"{member.file_size} bytes from {member.compress_size}",
                    todo="an archive like that fills a disk: unpack it yourself if it is a table",
                )
            with archive.open(member) as file:
                yield file
    except zipfile.BadZipFile as error:
        todo = "copy or download it again: ZIP archives end with their list of files"
        raise UserError(path, "is a damaged ZIP archive", found=error, todo=todo) from None
    except NotImplementedError as error:
        todo = f"unpack it: `unzip {path}`"
        raise UserError(path, "is compressed in an unusual way", found=error, todo=todo) from None


def _only_member(path: Path, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    files = [each for each in members if not (each.is_dir() or _is_left_by_a_system(each.filename))]
    if not files:
        raise UserError(path, "is a ZIP archive without files", todo="put a table into it")
    if len(files) > 1:
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        raise UserError(
            path,
            f"is a ZIP archive of {len(files)} files",
            found=", ".join(each.filename for each in files[:5]) + more,
            todo="unpack it into a folder, and name that or one of the files:"
            f" `unzip {path} -d FOLDER`",
        )
    if files[0].flag_bits & _ENCRYPTED:
        todo = f"unpack it with its password: `unzip {path}`"
        raise UserError(path, "is an encrypted ZIP archive", todo=todo)
    return files[0]


def _is_left_by_a_system(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1] in _LEFT_BY_SYSTEMS or parts[-1].startswith("._")
