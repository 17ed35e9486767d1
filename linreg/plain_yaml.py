"""YAML as plain data: no tag of it calls anything, and no alias makes a billion values of ten
lines.
"""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode
from ruamel.yaml.reader import ReaderError

from linreg.errors import UserError

MOST_BY_ALIASES = 100_000
"""How many values a text may spell out to where it holds aliases; without any it may hold as many
as it has.
"""


class AliasError(ValueError):
    """A text spells out to too many values."""


def read_yaml(text: str, where: object) -> Any:
    """Return a YAML text as dictionaries, lists, text, numbers and the like; None for an empty one.

    Raises UserError, with the line in `where`, for what is no YAML, holds a tag of some other kind,
    or spells out to more than MOST_BY_ALIASES values by its aliases.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    try:
        return yaml.load(text)
    except YAMLError as error:
        line, found = _place(error, text)
        raise UserError(f"{where}{line}", "is not valid YAML", found=found) from None
    except AliasError:
        what = f"spells out to more than {MOST_BY_ALIASES} values by its aliases"
        raise UserError(where, what, todo="write the values themselves") from None
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise not_plain(where, error) from None


def not_plain(where: object, error: object) -> UserError:
    """The error for a value that is none of those that parameters have."""
    return UserError(where, "holds something that is no number, text, list or section", found=error)


class _Constructor(SafeConstructor):
    """Builds nothing before it is known how much there is to build."""

    def get_single_data(self) -> Any:
        self.composer.warn_double_anchors = (
            # YAML allows them: an alias means the last one before it
            False
        )
        node = self.composer.get_single_node()
        if node is None:
            return None
        sizes: dict[int, int] = {}
        if _size(node, sizes) > max(MOST_BY_ALIASES, len(sizes)):
            raise AliasError
        return self.construct_document(node)


def _size(node: Any, sizes: dict[int, int]) -> int:
    """Return how many values a node spells out to; `sizes` holds those of the nodes seen, each
    counted once.
    """
    if not isinstance(node, CollectionNode):
        return sizes.setdefault(id(node), 1)
    if id(node) not in sizes:
        # what a node that holds itself finds: without end
        sizes[id(node)] = MOST_BY_ALIASES + 1
        parts = (
            part
            for entry in node.value
            for part in (entry if isinstance(entry, tuple) else (entry,))
        )
        sizes[id(node)] = 1 + sum(_size(part, sizes) for part in parts)
    return sizes[id(node)]


def _place(error: YAMLError, text: str) -> tuple[str, object]:
    """Return in which line an error is, and what is wrong there."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f": line {error.problem_mark.line + 1}", str(error.problem).removeprefix("found ")
    if isinstance(error, ReaderError):
        return (
            f": line {text.count(chr(10), 0, error.position) + 1}",
            f"the character {text[error.position]!r}",
        )
    return "", error
