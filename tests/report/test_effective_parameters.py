"""Only parameters whose change could have changed a result are shown."""

from linreg.params.params import Params, flatten
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


def test_values_are_as_they_were() -> None:
    parameters = flatten(Params())
    shown = effective_parameters(parameters, is_generated=True, has_categories=True)
    assert shown.items() <= parameters.items()
