"""`make env`: what it says before and while it installs, with pip itself and packages made here."""

import importlib.util
import re
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.project import ROOT


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with this interpreter's pip and no packages but those in tmp_path."""
    spec = importlib.util.spec_from_file_location("install", ROOT / ".ci/install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PIP", (sys.executable, "-m", "pip"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_IGNORE_INSTALLED", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return module


def make_wheel(folder: Path, name: str, version: str, requirement: str = "") -> None:
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requirement}\n" if requirement else ""
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        wheel.writestr(f"{info}/METADATA", head + needs)
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.mark.parametrize(
    ("version", "requirement", "has_cuda"),
    [
        ("", 'nvidia-cublas==13.1; platform_system == "Linux"', True),
        ("", "cuda-bindings>=13; sys_platform == 'linux'", True),
        ("+cpu", "sympy>=1.13", False),
        ("", "", False),
    ],
)
def test_a_torch_with_cuda_is_known_before_it_is_downloaded(
    version: str, requirement: str, has_cuda: bool, install: ModuleType, tmp_path: Path
) -> None:
    (locked,) = re.findall(r"^torch==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    make_wheel(tmp_path, "torch", locked + version, requirement)
    assert install._torch_has_cuda() == has_cuda


def test_without_an_answer_from_pip_there_is_no_warning(install: ModuleType) -> None:
    assert not install._torch_has_cuda()


def test_the_progress_counts_the_packages_that_pip_names(install: ModuleType) -> None:
    lines = [
        "Looking in indexes: https://example.org\n",
        "Collecting numpy==2.4.6 (from -r requirements.lock (line 1))\n",
        "  Downloading numpy-2.4.6-cp311-cp311-linux_x86_64.whl (16.2 MB)\n",
        "",
        "Collecting pandas==3.1.1\n",
    ]
    said = list(install._progress(iter(lines), 5))
    assert said == [
        "asking for the packages",
        "fetching 1 of 5: numpy",
        "fetching 1 of 5: numpy, 16.2 MB",
        "fetching 1 of 5: numpy, 16.2 MB",
        "fetching 2 of 5: pandas",
    ]
