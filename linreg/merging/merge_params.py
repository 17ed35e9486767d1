"""The merge of two versions of params.yaml, in which neighbouring lines do not get in the way.

Git takes changes in lines that follow each other for a conflict, such as another learning rate on
one side and another batch size on the other.
"""

import re
import tempfile
from pathlib import Path

from linreg.errors import UserError
from linreg.git import run_git
from linreg.merging.three_way import UNKNOWN, differences, merge_values
from linreg.plain_yaml import read_yaml

PARAMS_NAME = "params.yaml"
_CONFLICT = re.compile(
    r"^<{7} ours\r?\n(.*?)^\|{7} base\r?\n(.*?)^={7}\r?\n(.*?)^>{7} theirs\r?\n",
    re.DOTALL | re.MULTILINE,
)


def merge_params(base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, bool]:
    """Return the merged text and whether conflicts are left in it, which are then those of git."""
    text, has_conflicts = merge_by_line(base, ours, theirs)
    if not has_conflicts:
        return text, False
    with_base, _ = merge_by_line(base, ours, theirs, with_base=True)
    try:
        merged = _CONFLICT.sub(_resolve, with_base.decode())
        values = [read_yaml(each.decode(), PARAMS_NAME) for each in (base, ours, theirs)]
        if differences(read_yaml(merged, PARAMS_NAME), merge_values(*values)):
            return text, True
    except (UserError, UnicodeDecodeError):
        return text, True
    return merged.encode(), False


def merge_by_line(
    base: bytes, ours: bytes, theirs: bytes, *, with_base: bool = False
) -> tuple[bytes, bool]:
    """Return what git makes of three versions of a file, and whether conflicts are left in it.

    `with_base` shows the lines of the common ancestor in each conflict.
    """
    options = ["-L", "ours", "-L", "base", "-L", "theirs", *(["--diff3"] if with_base else [])]
    with tempfile.TemporaryDirectory() as scratch:
        for number, content in enumerate((base, ours, theirs)):
            (Path(scratch) / f"{number}").write_bytes(content)
        done = run_git("merge-file", "-p", *options, "1", "0", "2", folder=Path(scratch))
    return done.stdout, done.returncode != 0


def _resolve(conflict: re.Match[str]) -> str:
    """Merge each line by itself where all sides have as many; else leave the conflict."""
    ours, base, theirs = (part.splitlines(keepends=True) for part in conflict.groups())
    if not len(ours) == len(base) == len(theirs):
        return conflict[0]
    merged = [merge_values(*lines) for lines in zip(base, ours, theirs, strict=True)]
    return conflict[0] if UNKNOWN in merged else "".join(merged)
