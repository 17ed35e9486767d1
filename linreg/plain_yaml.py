"""YAML read as plain data: no tag in it calls anything, and no alias multiplies it."""

import re
from itertools import chain
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode
from ruamel.yaml.reader import ReaderError

from linreg.errors import UserError

MOST_BY_ALIASES = 100_000
"""How many values a text with aliases may expand to; one without aliases may be of any length.

A line `b: &b [*a, *a]` has twice the values of the line before it, so that forty lines expand to
10¹² values. Without a limit a stage would take all memory, and the kernel would kill it without a
message.
"""


def read_yaml(text: str, where: object) -> Any:
    """Return a YAML text as dictionaries, lists, text, numbers and the like; None for an empty one.

    Raises UserError, with the line in `where`, for what is not YAML, holds any other tag, or
    expands to more than MOST_BY_ALIASES values.
    """
    yaml = YAML(typ="safe", pure=True)
    # An anchor may be defined twice: an alias means the last one before it.
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(text)
        counts: dict[int, int] = {}
        if root is None:
            return None
        if _count_values(root, counts) > max(MOST_BY_ALIASES, len(counts)):
            what = f"expands to more than {MOST_BY_ALIASES} values by its aliases"
            raise UserError(where, what, todo="write the values themselves")
        return yaml.constructor.construct_document(root)
    except YAMLError as error:
        if has_conflict_markers(text):
            what, todo = "has git's conflict markers", "resolve them in an editor first"
            raise UserError(where, what, todo=todo) from None
        line, found = _place(error, text)
        raise UserError(f"{where}{line}", "is not valid YAML", found=found) from None
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise not_plain(where, error) from None


def has_conflict_markers(text: str) -> bool:
    """Whether git has left both sides of a merge in a text."""
    return re.search(r"^(<{7}|>{7})( |\r?$)", text, re.MULTILINE) is not None


def not_plain(where: object, error: object) -> UserError:
    """Return the error for a value that is none of those that parameters have."""
    what = "holds a value that is not a number, text, list or section"
    return UserError(where, what, found=error)


def _count_values(node: Any, counts: dict[int, int]) -> int:
    """Return how many values a node expands to; `counts` has those of the nodes seen so far."""
    if id(node) not in counts:
        # A node that contains itself finds this number: it has no end.
        counts[id(node)] = MOST_BY_ALIASES + 1
        children = node.value if isinstance(node, CollectionNode) else []
        if isinstance(node, MappingNode):
            children = chain.from_iterable(children)
        counts[id(node)] = 1 + sum(_count_values(child, counts) for child in children)
    return counts[id(node)]


def _place(error: YAMLError, text: str) -> tuple[str, object]:
    """Return the line of an error, as `: line 3`, and what is wrong there."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f": line {error.problem_mark.line + 1}", str(error.problem).removeprefix("found ")
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f": line {line}", f"the character {text[error.position]!r}"
    return "", error
