"""The first difference of two archives (zip), member by member, or of two files under gzip."""

import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from linreg.verify.differences.difference import ABSENT, Description, Difference

ZIP_SUFFIXES = (".docx", ".jar", ".pptx", ".pt", ".pth", ".whl", ".xlsx", ".zip")
Compare = Callable[[Path, Path, str], Difference | None]


def zip_difference(expected: Path, found: Path, name: str, compare: Compare) -> Difference | None:
    """Return the first difference within a member, or a member that one archive lacks.

    compare  finds the first difference of two files

    Where all members are the same: their order, or the date of one of them.
    """
    try:
        with zipfile.ZipFile(expected) as first, zipfile.ZipFile(found) as second:
            names = [sorted(each.namelist()) for each in (first, second)]
            for member in sorted({*names[0], *names[1]}):
                kinds = [Description("a file") if member in each else ABSENT for each in names]
                if kinds[0] != kinds[1]:
                    return Difference.between(name, f"member {member}", *kinds)
                if first.read(member) != second.read(member):
                    inner = _in_member(first, second, member, compare)
                    if inner:
                        where = f"member {member}" + (f": {inner.where}" if inner.where else "")
                        return replace(inner, path=name, where=where)
            return _order_or_date(first, second, name)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error) as error:
        # A member may be encrypted, or compressed in a way that Python does not know.
        raise ValueError(str(error)) from None


def gzip_difference(expected: Path, found: Path, name: str, compare: Compare) -> Difference | None:
    """Return the first difference of what two files hold under gzip; raises ValueError for none."""
    with tempfile.TemporaryDirectory(prefix="linreg-") as scratch:
        copies = [Path(scratch, side, Path(name).stem) for side in ("expected", "found")]
        for path, copy in zip((expected, found), copies, strict=True):
            copy.parent.mkdir()
            try:
                with gzip.open(path) as source, copy.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except (OSError, EOFError, zlib.error) as error:
                raise ValueError(str(error)) from None
        inner = compare(copies[0], copies[1], copies[1].name)
    return replace(inner, path=name) if inner else None


def _in_member(
    first: zipfile.ZipFile, second: zipfile.ZipFile, member: str, compare: Compare
) -> Difference | None:
    # A member may name a path outside of the folder that it is extracted to.
    plain = PurePosixPath(member).name
    with tempfile.TemporaryDirectory(prefix="linreg-") as scratch:
        copies = [Path(scratch, side, plain) for side in ("expected", "found")]
        for archive, copy in zip((first, second), copies, strict=True):
            copy.parent.mkdir()
            with archive.open(member) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)
        return compare(copies[0], copies[1], plain)


def _order_or_date(first: zipfile.ZipFile, second: zipfile.ZipFile, name: str) -> Difference | None:
    for a, b in zip(first.infolist(), second.infolist(), strict=True):
        if a.filename != b.filename:
            values = (Description(each.filename) for each in (a, b))
            return Difference.between(name, "order of members", *values, same_values=True)
        if a.date_time != b.date_time:
            dates = (Description(str(datetime(*each.date_time))) for each in (a, b))
            where = f"date of member {a.filename}"
            return Difference.between(name, where, *dates, same_values=True)
    return None
