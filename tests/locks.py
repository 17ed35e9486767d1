"""The two lock files: what runs the pipeline and the commands, and what only tests and tools need.

`python -m tests.locks` writes both with the versions that are installed.
"""

import importlib.metadata
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
RUNTIME = ROOT / "requirements.lock"
DEVELOPMENT = ROOT / "requirements-dev.lock"
FOR_DEVELOPMENT = ("dev", "bench", "bench-spark")
"""The extras of linreg that are not for its users; what `make bench` needs is not locked."""
OF_CUDA = ("cuda-", "nvidia-", "triton")
"""How the libraries begin that PyTorch's build for CUDA needs; locked is the one for the CPU."""


def locked_versions() -> dict[Path, list[str]]:
    """Return the lines name==version of each lock file, in its order.

    A library is in the first if linreg needs it with all extras that users have, directly or not;
    in the second if only the extra `dev` does. pip itself is in neither. Raises
    PackageNotFoundError for a library that is needed and not installed.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    of_users = [each for name in extras if name not in FOR_DEVELOPMENT for each in extras[name]]
    runtime = closure([*project["dependencies"], *of_users])
    development = closure(each for each in extras["dev"] if not each.startswith("linreg["))
    return {RUNTIME: _lines(runtime), DEVELOPMENT: _lines(development - runtime - {"pip"})}


def closure(requirements: Iterable[str]) -> set[str]:
    """Return the normalized names of all libraries that these need here, themselves included.

    Those of CUDA are left out.
    """
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(each), "") for each in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name.startswith(OF_CUDA):
            continue
        for of_it in {"", *requirement.extras}:
            if (name, of_it) not in found:
                found.add((name, of_it))
                needed = importlib.metadata.requires(name) or []
                waiting += [(Requirement(each), of_it) for each in needed]
    return {name for name, _ in found}


def _lines(names: Iterable[str]) -> list[str]:
    installed = [importlib.metadata.distribution(name) for name in names]
    # PyTorch's build for the CPU calls itself 2.13.0+cpu, which is on no ordinary index.
    lines = [f"{each.name}=={each.version.partition('+')[0]}" for each in installed]
    return sorted(lines, key=str.lower)


if __name__ == "__main__":
    for path, lines in locked_versions().items():
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
