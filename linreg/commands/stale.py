"""Whether the outputs here belong to the parameters here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.params import PARAMS_FILE

LOCK = Path("dvc.lock")


def changed_parameters() -> list[str]:
    """Return the parameters, `section.key`, that differ from those that the stages last ran with,
    as dvc.lock says.
    """
    lock, now = _document(LOCK), _document(PARAMS_FILE)
    if not lock or not now:
        # nobody can tell
        return []
    return sorted({name for name, value in _locked(lock) if _at(now, name) != value})


def _locked(lock: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for stage in lock.get("stages", {}).values():
        for name, value in stage.get("params", {}).get(str(PARAMS_FILE), {}).items():
            # a whole section
            if "." not in name and isinstance(value, dict):
                yield from ((f"{name}.{key}", each) for key, each in value.items())
            else:
                yield name, value


def _at(document: dict[str, Any], name: str) -> Any:
    section, _, key = name.partition(".")
    within = document.get(section) or {}
    return within.get(key) if isinstance(within, dict) else None


def _document(path: Path) -> dict[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError, UnicodeDecodeError):
        return {}
    return document if isinstance(document, dict) else {}
