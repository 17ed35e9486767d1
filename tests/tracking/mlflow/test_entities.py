"""MLflow's limits are those that MLflow itself checks."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from mlflow.utils.validation import (
    MAX_METRICS_PER_BATCH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
    MAX_TAG_VAL_LENGTH,
)

from linreg.tracking.journal.events import Event
from linreg.tracking.mlflow import entities
from linreg.tracking.mlflow.entities import (
    batches,
    dataset_input,
    grouped,
    metrics_of,
    params_of,
    tags_of,
    truncated,
)


def an_event(kind: str, num_values: int = 0, step: int = 0) -> Event:
    values = {f"m{i}": i / 8 for i in range(num_values)}
    return Event(kind, 1_700_000_000_000, {"step": step, "values": values}, 0)


def test_requests_are_as_large_as_mlflow_allows() -> None:
    assert entities.METRICS_PER_BATCH == MAX_METRICS_PER_BATCH
    assert entities.PARAMS_PER_BATCH == entities.TAGS_PER_BATCH == MAX_PARAMS_TAGS_PER_BATCH


def test_a_metric_has_the_name_of_its_chart_its_value_time_and_step() -> None:
    events = [
        Event("metrics", 12, {"step": 3, "values": {"train_mse": 0.5, "b": "nan"}}, 0),
        Event("metrics", 13, {"step": 4, "values": {"train_mse": 2}}, 0),
    ]
    found = [
        (each.key, repr(each.value), each.timestamp, each.step) for each in metrics_of(events, "")
    ]
    assert found == [
        ("loss/train", "0.5", 12, 3),
        ("model/b", "nan", 12, 3),
        ("loss/train", "2.0", 13, 4),
    ]


def test_what_follows_a_model_is_a_metric_of_the_model_too() -> None:
    event = an_event("metrics", 1)
    assert [each.model_id for each in metrics_of([event], "m-1")] == ["m-1"]
    assert [each.model_id for each in metrics_of([event], "")] == [None]


def test_parameters_are_text_as_in_params_yaml() -> None:
    parameters = {"a": "y ~ x", "b": 0.1, "c": None, "d": True, "e": [1, "ö"]}
    assert [(each.key, each.value) for each in params_of(parameters)] == [
        ("a", "y ~ x"),
        ("b", "0.1"),
        ("c", "null"),
        ("d", "true"),
        ("e", '[1, "ö"]'),
    ]


def test_parameters_and_tags_are_cut_to_the_lengths_that_mlflow_allows() -> None:
    for more, expected in ((-1, -1), (0, 0), (1, 0)):
        (param,) = params_of({"a": "x" * (MAX_PARAM_VAL_LENGTH + more)})
        (tag,) = tags_of({"a": "x" * (MAX_TAG_VAL_LENGTH + more)})
        assert len(param.value) == MAX_PARAM_VAL_LENGTH + expected
        assert len(tag.value) == MAX_TAG_VAL_LENGTH + expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 30, "x" * 30),
        ("x" * 31, "x" * 13 + "… (31 characters)"),
        ("x" * 100, "x" * 12 + "… (100 characters)"),
    ],
)
def test_a_cut_text_has_the_length_of_the_limit_and_says_its_own(text: str, expected: str) -> None:
    assert truncated(text, 30) == expected


def a_dataset(**more: Any) -> dict[str, Any]:
    return {
        "name": "train",
        "digest": "ab.dir",
        "source": "data/split",
        "num_rows": 7,
        "context": "validation",
        "schema": {},
        **more,
    }


def test_a_dataset_shows_each_of_its_columns_as_required() -> None:
    dataset = dataset_input(a_dataset(schema={"x": "double", "n": "long"})).dataset
    assert json.loads(dataset.schema or "") == {
        "mlflow_colspec": [
            {"type": "double", "name": "x", "required": True},
            {"type": "long", "name": "n", "required": True},
        ]
    }


def test_a_dataset_without_columns_has_its_source_its_number_of_rows_and_its_use() -> None:
    given = dataset_input(a_dataset())
    assert given.dataset.schema is None
    assert (given.dataset.name, given.dataset.digest) == ("train", "ab.dir")
    assert (given.dataset.source_type, given.dataset.source) == ("local", '{"uri": "data/split"}')
    assert given.dataset.profile == '{"num_rows": 7}'
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "validation")]


@pytest.mark.parametrize(
    ("size", "expected"),
    [(2, [[0, 1], [2, 3], [4]]), (5, [[0, 1, 2, 3, 4]]), (4, [[0, 1, 2, 3], [4]])],
)
def test_batches_hold_every_item_once_in_order(size: int, expected: Sequence[list[int]]) -> None:
    assert list(batches(range(5), size)) == [range(each[0], each[-1] + 1) for each in expected]


def shape(events: Sequence[Event]) -> list[tuple[list[int], str | None]]:
    return [
        ([len(each.values["values"]) for each in points], None if event is None else event.kind)
        for points, event in grouped(events)
    ]


def test_points_are_grouped_up_to_a_batch_and_events_of_another_kind_end_a_group() -> None:
    events = [
        an_event("start"),
        an_event("metrics", 400),
        an_event("metrics", 600),
        an_event("metrics", 1),
        an_event("tags"),
        an_event("metrics", 999),
        an_event("metrics", 2),
    ]
    assert shape(events) == [
        ([], "start"),
        ([400, 600], None),
        ([1], "tags"),
        ([999], None),
        ([2], None),
    ]


def test_each_group_begins_at_zero_points() -> None:
    events = [an_event("metrics", size) for size in (400, 600, 1)]
    assert shape(events) == [([400, 600], None), ([1], None)]
    sizes = [600, 600, 400, 1]
    assert shape([an_event("metrics", size) for size in sizes]) == [
        ([600], None),
        ([600, 400], None),
        ([1], None),
    ]
    events = [an_event("metrics", 999), an_event("tags"), *[an_event("metrics", 500)] * 3]
    assert shape(events) == [([999], "tags"), ([500, 500], None), ([500], None)]


def test_one_event_with_more_points_than_a_batch_is_a_group_of_its_own() -> None:
    events = [an_event("metrics", 5), an_event("metrics", 1001), an_event("metrics", 5)]
    assert shape(events) == [([5], None), ([1001], None), ([5], None)]
