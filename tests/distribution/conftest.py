"""The distributions as pip installs them, in environments that do not see this clone."""

import importlib.metadata
import subprocess
import sys
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.distribution.environment import Environment
from tests.locks import closure
from tests.project import ROOT

LIGHT = ROOT / "packaging/linreg-predict"
LOCKED = [Path(entry) for entry in sys.path if entry.endswith("site-packages")]
"""Where the libraries are that the tests run with."""


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel of linreg, and the wheel of linreg-predict."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    for arguments in ([str(ROOT)], ["--wheel", str(LIGHT)]):
        subprocess.run([*build, *arguments], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    (found,) = distributions.glob("linreg-*.whl")
    return found


@pytest.fixture(scope="session")
def light_wheel(distributions: Path) -> Path:
    (found,) = distributions.glob("linreg_predict-*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The distribution linreg, with the locked libraries."""
    return _environment(tmp_path_factory.mktemp("installed"), wheel, *LOCKED)


@pytest.fixture(scope="session")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """This clone, installed as `make env` does it."""
    options = ("--no-build-isolation", "--editable")
    return _environment(tmp_path_factory.mktemp("editable"), ROOT, *LOCKED, options=options)


@pytest.fixture(scope="session")
def light(light_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The distribution linreg-predict, with its own dependencies and no other library."""
    folder = tmp_path_factory.mktemp("light")
    libraries = folder / "libraries"
    libraries.mkdir()
    project = tomllib.loads((LIGHT / "pyproject.toml").read_text())["project"]
    for name in closure(project["dependencies"]):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            (libraries / top).symlink_to(Path(str(distribution.locate_file(top))))
    return _environment(folder, light_wheel, libraries)


def _environment(
    folder: Path, requirement: Path, *libraries: Path, options: Sequence[str] = ()
) -> Environment:
    venv.create(folder / "venv", symlinks=True)
    (folder / "work").mkdir()
    environment = Environment(folder / "venv", folder / "work")
    (environment.site_packages / "libraries.pth").write_text("\n".join(map(str, libraries)))
    pip = [sys.executable, "-m", "pip", "--python", str(environment.folder / "bin/python")]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", *options, str(requirement)],
        check=True,
        capture_output=True,
    )
    return environment
