"""MLflow's entities from the values of a journal's events, within the limits that MLflow sets."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from linreg.tracking.journal.chart_names import chart_name
from linreg.tracking.journal.events import Event

METRICS_PER_BATCH = 1000
MODEL_METRICS_PER_BATCH = 100
"""Of metrics that are also a model's; MLflow 3.17 refuses more of them when they come again."""
PARAMS_PER_BATCH = 100
TAGS_PER_BATCH = 100
MAX_PARAM_LENGTH = 6000
MAX_TAG_LENGTH = 8000
_Item = TypeVar("_Item")


def metrics_of(events: Iterable[Event], model_id: str) -> list[Metric]:
    """Return the points of events as metrics of their run and, where it has one, of its model."""
    return [
        Metric(
            chart_name(name),
            float(value),
            event.time,
            event.values["step"],
            model_id=model_id or None,
        )
        for event in events
        for name, value in event.values["values"].items()
    ]


def params_of(parameters: Mapping[str, Any]) -> list[Param]:
    """Return parameters as params.yaml and `dvc exp run -S` write them."""
    return [
        Param(name, truncated(parameter_text(value), MAX_PARAM_LENGTH))
        for name, value in parameters.items()
    ]


def tags_of(tags: Mapping[str, object]) -> list[RunTag]:
    """Return the tags of a run."""
    return [RunTag(name, truncated(str(value), MAX_TAG_LENGTH)) for name, value in tags.items()]


def dataset_input(dataset: Mapping[str, Any]) -> DatasetInput:
    """Return a dataset that a run reads, from the fields of `open_run.Dataset`."""
    columns = [
        {"type": type_, "name": name, "required": True} for name, type_ in dataset["schema"].items()
    ]
    entity = Dataset(
        name=dataset["name"],
        digest=dataset["digest"],
        source_type="local",
        source=json.dumps({"uri": dataset["source"]}),
        schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
        profile=json.dumps({"num_rows": dataset["num_rows"]}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", dataset["context"])])


def parameter_text(value: object) -> str:
    """Return a parameter's value as params.yaml and `dvc exp run -S` write it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def truncated(text: str, limit: int) -> str:
    """Cut a text that MLflow would refuse for its length, and mark the cut."""
    mark = f"… ({len(text)} characters)"
    return text if len(text) <= limit else text[: limit - len(mark)] + mark


def batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield the items in batches of at most `size`, which MLflow takes in one request."""
    return (items[begin : begin + size] for begin in range(0, len(items), size))


def grouped(events: Iterable[Event]) -> Iterator[tuple[list[Event], Event | None]]:
    """Yield the events in order: some with points, at most a batch, then one of another kind."""
    points: list[Event] = []
    num_points = 0
    for event in events:
        if event.kind != "metrics":
            yield points, event
            points, num_points = [], 0
            continue
        if num_points + len(event.values["values"]) > METRICS_PER_BATCH:
            yield points, None
            points, num_points = [], 0
        points.append(event)
        num_points += len(event.values["values"])
    yield points, None
