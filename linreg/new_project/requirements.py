"""The versions of linreg and of all that it needs, as they are installed: requirements.lock."""

import importlib.metadata
import re

from packaging.requirements import Requirement

REQUIREMENTS = "requirements.lock"


def requirements() -> str | None:
    """Return lines `name==version`, for `pip install -r`; None where linreg is not installed.

    Of a build such as torch 2.13.0+cpu the version is written, which names every build of it.
    """
    found: dict[str, str] = {}
    waiting: list[tuple[str, frozenset[str]]] = [("linreg", frozenset())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[_normalized(name)] = distribution.version.partition("+")[0]
        for text in distribution.requires or ():
            needed = Requirement(text)
            if _applies(needed, extras):
                waiting.append((_normalized(needed.name), frozenset(needed.extras)))
    return "".join(f"{name}=={found[name]}\n" for name in sorted(found)) or None


def _applies(needed: Requirement, extras: frozenset[str]) -> bool:
    if needed.marker is None:
        return True
    return any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _normalized(name: str) -> str:
    """Return the name by which packages are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
