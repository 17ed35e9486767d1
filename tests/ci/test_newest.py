"""The newest versions of the libraries: `.ci/newest`, and the workflow that runs it."""

import subprocess
import tomllib
from typing import Any

from packaging.requirements import Requirement
from ruamel.yaml import YAML

from tests.project import ROOT

WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (ROOT / ".github/workflows/newest.yml").read_text()
)


def requirements(pyproject: str) -> list[Requirement]:
    """What the library and its extras require, but for the extras of linreg itself."""
    project = tomllib.loads(pyproject)["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    found = [Requirement(each) for each in [*project["dependencies"], *extras]]
    return [each for each in found if each.name != "linreg"]


def test_lifted_ranges_are_those_of_pyproject_without_an_upper_bound() -> None:
    lifted = subprocess.run(
        [ROOT / ".ci/lifted_ranges"], capture_output=True, text=True, check=True
    )
    after = requirements(lifted.stdout)
    before = requirements((ROOT / "pyproject.toml").read_text())
    assert [each.name for each in after] == [each.name for each in before]
    for old, new in zip(before, after, strict=True):
        assert {each.operator for each in new.specifier} == {">="}
        (oldest,) = (each.version for each in new.specifier)
        assert oldest in {each.version for each in old.specifier}
        assert new.specifier.contains("1000000")


def test_each_week_a_job_that_may_only_read_tries_them_within_the_ranges_and_beyond() -> None:
    # YAML 1.1 reads `on` as true.
    (triggers,) = (WORKFLOW[key] for key in ("on", True) if key in WORKFLOW)
    (each_week,) = (each["cron"] for each in triggers["schedule"])
    assert each_week.split()[2:] == ["*", "*", "1"]
    assert "workflow_dispatch" in triggers
    assert WORKFLOW["permissions"] == {"contents": "read"}
    (job,) = WORKFLOW["jobs"].values()
    assert job["timeout-minutes"]
    assert set(job["strategy"]["matrix"]["options"]) == {"", "--lifted"}
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert not [command for command in commands if "${{" in command]
    assert any(".ci/newest" in command for command in commands)
    assert (ROOT / ".ci/newest").stat().st_mode & 0o111
