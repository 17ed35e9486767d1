"""params.yaml changed by a program: values are replaced, and every other byte stays as it is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode

from linreg.errors import UserError
from linreg.files import new_file
from linreg.params.params import RENAMED
from linreg.plain_yaml import read_yaml

_WORDS_OF_YAML_1_1 = ("y", "n", "yes", "no", "on", "off")
"""Other readers take these for true and false."""

LONG_ENTRY = 40
"""A longer one stands on a line of its own."""


def set_values(path: Path, values: Mapping[str, object]) -> bool:
    """Write values into a file by their names `section.key`; returns whether the file changed."""
    text = path.read_bytes().decode("utf-8")
    changed = with_values(text, values)
    if changed == text:
        return False
    with new_file(path) as partial:
        partial.write_bytes(changed.encode("utf-8"))
        partial.chmod(path.stat().st_mode)
    return True


def with_values(text: str, values: Mapping[str, object]) -> str:
    """Return a YAML text in which each `section.key` has its value.

    Comments, layout and all other lines are kept, and a value that is there already is not
    rewritten. Keys and sections that are missing are added. Raises UserError for a text that is not
    a mapping of sections, and for one whose layout allows no such change.
    """
    wanted = _sections(text)
    for old, (new, _) in RENAMED.items():
        section, key = old.split(".")
        if new in values and key in (wanted.get(section) or {}):
            new_key = new.split(".")[1]
            wanted[section] = {new_key if k == key else k: v for k, v in wanted[section].items()}
            text = _with_key_renamed(text, section, key, new_key)
    for name, value in values.items():
        section, _, key = name.partition(".")
        before = wanted.get(section) or {}
        if key not in before or not _same(before[key], value):
            wanted[section] = {**before, key: value}
            text = _with_value(text, section, key, value)
            if not _is_read_as(wanted, text):
                raise UserError(
                    f"params.yaml: {name}",
                    "cannot be changed by a program in this layout",
                    todo="write each key on a line of its own, without aliases",
                )
    return text


def _with_value(text: str, section: str, key: str, value: object) -> str:
    root = YAML(pure=True).compose(text)
    found_section = _child(root, section)
    if found_section is None:
        line_end = _line_end(text)
        gap = line_end if text else ""
        head = f"{_with_last_line_ended(text)}{gap}{section}:{line_end}"
        return f"{head}  {key}: {as_yaml(value)}{line_end}"
    name, body = found_section
    if not isinstance(body, MappingNode):
        return _with_line(text, name.end_mark.index, f"  {key}: {as_yaml(value)}")
    if (found := _child(body, key)) is not None:
        return _with_value_replaced(text, *found, as_yaml(value, in_braces=body.flow_style))
    entry = f"{key}: {as_yaml(value, in_braces=True)}"
    if body.flow_style and not body.value and len(entry) > LONG_ENTRY:
        # Below the name of an empty section, which leaves the comment there in sight.
        start, end = body.start_mark.index, _end(body)
        text = f"{text[:start].rstrip(' ')}{text[end:]}"
        return _with_line(text, name.end_mark.index, f"  {entry}")
    if body.flow_style:
        return _with_key_in_braces(text, body, entry)
    indent = " " * body.start_mark.column
    return _with_line(text, _end(body), f"{indent}{key}: {as_yaml(value)}")


def _with_key_renamed(text: str, section: str, key: str, new_key: str) -> str:
    _, body = _child(YAML(pure=True).compose(text), section) or ("", None)
    name, _ = _child(body, key) or (None, None)
    assert name is not None, "the text was read with this key"
    return f"{text[: name.start_mark.index]}{new_key}{text[name.end_mark.index :]}"


def _with_line(text: str, index: int, line: str) -> str:
    """Insert a line below the one that holds the character at `index`."""
    end = _start_of_next_line(text, index)
    return f"{_with_last_line_ended(text[:end])}{line}{_line_end(text)}{text[end:]}"


def _with_key_in_braces(text: str, body: MappingNode, entry: str) -> str:
    if body.value:
        end = _end(body.value[-1][1])
        return f"{text[:end]}, {entry}{text[end:]}"
    start = body.start_mark.index + 1
    return f"{text[:start]}{entry}{text[start:]}"


def _with_value_replaced(text: str, name: Any, old: Any, new: str) -> str:
    start, end = old.start_mark.index, _end(old)
    if old.start_mark.line != name.start_mark.line:
        # A block below its key: the new value goes on the line of the key, in place of the block.
        after_colon = text.index(":", name.end_mark.index) + 1
        block = text.rindex("\n", 0, start) + 1
        rest = text[_start_of_next_line(text, end) :]
        return f"{text[:after_colon]} {new}{text[after_colon:block]}{rest}"
    rest = text[end : _start_of_next_line(text, end)]
    comment = rest.lstrip(" ")
    if comment.startswith("#"):
        # The comment stays in its column if the value leaves room.
        spaces = len(rest) - len(comment) + (end - start) - len(new)
        return f"{text[:start]}{new}{' ' * max(2, spaces)}{comment}{text[end + len(rest) :]}"
    return f"{text[:start]}{new}{text[end:]}"


def _sections(text: str) -> dict[str, Any]:
    document = read_yaml(text, "params.yaml")
    document = {} if document is None else document
    if not isinstance(document, dict):
        raise UserError("params.yaml", "must hold sections", found=document)
    for name, values in document.items():
        if not isinstance(values, dict | None):
            raise UserError(f"params.yaml: {name}", "must be a section", found=values)
    return document


def _is_read_as(wanted: Mapping[str, Any], text: str) -> bool:
    try:
        return _same(_sections(text), wanted)
    except UserError:
        return False


def _child(node: Any, key: str) -> tuple[Any, Any] | None:
    """Return the nodes of a key and of its value; None for a key that a mapping does not have."""
    if not isinstance(node, MappingNode):
        return None
    return next(((name, value) for name, value in node.value if name.value == key), None)


def _end(node: Any) -> int:
    """Return the index after a node; a block's own mark lies after the comments that follow it."""
    if isinstance(node.value, list) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _start_of_next_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _with_last_line_ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + _line_end(text)


def _same(a: object, b: object) -> bool:
    """Compare plain data with their types: 1, 1.0 and true are three values."""
    first, second = (json.dumps(each, sort_keys=True, default=repr) for each in (a, b))
    return first == second


def as_yaml(value: object, *, in_braces: bool = False) -> str:
    """Return a value on one line: plain text where YAML reads it as such, else double quotes."""
    match value:
        case str():
            # Within brackets or braces, plain text must not hold a comma or a bracket.
            is_plain = value.isidentifier() or not in_braces
            is_plain = is_plain and value.lower() not in _WORDS_OF_YAML_1_1
            is_plain = is_plain and _is_read_as({"s": {"k": value}}, f"s:\n  k: {value}  # c")
            return value if is_plain else json.dumps(value, ensure_ascii=False)
        case dict():
            entries = [
                f"{as_yaml(str(key), in_braces=True)}: {as_yaml(each, in_braces=True)}"
                for key, each in value.items()
            ]
            return f"{{{', '.join(entries)}}}"
        case list() | tuple():
            return f"[{', '.join(as_yaml(each, in_braces=True) for each in value)}]"
        case _:
            return json.dumps(value)
