"""What a Python file imports, wherever in it that stands."""

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from linreg.errors import UserError
from linreg.files import file_hash, write_json

Import = tuple[int, str, tuple[str, ...]]
"""The leading dots of `from ..module import a, b`, the module, and the names."""


class ImportReader:
    """Reads the imports of files, and remembers them by the MD5 of the file.

    Parsing takes about 4 ms a file. `cache` is a file that may be absent, damaged or not writable;
    it is written on exit.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known = _read_cache(cache)
        self._used: dict[str, Sequence[Import]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._used.keys() <= self._known.keys():
            return
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._cache, self._known | self._used)
        except (OSError, UserError):
            # It only saves time.
            return

    def imports_of(self, path: Path) -> Sequence[Import]:
        """Return the imports of a file; raises UserError where it is not Python."""
        key = file_hash(path)
        if key not in self._used:
            known = self._known.get(key)
            self._used[key] = _parse(path) if known is None else known
        return self._used[key]


def _parse(path: Path) -> Sequence[Import]:
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError) as error:
        raise UserError(path, "is not valid Python", found=error) from None
    found: set[Import] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {(0, alias.name, ()) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            found.add((node.level, node.module or "", names))
    return sorted(found)


def _read_cache(path: Path) -> dict[str, Sequence[Import]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(key): [(int(level), str(module), tuple(names)) for level, module, names in imports]
            for key, imports in document.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
