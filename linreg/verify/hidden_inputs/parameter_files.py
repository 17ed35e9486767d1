"""A file of parameters without those that a stage does not declare.

What is kept is written as it stood, since another notation may be another value to another reader:
1e-3 is a number in YAML 1.2, and text to PyYAML.
"""

import ast
import io
import json
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from linreg.errors import UserError
from linreg.plain_yaml import read_yaml

_ALIAS = re.compile(r"(^|[\s\[,])\*\w", re.MULTILINE)
Key = tuple[str, ...]
"""A parameter, by the names of the sections that it is in: `train.lr` is ("train", "lr")."""


def undeclared_keys(text: str, suffix: str, declared: Collection[str]) -> list[Key]:
    """Return what a file of parameters holds besides the declared ones: values, not sections.

    suffix  the file's, such as .yaml
    """
    names = [tuple(each.split(".")) for each in declared]
    return list(_others(_plain_document(text, suffix), names, ()))


def without_keys(text: str, suffix: str, removed: Collection[Key]) -> str:
    """Return the file without some keys, and without the sections of which nothing is left."""
    if suffix == ".py":
        return _python_without(text, removed)
    load, dump = _FORMATS.get(suffix, (_load_yaml, _dump_yaml))
    document = load(text)
    for key in removed:
        _delete(document, key)
    return dump(document)


def with_other_values(text: str, suffix: str, keys: Collection[Key], *, words: bool) -> str:
    """Return the file with other values of the same types, to tell whether they are used.

    Numbers stay within the usual ranges: integers grow by 1, others are halved. Text, which often
    is one of a few words, changes with `words` only.
    """
    if suffix == ".py":
        return _python_changed(text, keys, words)
    load, dump = _FORMATS.get(suffix, (_load_yaml, _dump_yaml))
    document = load(text)
    for key in keys:
        section = document
        for each in key[:-1]:
            section = section[_as_written(section, each)]
        last = _as_written(section, key[-1])
        section[last] = _other_value(section[last], words)
    return dump(document)


def _others(value: Any, declared: Collection[Key], key: Key) -> Iterator[Key]:
    if key in declared:
        return
    if isinstance(value, dict) and (value or not key):
        for name, each in value.items():
            yield from _others(each, declared, (*key, str(name)))
    # Of a list whose items are declared, all of it is kept: without one, others had other numbers.
    elif not any(each[: len(key)] == key for each in declared):
        yield key


def _delete(document: Any, key: Key) -> None:
    """Delete a key, and the sections around it that are empty then."""
    *sections, last = key
    path = [document]
    for name in sections:
        path.append(path[-1][_as_written(path[-1], name)])
    del path[-1][_as_written(path[-1], last)]
    if sections and not path[-1]:
        _delete(document, tuple(sections))


def _as_written(section: Any, name: str) -> Any:
    """Return the key that is spelled so, which may be a number."""
    return next(each for each in section if str(each) == name)


def _other_value(value: Any, words: bool) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return int(value) + 1
    if isinstance(value, float):
        return float(value) / 2 if value else 0.5
    if isinstance(value, str):
        return f"{value}x" if words else value
    if isinstance(value, list | tuple):
        return [_other_value(each, words) for each in value]
    return value


def _load_yaml(text: str) -> Any:
    if _ALIAS.search(text):
        # What an alias stands for is written out, so that removing it there leaves it here.
        return _unshared(read_yaml(text, "parameters")) or {}
    return _yaml().load(text) or {}


def _unshared(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unshared(each) for name, each in value.items()}
    return [_unshared(each) for each in value] if isinstance(value, list) else value


def _dump_yaml(document: Any) -> str:
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    return yaml


def _load_toml(text: str) -> Any:
    # Imported here because only DVC needs it otherwise.
    import tomlkit

    return tomlkit.parse(text)


def _dump_toml(document: Any) -> str:
    import tomlkit

    return tomlkit.dumps(document)


def _dump_json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_FORMATS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    ".json": (json.loads, _dump_json),
    ".toml": (_load_toml, _dump_toml),
}
"""Other suffixes are YAML, as to DVC."""


def _plain_document(text: str, suffix: str) -> Any:
    if suffix == ".py":
        return _python_values(ast.parse(text))
    return _FORMATS.get(suffix, (_load_yaml, _dump_yaml))[0](text)


def _python_values(tree: ast.Module | ast.ClassDef) -> dict[str, Any]:
    """Return the variables with plain values, and those of classes, which are DVC's parameters."""
    values: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            values[node.name] = _python_values(node)
        elif name := _variable(node):
            values[name] = None
    return values


def _variable(node: ast.stmt) -> str | None:
    """Return the name of the variable that a statement sets to a plain value."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target = node.target
    else:
        return None
    try:
        ast.literal_eval(node.value or target)
    except ValueError:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _python_without(text: str, removed: Collection[Key]) -> str:
    lines = text.splitlines(keepends=True)
    dropped: set[int] = set()

    def drop(tree: ast.Module | ast.ClassDef, key: Key) -> None:
        for node in tree.body:
            numbers = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if isinstance(node, ast.ClassDef):
                drop(node, (*key, node.name))
                if all(each.lineno in dropped for each in node.body):
                    dropped.update(numbers)
            elif (name := _variable(node)) and (*key, name) in removed:
                dropped.update(numbers)

    drop(ast.parse(text), ())
    return "".join(line for number, line in enumerate(lines, 1) if number not in dropped)


def _python_changed(text: str, keys: Collection[Key], words: bool) -> str:
    tree = ast.parse(text)

    def change(section: ast.Module | ast.ClassDef, key: Key) -> None:
        for node in section.body:
            if isinstance(node, ast.ClassDef):
                change(node, (*key, node.name))
            elif (name := _variable(node)) and (*key, name) in keys:
                value = ast.literal_eval(node.value)  # type: ignore[attr-defined]
                node.value = ast.parse(repr(_other_value(value, words)), mode="eval").body  # type: ignore[attr-defined]

    change(tree, ())
    return ast.unparse(tree)


def read_text(path: Path) -> str:
    """Return a file of parameters; raises UserError for one that is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(path, "is not UTF-8", found=error) from None
