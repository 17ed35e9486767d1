import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name

from linreg.tracking.journal.chart_names import chart_name
from linreg.tracking.journal.legal_names import MAX_LENGTH, with_legal_names


@given(st.dictionaries(st.text(min_size=0, max_size=300), st.integers(), max_size=8))
def test_mlflow_accepts_every_name_and_no_value_is_lost(values: dict[str, int]) -> None:
    legal = with_legal_names(values)
    assert list(legal.values()) == list(values.values())
    for name in legal:
        _validate_metric_name(name)  # type: ignore[no-untyped-call]
        assert len(name) <= MAX_LENGTH


@pytest.mark.parametrize("column", [".", "..", "/", "/x", "a//b", "../a", "b", "n" * 300, "µg"])
@pytest.mark.parametrize("prefix", ["theta.", "exact.", "standard_error."])
def test_the_coefficient_of_any_column_has_a_name_in_charts(prefix: str, column: str) -> None:
    [name] = with_legal_names({prefix + column: 1})
    _validate_metric_name(chart_name(name))  # type: ignore[no-untyped-call]
    assert len(chart_name(name)) <= 250


@pytest.mark.parametrize("name", ["train.lr", "test/mse", "theta.x1", "θ", "C: D-3 e"])
def test_names_that_mlflow_accepts_stay_as_they_are(name: str) -> None:
    assert with_legal_names({name: 1}) == {name: 1}


def test_names_that_become_equal_are_numbered() -> None:
    assert with_legal_names({"I(x*2)": 1, "I(x+2)": 2, "I(x^2)": 3}) == {
        "I_x_2_": 1,
        "I_x_2__2": 2,
        "I_x_2__3": 3,
    }
