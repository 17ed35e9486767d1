"""Hidden inputs of many kinds are found, and nothing is reported of stages that have none."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from linreg.verify.hidden_inputs.examiner import Examiner
from linreg.verify.hidden_inputs.findings import Examination, Outcome
from linreg.verify.hidden_inputs.trace import why_not_traced
from linreg.verify.repository.checkout import checkout
from linreg.verify.repository.isolation import isolated_environment
from linreg.verify.repository.pipeline_run import run_pipeline
from tests.verify.hidden_inputs.planted import CLEAN, PLANTED, plant

# DVC's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
Examinations = dict[str, Examination]


def run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True)


@pytest.fixture(scope="module")
def examinations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examinations]:
    """Examine one repository with all stages."""
    if why_not_traced():
        pytest.skip(why_not_traced())
    folder = tmp_path_factory.mktemp("planted").resolve()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@localhost")
        repository = plant(folder, {**PLANTED, **CLEAN}, run=run)
        patch.chdir(repository)
        with checkout() as project:
            project.copy_inputs()
            environment = isolated_environment(project.root, with_our_python=False)
            examiner = Examiner(project, environment)
            run_pipeline(project, environment, run=examiner.run)
        yield {each.stage.name: each for each in examiner.examinations}


@pytest.mark.very_slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_input_is_named_with_the_line_to_add(
    examinations: Examinations, name: str
) -> None:
    found = examinations[name]
    assert found.outcome is Outcome.HIDDEN
    assert [each.name for each in found.hidden] == [PLANTED[name].hidden]
    assert tuple(found.lines_to_add()) == PLANTED[name].add


@pytest.mark.very_slow
@pytest.mark.parametrize("name", CLEAN)
def test_a_stage_that_declares_all_has_no_hidden_input(
    examinations: Examinations, name: str
) -> None:
    found = examinations[name]
    assert (found.outcome, found.hidden, found.reason) == (Outcome.COMPLETE, (), "")
