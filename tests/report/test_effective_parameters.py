"""Only parameters whose change could have changed a result are shown."""

import pytest

from linreg.params.evaluate import Evaluate
from linreg.params.params import Params, flatten
from linreg.params.split import Split
from linreg.params.train import Train
from linreg.report.effective_parameters import STEPS, effective_parameters


def test_what_only_gradient_descent_reads_is_shown_with_it_alone() -> None:
    for solver in ("sgd", "exact"):
        parameters = flatten(Params(train=Train(solver=solver)))
        assert set(parameters) >= STEPS
        shown = effective_parameters(parameters, is_generated=True, has_categories=False)
        assert ("train.lr" in shown) == (solver == "sgd")
        assert "train.collinear" in shown


def test_what_is_switched_off_or_about_other_data_is_not_shown() -> None:
    parameters = flatten(Params(train=Train(l2=0.5, average=0.0)))
    shown = effective_parameters(parameters, is_generated=False, has_categories=False)
    assert shown["train.l2"] == 0.5
    assert shown["train.penalty_scale"] == "units"
    assert not {"train.l1", "train.penalty_scale"} & set(
        effective_parameters(flatten(Params()), is_generated=False, has_categories=False)
    )
    assert not {"train.average", "model.unseen", "model.weights", "generate.rows"} & set(shown)
    assert not [name for name in shown if name.startswith(("tracking.", "generate."))]
    with_both = effective_parameters(parameters, is_generated=True, has_categories=True)
    assert {"model.unseen", "generate.rows"} <= set(with_both)


@pytest.mark.parametrize(
    ("errors", "by", "is_shown"),
    [
        ("auto", "row", False),
        ("HC1", "group:g", False),
        ("auto", "group:g", True),
        ("cluster:g", "row", True),
        ("HAC:1", "time:t", True),
    ],
)
def test_the_correction_of_small_samples_is_shown_with_the_errors_that_have_it(
    errors: str, by: str, is_shown: bool
) -> None:
    parameters = flatten(Params(evaluate=Evaluate(errors=errors), split=Split(by=by)))
    shown = effective_parameters(parameters, is_generated=True, has_categories=True)
    assert ("evaluate.small_sample" in shown) == is_shown


def test_values_are_as_they_were() -> None:
    parameters = flatten(Params())
    shown = effective_parameters(parameters, is_generated=True, has_categories=True)
    assert shown.items() <= parameters.items()
