"""params.yaml changed by a program: the values that change are replaced, every other byte stays as
it is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode

from linreg.errors import UserError
from linreg.files import new_file
from linreg.plain_yaml import read_yaml

_ABSENT = object()


def set_values(path: Path, values: Mapping[str, object]) -> bool:
    """Write `section.key: value` pairs into a file; returns whether anything changed."""
    text = path.read_bytes().decode("utf-8")
    changed = with_values(text, values)
    if changed == text:
        return False
    with new_file(path) as partial:
        partial.write_bytes(changed.encode("utf-8"))
        partial.chmod(path.stat().st_mode)
    return True


def with_values(text: str, values: Mapping[str, object]) -> str:
    """Return a YAML text in which `section.key` has a value; comments, layout and all other lines
    are kept.

    A value that is already there is not touched, however it is written. A key or section that is
    not there is added. Raises UserError for a text that is not a mapping of sections in block
    style.
    """
    root, now = _parsed(text)
    edits: list[tuple[int, int, str]] = []
    new: dict[str, object] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        _, body = _child(root, section) or (None, None)
        if (
            isinstance(body, MappingNode)
            and body.flow_style
            and not _same(now[section].get(key, _ABSENT), value)
        ):
            todo = "write its keys on lines of their own"
            raise UserError(f"params.yaml: {section}", "cannot be changed within { }", todo=todo)
        found = _child(body, key) if isinstance(body, MappingNode) else None
        if found is None:
            new[name] = value
        elif not _same(now[section][key], value):
            edits.append(_replacement(text, *found, _written(value)))
    for start, end, instead in sorted(edits, reverse=True):
        text = text[:start] + instead + text[end:]
    for name, value in new.items():
        section, _, key = name.partition(".")
        text = _with_key(text, section, key, _written(value))
    return text


def _with_key(text: str, section: str, key: str, value: str) -> str:
    """Return the text with a key that its section has not, or that has no section yet."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    root, _ = _parsed(text)
    of_section = _child(root, section)
    if of_section is None:
        gap = line_end if text else ""
        return f"{_ended(text, line_end)}{gap}{section}:{line_end}  {key}: {value}{line_end}"
    head, body = of_section
    is_empty = not isinstance(body, MappingNode)
    end = _line_after(text, head.end_mark.index if is_empty else _end(body.value[-1][1]))
    indent = "  " if is_empty else " " * body.start_mark.column
    return f"{_ended(text[:end], line_end)}{indent}{key}: {value}{line_end}{text[end:]}"


def _parsed(text: str) -> tuple[Any, Any]:
    """Return the nodes of a YAML text, which know their places, and its plain data."""
    now = read_yaml(text, "params.yaml") or {}
    return YAML(pure=True).compose(text), now


def _replacement(text: str, name: Any, old: Any, new: str) -> tuple[int, int, str]:
    """Return from where to where a value, with what follows it, gives way to what."""
    start, end = old.start_mark.index, _end(old)
    if old.start_mark.line == name.start_mark.line:
        rest = text[end : _line_after(text, end)]
        comment = rest.lstrip(" ")
        # it stays in its column, if the value leaves room
        if comment.startswith("#"):
            spaces = len(rest) - len(comment) + (end - start) - len(new)
            return start, end + len(rest), f"{new}{' ' * max(2, spaces)}{comment}"
        return start, end, new
    # A block below its key: the new value stands beside the key, the lines of the block go.
    colon = text.index(":", name.end_mark.index) + 1
    block = text.rindex("\n", 0, start) + 1
    return colon, _line_after(text, end), f" {new}{text[colon:block]}"


def _child(node: Any, key: str) -> tuple[Any, Any] | None:
    if node is None:
        return None
    if not isinstance(node, MappingNode):
        raise UserError("params.yaml", "must hold sections", found=getattr(node, "value", node))
    return next(((name, value) for name, value in node.value if name.value == key), None)


def _end(node: Any) -> int:
    """Where a node ends: a block's own mark lies behind the comments that follow it."""
    if isinstance(node.value, list) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_after(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _ended(text: str, line_end: str) -> str:
    return text if not text or text.endswith("\n") else text + line_end


def _same(now: object, value: object) -> bool:
    return now is not _ABSENT and json.dumps(now, sort_keys=True) == json.dumps(
        value, sort_keys=True
    )


def _written(value: object) -> str:
    """Write a value on one line: plain text where YAML reads it back as such, else in double
    quotes.
    """
    match value:
        case str():
            return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
        case dict():
            return "{" + ", ".join(f"{key}: {_written(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_written_in_list(each) for each in value) + "]"
        case _:
            return json.dumps(value)


def _written_in_list(value: object) -> str:
    """Text without quotes must not hold a comma or a bracket there."""
    if isinstance(value, str) and not value.isidentifier():
        return json.dumps(value, ensure_ascii=False)
    return _written(value)


def _is_plain(value: str) -> bool:
    try:
        read = YAML(typ="safe", pure=True).load(f"k: {value}  # c")
        return bool(value) and "\n" not in value and bool(read == {"k": value})
    except (YAMLError, ValueError):
        return False
