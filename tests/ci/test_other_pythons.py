"""Which other Pythons `.ci/run` may choose from."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT

SUPPORTED = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHERS = [version for version in SUPPORTED if version != OWN]


def other_pythons(path: Path, pyenv: Path) -> list[str]:
    """What the script finds where only these folders may have other Pythons."""
    environment = {"PATH": f"{path}:/usr/bin:/bin", "PYENV_ROOT": str(pyenv)}
    done = subprocess.run(
        [ROOT / ".ci/other_pythons", sys.executable],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def link_python(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(sys.executable)
    return path


def test_one_of_each_version_is_found_on_the_path_before_pyenv(tmp_path: Path) -> None:
    first, second = OTHERS[:2]
    link_python(tmp_path / f"bin/python{first}")
    link_python(tmp_path / f"pyenv/versions/{first}.1/bin/python")
    in_pyenv = link_python(tmp_path / f"pyenv/versions/{second}.1/bin/python")
    found = other_pythons(tmp_path / "bin", tmp_path / "pyenv")
    assert found[:2] == [f"python{first}", str(in_pyenv)]


def test_a_shim_without_its_version_and_the_own_version_are_no_others(tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    for version in OTHERS:
        (shims / f"python{version}").write_text("#!/bin/sh\nexit 127\n")
        (shims / f"python{version}").chmod(0o755)
    link_python(tmp_path / f"pyenv/versions/{OWN}.1/bin/python")
    assert other_pythons(shims, tmp_path / "pyenv") == []
