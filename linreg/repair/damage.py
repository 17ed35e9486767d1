"""Damage of a file: that its end is missing, for which there must be proof, or anything else."""

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from linreg.plain_yaml import has_conflict_markers


@dataclass(frozen=True)
class Damage:
    """What is wrong with a file.

    what          in words
    is_truncated  whether it is certain that the file was whole up to where it ends: all that is
                  wrong is at its end. Only such a file may be removed
    todo          what a person has to do about any other
    """

    path: Path
    what: str
    is_truncated: bool = False
    todo: str = ""


class DamagedError(Exception):
    """A document cannot be read; holds its Damage."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(damage.what)
        self.damage = damage


def read_document(path: Path, todo: str) -> object:
    """Read a file of YAML; raises DamagedError when it holds none, with `todo` for any other damage
    than a missing end.
    """
    content = path.read_bytes()
    if not content.strip(b"\0 \r\n"):
        raise DamagedError(Damage(path, "is empty", is_truncated=True))
    if b"\0" in content:
        # The blocks of a file whose size was on the disk before a power failure, and they were not.
        raise DamagedError(Damage(path, "has bytes of zero", is_truncated=True))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        truncated = error.end == len(content) and error.reason == "unexpected end of data"
        raise DamagedError(Damage(path, "is not UTF-8", truncated, todo)) from None
    if has_conflict_markers(text):
        what = "has the markers of a merge conflict"
        raise DamagedError(Damage(path, what, todo="resolve the conflict"))
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        what = f"is no YAML: {' '.join(str(error.problem).split())}"
        raise DamagedError(Damage(path, what, _stops_in_a_line(error, text), todo)) from None
    except (YAMLError, ValueError, RecursionError) as error:
        what = f"is no YAML: {' '.join(str(error).split())}"
        raise DamagedError(Damage(path, what, todo=todo)) from None


def _stops_in_a_line(error: MarkedYAMLError, text: str) -> bool:
    """Tell whether the parser had read every line when it failed, and the last one has no end.

    Complete lines are YAML, unless a quotation mark is missing.
    """
    mark = error.problem_mark
    if mark is None or mark.line < len(text.rstrip("\n").splitlines()) - 1:
        return False
    return not text.endswith("\n") or "end of stream" in str(error.problem)
