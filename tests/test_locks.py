"""The lock files say what pyproject.toml and the installed libraries' own requirements say."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.locks import DEVELOPMENT, RUNTIME, closure, locked_versions


def names_in(lock: Path) -> set[str]:
    return {canonicalize_name(line.partition("==")[0]) for line in lock.read_text().split()}


@pytest.mark.locked
@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT], ids=lambda lock: lock.name)
def test_a_lock_holds_what_is_needed_and_nothing_else(lock: Path) -> None:
    """`python -m tests.locks` writes both."""
    assert lock.read_text().splitlines() == locked_versions()[lock]


def test_no_library_is_in_both_locks() -> None:
    assert not names_in(RUNTIME) & names_in(DEVELOPMENT)


def test_no_tool_is_among_what_the_pipeline_runs_with() -> None:
    tools = {"mypy", "pytest", "ruff", "hypothesis", "pip-audit", "build", "hatchling", "moto"}
    assert tools <= names_in(DEVELOPMENT)
    assert {"torch", "mlflow", "dvc", "duckdb", "deltalake", "python-calamine"} <= names_in(RUNTIME)


def test_both_together_lock_the_build_without_isolation() -> None:
    """`make env` installs linreg itself with --no-build-isolation."""
    text = (RUNTIME.parent / "pyproject.toml").read_text()
    (backend,) = re.findall(r'^requires = \["(.*)"\]$', text, re.MULTILINE)
    assert closure([Requirement(backend).name]) <= names_in(RUNTIME) | names_in(DEVELOPMENT)
