"""The stages of a checkout run with nothing but what they declare, and what is printed of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from linreg.text import count_of
from linreg.verify.hidden_inputs.examiner import Examiner
from linreg.verify.hidden_inputs.findings import Examination, Outcome
from linreg.verify.hidden_inputs.trace import why_not_traced
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.pipeline_run import run_pipeline
from linreg.verify.repository.results import StageResult

_COMPLETE = (Outcome.COMPLETE, Outcome.NOT_EXAMINED)


def examine_stages(
    checkout: Checkout, environment: Mapping[str, str]
) -> tuple[list[StageResult], list[Examination]]:
    """Run all stages, each in the whole repository and with nothing but what it declares."""
    examiner = Examiner(checkout, environment)
    results = run_pipeline(checkout, environment, run=examiner.run)
    return results, examiner.examinations


def all_complete(examinations: Sequence[Examination]) -> bool:
    """Tell whether no stage reads anything that it does not declare."""
    return all(each.outcome in _COMPLETE for each in examinations)


def describe_examinations(examinations: Sequence[Examination]) -> list[str]:
    """Return what is printed of the stages, and of how they were examined."""
    lines = [line for each in examinations for line in each.lines()]
    if reason := why_not_traced():
        lines += [
            f"not traced: {reason}. What the outputs depend on was found by leaving files out; what"
            " is read without an effect on them, by an absolute path or in the home directory was"
            " not"
        ]
    hidden = sum(len(each.hidden) for each in examinations)
    examined = sum(each.outcome is not Outcome.NOT_EXAMINED for each in examinations)
    return [*lines, f"hidden inputs: {hidden or 'none'} in {count_of(examined, 'stage')}"]


def examinations_as_json(examinations: Sequence[Examination]) -> dict[str, Any]:
    """Return the same as a JSON document."""
    return {
        "not_traced": why_not_traced() or None,
        "stages": [each.as_json() for each in examinations],
    }
