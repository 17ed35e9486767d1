"""Sends a journal to MLflow: what was sent is not sent again, and if it is, it counts once."""

import dataclasses
import getpass
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

from linreg.files import content_hash
from linreg.tracking.journal.chart_names import name_in_charts
from linreg.tracking.journal.description import COLUMNS, DESCRIPTION
from linreg.tracking.journal.events import KILLED, RUNNING, Ending, Event, read
from linreg.tracking.journal.run_folder import RunFolder, Sent
from linreg.tracking.mlflow.store import experiment_id

METRICS_PER_BATCH, PARAMS_PER_BATCH, TAGS_PER_BATCH = 1000, 100, 100
LONGEST_PARAM, LONGEST_TAG = 6000, 8000
LONGEST_DAMAGED_LINE = 200
KEY_TAG = "linreg.run"
LEFT_OUT = "linreg.left_out"
_Item = TypeVar("_Item")
_log = logging.getLogger(__name__)


class Sender:
    """Brings one run to MLflow; the caller holds the run's sender lock."""

    def __init__(self, folder: RunFolder, client: MlflowClient) -> None:
        self.ending = Ending()
        self._folder = folder
        self._client = client
        self._sent = folder.sent()
        self._start = next(event for event in read(folder.journal) if event.kind == "start")
        self._find_run()
        for event in read(folder.journal):
            if event.offset <= self._sent.offset:
                self.ending.see(event)

    @property
    def offset(self) -> int:
        """How much of the journal MLflow has, in bytes."""
        return self._sent.offset

    def send(self) -> int:
        """Send what MLflow does not have yet; returns the number of points.

        Raises what MLflow raises. What was sent before that is remembered, and the rest can be
        tried again.
        """
        is_alive = (
            self._folder.has_writer()
            # asked first: what it writes before it dies is then read below
        )
        num_points = 0
        for points, event in _points_and_others(read(self._folder.journal, self._sent.offset)):
            if points:
                self._send_points(points)
                num_points += sum(len(point.values["values"]) for point in points)
            if event is not None:
                self._send_event(event)
        if not is_alive and self.ending.status == RUNNING:
            self.ending.status = KILLED
            self._set_status(KILLED)
        return num_points

    def _find_run(self) -> None:
        """Find the run if a sender that was killed, or the present one's predecessor, has created
        it.
        """
        if not self._sent.run_id:
            experiment = experiment_id(self._client, self._start.values["experiment"])
            query = f"tags.`{KEY_TAG}` = '{self._folder.key}'"
            found = self._client.search_runs([experiment], query, ViewType.ALL, max_results=1)
            if found:
                self._record(run_id=found[0].info.run_id)
        if self._sent.run_id:
            try:
                run = self._client.get_run(self._sent.run_id)
            except MlflowException as error:
                if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                    raise
                _log.warning(
                    "MLflow has lost run %s; it is sent from its beginning", self._sent.run_id
                )
                self._sent = Sent(tracking_uri=self._sent.tracking_uri)
                return
            if run.info.lifecycle_stage == "deleted":
                _log.warning("run %s was deleted in MLflow and is left alone", self._sent.run_id)
                size = self._folder.journal.stat().st_size
                self._record(offset=size, status=KILLED)

    def _record(self, **changes: Any) -> None:
        self._sent = dataclasses.replace(self._sent, trouble="", **changes)
        self._folder.record(self._sent)

    def _send_points(self, events: Sequence[Event]) -> None:
        metrics = [
            Metric(
                name_in_charts(name),
                float(value),
                event.time,
                event.values["step"],
                model_id=self._sent.model_id or None,
            )
            for event in events
            for name, value in event.values["values"].items()
        ]
        for batch in _slices(metrics, METRICS_PER_BATCH):
            self._client.log_batch(self._sent.run_id, metrics=batch)
        self._passed(events[-1])

    def _send_event(self, event: Event) -> None:
        values = event.values
        match event.kind:
            case "start":
                self._send_start(event)
            case "tags":
                self._send_tags(values["tags"])
            case "artifact" | "model" if damage := _damage(
                self._folder.path / values["path"], values.get("hash")
            ):
                self._leave_out(f"{self._folder.path / values['path']} is {damage}")
            case "artifact":
                self._send_artifact(self._folder.copy(values["path"]), values["folder"])
            case "model":
                from linreg.tracking.mlflow.logged_model import (
                    log_model,
                    # a second of imports that points don't need
                )

                artifact = self._folder.copy(values["path"])
                model_id = log_model(
                    self._client, self._sent.run_id, artifact, values, self._params()
                )
                self._record(model_id=model_id)
            case "unreadable":
                line = _shortened(values["line"], LONGEST_DAMAGED_LINE)
                self._leave_out(f"a line of {self._folder.journal} is damaged: {line}")
        self._passed(event)

    def _passed(self, event: Event) -> None:
        self.ending.see(event)
        if event.kind == "end" or self.ending.status != self._sent.status:
            self._set_status(self.ending.status)
        self._record(offset=event.offset)

    def _set_status(self, status: str) -> None:
        if status == RUNNING:
            self._client.update_run(self._sent.run_id, status=status)
        else:
            self._client.set_terminated(self._sent.run_id, status, self.ending.end_time)
        self._record(status=status)

    def _send_start(self, event: Event) -> None:
        values = event.values
        if not self._sent.run_id:
            experiment = experiment_id(self._client, values["experiment"])
            tags = {
                KEY_TAG: self._folder.key,
                "mlflow.user": _user(),
                "mlflow.source.type": "LOCAL",
            }
            if commit := values["tags"].get("git.commit"):
                tags["mlflow.source.git.commit"] = commit
            run = self._client.create_run(experiment, event.time, tags, values["name"])
            self._record(run_id=run.info.run_id, status=RUNNING)
        params = [Param(name, value) for name, value in self._params().items()]
        for batch in _slices(params, PARAMS_PER_BATCH):
            self._client.log_batch(self._sent.run_id, params=batch)
        self._send_tags(values["tags"])
        if values["inputs"]:
            self._client.log_inputs(
                self._sent.run_id, [_dataset(each) for each in values["inputs"]]
            )

    def _params(self) -> dict[str, str]:
        parameters = self._start.values["parameters"]
        return {name: _shortened(_text(value), LONGEST_PARAM) for name, value in parameters.items()}

    def _send_tags(self, tags: Mapping[str, str]) -> None:
        entities = [
            RunTag(name, _shortened(str(value), LONGEST_TAG)) for name, value in tags.items()
        ]
        for batch in _slices(entities, TAGS_PER_BATCH):
            self._client.log_batch(self._sent.run_id, tags=batch)
        if DESCRIPTION in tags and self._sent.model_id:
            needed = self._client.get_logged_model(self._sent.model_id).tags.get(COLUMNS, "")
            whole = _shortened(f"{tags[DESCRIPTION]}\n\n{needed}".strip(), LONGEST_TAG)
            self._client.set_logged_model_tags(self._sent.model_id, {DESCRIPTION: whole})

    def _leave_out(self, why: str) -> None:
        """Say what cannot be sent, here and in the run's tags, so that what follows it is not kept
        back.
        """
        _log.warning("%s; it is left out, and what follows is sent", why)
        self._send_tags({LEFT_OUT: why})

    def _send_artifact(self, path: Path, folder: str) -> None:
        if path.is_dir():
            self._client.log_artifacts(
                self._sent.run_id, str(path), f"{folder}/{path.name}".lstrip("/")
            )
        else:
            self._client.log_artifact(self._sent.run_id, str(path), folder or None)


def _points_and_others(events: Iterable[Event]) -> Iterator[tuple[list[Event], Event | None]]:
    """Yield the events in their order: some that hold points, then one of another kind, and so
    on.
    """
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


def _slices(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[begin : begin + size] for begin in range(0, len(items), size))


def _dataset(values: Mapping[str, Any]) -> DatasetInput:
    columns = [
        {"type": type_, "name": name, "required": True} for name, type_ in values["schema"].items()
    ]
    dataset = Dataset(
        name=values["name"],
        digest=values["digest"],
        source_type="local",
        source=json.dumps({"uri": values["source"]}),
        schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
        profile=json.dumps({"num_rows": values["num_rows"]}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", values["context"])])


def _text(value: object) -> str:
    """Return a parameter as params.yaml and `dvc exp run -S` spell it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shortened(text: str, limit: int) -> str:
    """Cut what MLflow would refuse for its length, and say so."""
    mark = f"… ({len(text)} characters)"
    return text if len(text) <= limit else text[: limit - len(mark)] + mark


def _damage(copy: Path, expected: str | None) -> str:
    """Say what has become of a copy that was made for MLflow; empty if it is as it was, or may
    be.
    """
    if not copy.exists():
        return "gone"
    return "damaged" if expected is not None and content_hash(copy) != expected else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # a container's user need not have a name
        return "unknown"
