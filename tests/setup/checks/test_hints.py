"""Hints: what the user may know better than the data show."""

from collections.abc import Callable

from linreg.setup.checks.finding import CheckContext
from linreg.setup.checks.hints import check_features, check_rows, check_target
from linreg.setup.survey.column_survey import Survey
from tests.setup.conftest import CLEAN, N


def context_of(survey: Survey) -> CheckContext:
    return CheckContext(survey, 0.7, {}, "price")


def test_clean_data_give_no_hint(survey_of: Callable[..., Survey]) -> None:
    context = context_of(survey_of(CLEAN))
    assert list(check_rows(context)) == []
    assert list(check_target(context, 0.1)) == []
    assert list(check_features(context, ["size", "age", "zone"])) == []


def test_a_range_of_years_stays_a_feature_with_a_hint(survey_of: Callable[..., Survey]) -> None:
    survey = survey_of({"year": list(range(1900, 1900 + N)), **CLEAN})
    [hint] = check_features(context_of(survey), ["year"])
    assert hint.message.startswith("year contains every integer from 1900 to 2099 once")
    assert hint.action.endswith("add --without year.")


def test_the_column_in_a_suggested_command_is_quoted_for_the_shell(
    survey_of: Callable[..., Survey],
) -> None:
    survey = survey_of({"model year": list(range(1900, 1900 + N)), **CLEAN})
    [hint] = check_features(context_of(survey), ["model year"])
    assert hint.action.endswith("add --without 'model year'.")


def test_duplicate_rows_are_counted(survey_of: Callable[..., Survey]) -> None:
    twice = {name: [*cells, *cells[:30]] for name, cells in CLEAN.items()}
    [found] = check_rows(context_of(survey_of(twice)))
    assert found.message == "30 of 230 rows are duplicates of an earlier row."


def test_few_rows_are_a_hint_with_the_number_of_test_rows(survey_of: Callable[..., Survey]) -> None:
    for num_rows, hints in ((100, []), (99, ["99 rows are few: only about 15 of them"])):
        survey = survey_of({name: cells[:num_rows] for name, cells in CLEAN.items()})
        found = list(check_rows(context_of(survey)))
        assert [hint.message[: len(text)] for hint, text in zip(found, hints, strict=True)] == hints
        assert all(hint.is_hint for hint in found)


def test_integers_with_few_values_may_be_codes(survey_of: Callable[..., Survey]) -> None:
    codes = [i % 7 // 2 for i in range(N)]
    context = context_of(survey_of({**CLEAN, "my code": codes, "zip": codes[::-1]}))
    [hint] = check_features(context, ["age", "my code"])
    assert hint.message.startswith("my code is an integer with at most 10 distinct values")
    assert "write C(`my code`) in model.formula" in hint.action
    [hint] = check_features(context, ["my code", "zip"])
    assert hint.message.startswith("my code, zip are integers with at most 10 distinct values")
    assert "write C(`my code`), C(zip) in model.formula" in hint.action


def test_a_level_that_the_training_rows_may_lack_is_a_hint(
    survey_of: Callable[..., Survey],
) -> None:
    zones = ["a" if i % 2 else "b" for i in range(N - 1)]
    [hint] = check_features(context_of(survey_of({**CLEAN, "zone": [*zones, "c"]})), ["zone"])
    assert hint.message.startswith("zone (such as 'c') has levels in so few rows")
    assert "left out of validation and test" in hint.action
    assert "model.pool" in hint.otherwise


def test_a_target_with_few_values_may_be_a_class(survey_of: Callable[..., Survey]) -> None:
    context = context_of(survey_of({**CLEAN, "price": [i % 3 for i in range(N)]}))
    [hint] = check_target(context, 0.0)
    assert "only 3 distinct values" in hint.message


def test_a_positive_skewed_target_may_need_a_logarithm(survey_of: Callable[..., Survey]) -> None:
    context = context_of(survey_of(CLEAN))
    [hint] = check_target(context, 5.0)
    assert "log(price)" in hint.action
    assert list(check_target(context, None)) == []
    negative = survey_of({**CLEAN, "price": [-1.0, *CLEAN["price"][1:]]})
    assert list(check_target(context_of(negative), 5.0)) == []


def test_numbers_as_column_names_may_be_the_first_row(survey_of: Callable[..., Survey]) -> None:
    context = context_of(survey_of({**CLEAN, "2019": CLEAN["age"]}))
    [hint] = check_features(context, [])
    assert hint.message == "Some column names are numbers: 2019."
