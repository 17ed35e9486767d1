"""Hidden inputs of many kinds are found, and nothing is reported of stages that have none."""

import pytest

from linreg.verify.hidden_inputs.findings import Examination, Outcome
from linreg.verify.hidden_inputs.report import examine_stages
from linreg.verify.hidden_inputs.trace import why_not_traced
from linreg.verify.repository.checkout import checkout
from linreg.verify.repository.isolation import isolated_environment
from tests.verify.hidden_inputs.conftest import Plant
from tests.verify.hidden_inputs.planted import CLEAN, PLANTED

# DVC's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
Examinations = dict[str, Examination]


@pytest.fixture(scope="module")
def examinations(plant_stages: Plant) -> Examinations:
    """Examine one repository with all stages."""
    if why_not_traced():
        pytest.skip(why_not_traced())
    plant_stages({**PLANTED, **CLEAN})
    with checkout() as project:
        project.copy_inputs()
        environment = isolated_environment(project.root, with_our_python=False)
        _, examinations = examine_stages(project, environment)
    return {each.stage.name: each for each in examinations}


@pytest.mark.very_slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_input_is_named_with_the_line_to_add(
    examinations: Examinations, name: str
) -> None:
    found = examinations[name]
    assert found.outcome is Outcome.HIDDEN
    assert ", ".join(sorted(each.name for each in found.hidden)) == PLANTED[name].hidden
    assert tuple(found.lines_to_add()) == PLANTED[name].add


@pytest.mark.very_slow
@pytest.mark.parametrize("name", CLEAN)
def test_a_stage_that_declares_all_has_no_hidden_input(
    examinations: Examinations, name: str
) -> None:
    found = examinations[name]
    assert (found.outcome, found.hidden, found.reason) == (Outcome.COMPLETE, (), "")
    assert found.unopened == ()
