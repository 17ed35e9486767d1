"""The sections of params.yaml that belong to stages of the user's own."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from linreg.plain_yaml import read_yaml

PARAMS = "params.yaml"


def own_sections(dvc_yaml: Path) -> set[str]:
    """Return the sections that the stages in a dvc.yaml name, in `params` or as `${section.key}`.

    There are none where the file is absent. Raises UserError for one that is not YAML.
    """
    try:
        text = dvc_yaml.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return set()
    document = read_yaml(text, dvc_yaml.name)
    stages = document.get("stages") if isinstance(document, dict) else None
    names = set(re.findall(r"\$\{\s*([^\s.}\[]+)", text))
    for stage in stages.values() if isinstance(stages, dict) else ():
        body = stage.get("do", stage) if isinstance(stage, dict) else {}
        names |= {name.partition(".")[0] for name in _parameters(body)}
    return names


def _parameters(stage: Any) -> Iterator[str]:
    """Yield the parameters in params.yaml that a stage depends on, as they are named there."""
    for entry in (stage.get("params") if isinstance(stage, dict) else None) or []:
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict):
            yield from (str(name) for name in entry.get(PARAMS) or [])
