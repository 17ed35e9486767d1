"""Names as MLflow allows them: formulas and file names hold characters that it does not."""

import posixpath
import re
from collections.abc import Mapping
from typing import TypeVar

from linreg.tracking.journal.chart_names import chart_name

MAX_LENGTH = 244
"""MLflow takes 250 characters, of which `chart_name` may add six."""
_Value = TypeVar("_Value")


def with_legal_names(values: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return the values with every character that MLflow forbids in a name replaced by `_`.

    Names that become equal get `_2`, `_3`, … in their order, so that no value is lost.
    """
    legal: dict[str, _Value] = {}
    for name, value in values.items():
        stem = candidate = _legal(name)
        number = 1
        while candidate in legal:
            number += 1
            candidate = f"{stem[: MAX_LENGTH - 4]}_{number}"
        legal[candidate] = value
    return legal


def _legal(name: str) -> str:
    name = re.sub(r"[^\w.\- :/]", "_", name)[:MAX_LENGTH]
    is_legal = _is_path(name) and _is_path(chart_name(name))
    return name if is_legal else re.sub(r"[./]", "_", name) or "_"


def _is_path(name: str) -> bool:
    """Whether a name is also a path: `a//b` and `../a` are refused."""
    return name == posixpath.normpath(name) and name != "." and not name.startswith(("..", "/"))
