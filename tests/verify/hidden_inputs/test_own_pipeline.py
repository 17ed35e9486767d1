"""A stage of linreg's own declares its modules by code.lock: another one is a hidden input."""

import subprocess
import sys
from pathlib import Path

import pytest

from linreg.verify.hidden_inputs.trace import why_not_traced
from tests.project import Project, copy_of_the_project

IMPORT = '    import importlib\n\n    importlib.import_module(".".join(("linreg", "markdown")))\n'
LOAD = "    params = load_params()\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which only the table is generated, of few rows."""
    project = copy_of_the_project(tmp_path, sends=False)
    project.set_params(rows=50)
    project.run("dvc", "repro", "generate")
    project.run("git", "commit", "-qam", "few rows")
    return project


def verify(project: Project) -> subprocess.CompletedProcess[str]:
    """Examine the stage, which is no fork of a process that has opened its modules before."""
    command = [sys.executable, "-m", "linreg", "verify", "--declared-only", "--stage", "generate"]
    return subprocess.run(
        command,
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.very_slow
def test_a_module_that_code_lock_does_not_know_is_named(project: Project) -> None:
    if why_not_traced():
        pytest.skip(why_not_traced())
    done = verify(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "\ngenerate: reads only what it declares\nhidden inputs: none in 1 stage\n" in done.stdout
    )

    script = project.folder / "stages/generate.py"
    text = script.read_text()
    assert LOAD in text
    script.write_text(text.replace(LOAD, IMPORT + LOAD))
    project.run("dvc", "repro", "generate")
    project.run("git", "commit", "-qam", "an import by a computed name")
    done = verify(project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "\ngenerate: HIDDEN INPUTS\n  linreg/markdown.py: is opened\n" in done.stdout
    assert "    deps:\n      - linreg/markdown.py\n" in done.stdout
