"""What is built holds all that it needs, and nothing that is not the project's."""

import io
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import linreg
from tests.project import ROOT

pytestmark = pytest.mark.slow


def tracked(*paths: str, others: bool = False) -> set[str]:
    options = ["--others", "--exclude-standard"] if others else ["--cached"]
    done = subprocess.run(
        ["git", "ls-files", *options, "--", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name for name in done.stdout.splitlines() if (ROOT / name).is_file()}


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {each: archive.read(each) for each in archive.namelist()}


def metadata(wheel: Path) -> Message:
    (text,) = (data for name, data in contents(wheel).items() if name.endswith("/METADATA"))
    return Parser().parse(io.StringIO(text.decode()))


@pytest.mark.parametrize("name", ["wheel", "light_wheel"])
def test_every_file_of_the_package_is_in_the_wheel_and_no_other_package(
    name: str, request: pytest.FixtureRequest
) -> None:
    names = set(contents(request.getfixturevalue(name)))
    own = {each for each in names if each.startswith("linreg/")}
    project = {each for each in own if each.startswith("linreg/project/")}
    assert own - project == tracked("linreg") | tracked("linreg", others=True)
    assert all(each.split("/")[0].endswith(".dist-info") for each in names - own)
    assert {"linreg/py.typed", "linreg/report/templates/report.css"} <= own


def test_the_files_of_a_project_are_this_repositorys_own(wheel: Path) -> None:
    prefix = "linreg/project/"
    project = {
        name.removeprefix(prefix): data
        for name, data in contents(wheel).items()
        if name.startswith(prefix)
    }
    assert {"dvc.yaml", "params.yaml", ".gitignore", ".dvc/config", ".dvcignore"} <= set(project)
    assert tracked("stages") <= set(project)
    assert {name: (ROOT / name).read_bytes() for name in project} == project


def test_what_dvc_draws_plots_with_is_among_them(wheel: Path) -> None:
    """dvc.yaml and .dvc/config name these templates."""
    templates = {"coefficients.json", "logarithmic.json", "page.html", "LICENSES.txt"}
    assert {f"linreg/project/.dvc/plots/{name}" for name in templates} <= set(contents(wheel))


@pytest.mark.parametrize("name", ["wheel", "light_wheel"])
def test_the_metadata_say_which_version_it_is_and_that_it_has_types(
    name: str, request: pytest.FixtureRequest
) -> None:
    found = metadata(request.getfixturevalue(name))
    assert found["Version"] == linreg.__version__
    assert found["License-Expression"] == "MIT"
    assert found["Requires-Python"] == ">=3.11"


def test_the_light_distribution_asks_for_nothing_that_the_whole_does_not(
    wheel: Path, light_wheel: Path
) -> None:
    """Each dependency in the same range, so that a model predicts the same."""
    whole, light = (
        {each for each in metadata(path).get_all("Requires-Dist", []) if "extra" not in each}
        for path in (wheel, light_wheel)
    )
    assert light < whole


@pytest.mark.parametrize("name", ["wheel", "light_wheel"])
def test_a_checker_of_wheels_has_nothing_to_say(name: str, request: pytest.FixtureRequest) -> None:
    checker = [str(Path(sys.executable).with_name("check-wheel-contents"))]
    done = subprocess.run(
        [*checker, str(request.getfixturevalue(name))], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stdout


def test_the_sdist_is_what_git_tracks(distributions: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        found = {each.split("/", 1)[1] for each in archive.getnames()}
    assert tracked() <= found
    assert found <= tracked() | tracked(others=True) | {"PKG-INFO"}


def test_the_sdist_builds_the_same_wheel_as_the_clone(wheel: Path, tmp_path: Path) -> None:
    """`wheel` was built from the sdist."""
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()
