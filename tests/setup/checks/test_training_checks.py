"""What is said about a training before it begins: too few rows."""

from linreg.params.split import Split
from linreg.setup.checks.training_checks import check_training_rows


def test_nothing_is_said_about_enough_rows() -> None:
    assert check_training_rows(500, 4, Split()) is None
    assert check_training_rows(6, 4, Split()) is None


def test_fewer_training_rows_than_coefficients_stop_the_training() -> None:
    found = check_training_rows(5, 4, Split())
    assert found is not None
    assert found.message == "3 training rows are too few for 4 coefficients."


def test_a_table_that_cannot_be_split_stops_at_the_split() -> None:
    found = check_training_rows(1, 2, Split())
    assert found is not None
    assert found.action == "The split will stop with this error."
