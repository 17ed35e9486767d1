"""The distributions as pip installs them, in environments that do not see this clone."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.locks import closure
from tests.project import ROOT

LIGHT = ROOT / "packaging/linreg-predict"


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and an empty folder in which its commands run."""

    folder: Path
    work: Path

    @property
    def site_packages(self) -> Path:
        """The folder that holds what was installed into it."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, such as linreg or python."""
        done = subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            cwd=self.work,
            env={
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder / "home"),
                "LINREG_SYNC": "later",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


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
    libraries = Path(str(importlib.metadata.distribution("torch").locate_file("")))
    return _environment(tmp_path_factory.mktemp("installed"), wheel, libraries)


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


def _environment(folder: Path, wheel: Path, libraries: Path) -> Environment:
    venv.create(folder / "venv", symlinks=True)
    (folder / "work").mkdir()
    environment = Environment(folder / "venv", folder / "work")
    (environment.site_packages / "libraries.pth").write_text(f"{libraries}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(environment.folder / "bin/python")]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True,
        capture_output=True,
    )
    return environment
