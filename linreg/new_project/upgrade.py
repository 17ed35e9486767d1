"""The files of a project brought up to the installed linreg; what the user changed is kept."""

import ast
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg import __version__
from linreg.errors import UserError
from linreg.files import write_text
from linreg.git import query_git
from linreg.merging.merge_params import merge_by_line
from linreg.new_project.files import files_of_project, read_base, write_base
from linreg.params.edit import with_values
from linreg.params.file import PARAMS_FILE
from linreg.plain_yaml import read_yaml


@dataclass(frozen=True)
class Change:
    """What became of a file: in words, and, where it was left as it is, what would have changed."""

    name: str
    outcome: str
    difference: tuple[str, ...] = ()


def upgrade_project(folder: Path) -> tuple[str, list[Change]]:
    """Renew the files of a project; returns the version that last did so, and what changed.

    A file that is as linreg wrote it is replaced, and one that the user changed is merged, as git
    does it. Where both changed the same lines it stays as it is, and so does one that the user has
    removed. Raises UserError for a folder that was not set up by `linreg init`.
    """
    top = query_git("rev-parse", "--show-toplevel", folder=folder)
    new = files_of_project(folder.resolve(), Path(top).resolve() if top else None)
    version, base = read_base(folder)
    changes = []
    next_base = dict(base)
    for name, text in new.items():
        change, is_settled = _renew(folder / name, name, base.get(name), text)
        if change is not None:
            changes.append(change)
        if is_settled:
            next_base[name] = text
    for name in sorted(base.keys() - new.keys()):
        if (folder / name).exists():
            changes.append(Change(name, "is no longer a part of linreg, and is left as it is"))
        del next_base[name]
    if next_base != base or version != __version__:
        write_base(folder, __version__, next_base)
    return version, changes


def _renew(path: Path, name: str, base: str | None, new: str) -> tuple[Change | None, bool]:
    """Renew one file; returns what became of it, and whether it is now one with the new version."""
    if new == base:
        return None, True
    if not path.exists():
        if base is not None:
            return Change(name, "was removed here, and stays so"), True
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, new)
        return Change(name, "new"), True
    own = _text(path)
    if own == new:
        return None, True
    if own == base:
        _replace(path, new)
        return Change(name, "replaced"), True
    merged = None if base is None else _merge(own, base, new)
    if merged is not None and _is_valid(name, merged):
        _replace(path, merged)
        return Change(name, "merged with the changes made here"), True
    if name == str(PARAMS_FILE):
        _replace(path, with_values(own, _new_keys(own, base or "", new)))
        return Change(name, "new keys added"), True
    difference = difflib.unified_diff(
        (base or own).splitlines(), new.splitlines(), f"{name} before", f"{name} now", lineterm=""
    )
    what = "was changed here in the same lines, and is left as it is; linreg's own change:"
    return Change(name, what, tuple(difference)), False


def _merge(own: str, base: str, new: str) -> str | None:
    """Return the text with the changes of both, or None where they are in the same lines."""
    try:
        merged, has_conflicts = merge_by_line(base.encode(), own.encode(), new.encode())
    except OSError:
        raise UserError("git", "is not installed", todo="install it; it merges files") from None
    return None if has_conflicts else merged.decode()


def _is_valid(name: str, text: str) -> bool:
    """Tell whether a merged text can still be read: lines may merge, and what they mean not."""
    try:
        if name.endswith(".py"):
            ast.parse(text)
        elif name.endswith((".yaml", ".yml")):
            read_yaml(text, name)
    except (SyntaxError, UserError):
        return False
    return True


def _new_keys(own: str, base: str, new: str) -> dict[str, Any]:
    """Return the keys of parameters that neither the user's file nor the earlier version has."""
    known = {*_keys(own), *_keys(base)}
    return {name: value for name, value in _keys(new).items() if name not in known}


def _keys(text: str) -> dict[str, Any]:
    return dict(_items(read_yaml(text, PARAMS_FILE) or {}))


def _items(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, values in document.items():
        for key, value in (values or {}).items():
            yield f"{section}.{key}", value


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(path, "is not UTF-8 text", found=error) from None


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode
    write_text(path, text)
    path.chmod(mode)
