"""Lines at the beginning of a text file that belong to no table: skipped, comments, `sep=;`."""

import re
from pathlib import Path
from typing import NamedTuple

from linreg.data.csv.sample_rows import lines_of
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions

_SIGNS = ("#", "%", "//", "*")
_DELIMITER_LINE = re.compile(r'"?sep= ?(\\t|[^\r\n])\1*"?[,;\t]*\s*', re.IGNORECASE)


class Beginning(NamedTuple):
    """What stands above the first line that may belong to a table.

    start       where that line begins, in characters
    delimiter   what a line such as `sep=;` says; None where there is none
    comments    the comment lines, unless `ingest.comment` says which these are
    """

    start: int
    delimiter: str | None
    comments: tuple[str, ...]

    @property
    def possible_names(self) -> str:
        """The last comment line, without a sign that a blank sets apart."""
        if not self.comments:
            return ""
        sign, _, names = self.comments[-1].partition(" ")
        return names if sign in _SIGNS else self.comments[-1]


def read_beginning(path: Path, text: str, options: ReadOptions) -> Beginning:
    """Pass over the lines at the beginning of a text; raises UserError if all are to be skipped."""
    lines = lines_of(text)
    end = 0
    for number in range(options.skip):
        end, line = next(lines, (end, ""))
        if not line:
            raise UserError(
                path,
                f"has {number} lines, but ingest.skip leaves out {options.skip}",
                todo="set ingest.skip to the number of lines above the header",
            )
    start = end
    end, line = next(lines, (end, ""))
    delimiter = None
    if match := _DELIMITER_LINE.fullmatch(line):
        delimiter = "\t" if match[1] == r"\t" else match[1]
        start = end
        end, line = next(lines, (end, ""))
    comments = []
    while options.comment is None and line:
        if line.startswith(_SIGNS):
            comments.append(line.strip())
        elif line.strip():
            break
        if end == len(text):
            # Nothing else is there: let it be the table.
            return Beginning(start, delimiter, ())
        if line.startswith(_SIGNS):
            start = end
        end, line = next(lines, (end, ""))
    return Beginning(start, delimiter, tuple(comments))
