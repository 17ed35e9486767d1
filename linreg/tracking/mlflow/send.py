"""Sends a journal to MLflow: every event once, and if one is sent twice, it counts once."""

import dataclasses
import getpass
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Param, Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

from linreg.files import content_hash
from linreg.tracking.journal.description import COLUMNS, DESCRIPTION
from linreg.tracking.journal.events import KILLED, RUNNING, Event, RunState, read_events
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.sync_state import DELETED, SyncState
from linreg.tracking.mlflow.entities import (
    MAX_TAG_LENGTH,
    METRICS_PER_BATCH,
    MODEL_METRICS_PER_BATCH,
    PARAMS_PER_BATCH,
    TAGS_PER_BATCH,
    batches,
    dataset_input,
    grouped,
    metrics_of,
    params_of,
    tags_of,
    truncated,
)
from linreg.tracking.mlflow.experiment import all_experiment_ids, experiment_id

MAX_DAMAGED_LINE_LENGTH = 200
KEY_TAG = "linreg.run"
LEFT_OUT = "linreg.left_out"
_log = logging.getLogger(__name__)


class RunSender:
    """Sends one run to MLflow; the caller holds the run's sender lock."""

    def __init__(self, folder: RunFolder, client: MlflowClient) -> None:
        self.state = RunState()
        self._folder = folder
        self._client = client
        self._sync_state = folder.sync_state()
        self._start = next(event for event in read_events(folder.journal) if event.kind == "start")
        self._find_run()
        for event in read_events(folder.journal):
            if event.offset <= self._sync_state.offset:
                self.state.update(event)

    @property
    def offset(self) -> int:
        """How much of the journal MLflow has, in bytes."""
        return self._sync_state.offset

    @property
    def is_deleted(self) -> bool:
        """Whether the run was deleted in MLflow, so that nothing of it is sent."""
        return self._sync_state.status == DELETED

    def send(self) -> int:
        """Send what MLflow does not have yet; returns the number of points.

        Raises what MLflow raises. What was sent before that is recorded, and the rest can be tried
        again.
        """
        if self.is_deleted:
            return 0
        # Asked before reading, so that what the writer appends before it dies is read below.
        is_alive = self._folder.has_writer()
        num_points = 0
        for points, event in grouped(read_events(self._folder.journal, self._sync_state.offset)):
            if points:
                self._send_points(points)
                num_points += sum(len(point.values["values"]) for point in points)
            if event is not None:
                self._send_event(event)
        if not is_alive and self.state.status == RUNNING:
            self.state.status = KILLED
            self._set_status(KILLED)
        return num_points

    def _find_run(self) -> None:
        """Find the run in MLflow if this sender's predecessor has created it.

        Its experiment may have been renamed since, or deleted.
        """
        if not self._sync_state.run_id:
            experiments = all_experiment_ids(self._client, ViewType.ALL)
            query = f"tags.`{KEY_TAG}` = '{self._folder.key}'"
            found = self._client.search_runs(experiments, query, ViewType.ALL, max_results=1)
            if found:
                self._record(run_id=found[0].info.run_id)
        if self._sync_state.run_id:
            self._check_run()

    def _check_run(self) -> None:
        """Start over where MLflow has lost the run, and skip a run that was deleted there."""
        run_id = self._sync_state.run_id
        try:
            info = self._client.get_run(run_id).info
        except MlflowException as error:
            _reraise_unless_missing(error)
            if not self.is_deleted:
                _log.warning("MLflow has lost run %s; it is sent from its beginning", run_id)
                self._sync_state = SyncState(tracking_uri=self._sync_state.tracking_uri)
            return
        if info.lifecycle_stage == "deleted":
            _log.warning("run %s was deleted in MLflow and is skipped", run_id)
            self._record(status=DELETED)
        elif self.is_deleted:
            # It was restored, and gets the rest.
            self._record(status=info.status)
        if self._sync_state.model_id:
            self._check_model()

    def _check_model(self) -> None:
        """Forget a model that was deleted in MLflow: its run takes no metrics for it any more."""
        try:
            self._client.get_logged_model(self._sync_state.model_id)
        except MlflowException as error:
            _reraise_unless_missing(error)
            self._record(model_id="")

    def _record(self, **changes: Any) -> None:
        self._sync_state = dataclasses.replace(self._sync_state, last_error="", **changes)
        self._folder.write_sync_state(self._sync_state)

    def _send_points(self, events: Sequence[Event]) -> None:
        model_id = self._sync_state.model_id
        metrics = metrics_of(events, model_id)
        for batch in batches(metrics, MODEL_METRICS_PER_BATCH if model_id else METRICS_PER_BATCH):
            self._client.log_batch(self._sync_state.run_id, metrics=batch)
        self._record_sent(events[-1])

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
                self._send_artifact(self._folder.resolve(values["path"]), values["folder"])
            case "model":
                self._send_model(values)
            case "unreadable":
                line = truncated(values["line"], MAX_DAMAGED_LINE_LENGTH)
                self._leave_out(f"a line of {self._folder.journal} is damaged: {line}")
        self._record_sent(event)

    def _record_sent(self, event: Event) -> None:
        self.state.update(event)
        if event.kind == "end" or self.state.status != self._sync_state.status:
            self._set_status(self.state.status)
        self._record(offset=event.offset)

    def _set_status(self, status: str) -> None:
        if status == RUNNING:
            self._client.update_run(self._sync_state.run_id, status=status)
        else:
            self._client.set_terminated(self._sync_state.run_id, status, self.state.end_time)
        self._record(status=status)

    def _send_start(self, event: Event) -> None:
        values = event.values
        if not self._sync_state.run_id:
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
        for batch in batches(self._params(), PARAMS_PER_BATCH):
            self._client.log_batch(self._sync_state.run_id, params=batch)
        self._send_tags(values["tags"])
        if values["inputs"]:
            datasets = [dataset_input(each) for each in values["inputs"]]
            self._client.log_inputs(self._sync_state.run_id, datasets)

    def _params(self) -> list[Param]:
        return params_of(self._start.values["parameters"])

    def _send_tags(self, tags: Mapping[str, str]) -> None:
        for batch in batches(tags_of(tags), TAGS_PER_BATCH):
            self._client.log_batch(self._sync_state.run_id, tags=batch)
        model_id = self._sync_state.model_id
        if DESCRIPTION in tags and model_id:
            columns = self._client.get_logged_model(model_id).tags.get(COLUMNS, "")
            text = truncated(f"{tags[DESCRIPTION]}\n\n{columns}".strip(), MAX_TAG_LENGTH)
            self._client.set_logged_model_tags(model_id, {DESCRIPTION: text})

    def _leave_out(self, why: str) -> None:
        """Say what cannot be sent, here and in a tag of the run, and go on with what follows."""
        _log.warning("%s; it is left out, and what follows is sent", why)
        self._send_tags({LEFT_OUT: why})

    def _send_artifact(self, path: Path, folder: str) -> None:
        run_id = self._sync_state.run_id
        if path.is_dir():
            self._client.log_artifacts(run_id, str(path), f"{folder}/{path.name}".lstrip("/"))
        else:
            self._client.log_artifact(run_id, str(path), folder or None)

    def _send_model(self, values: Mapping[str, Any]) -> None:
        # Imported here because it takes a second, which points do not need.
        from linreg.tracking.mlflow.logged_model import log_model

        artifact = self._folder.resolve(values["path"])
        params = {param.key: param.value for param in self._params()}
        model_id = log_model(self._client, self._sync_state.run_id, artifact, values, params)
        self._record(model_id=model_id)


def mark_deleted(run: Run) -> None:
    """Record that a run was deleted in MLflow, if its journal is here."""
    folder = RunFolder(run.data.tags.get(KEY_TAG, ""))
    if folder.journal.exists():
        folder.write_sync_state(dataclasses.replace(folder.sync_state(), status=DELETED))


def _reraise_unless_missing(error: MlflowException) -> None:
    """Raise the error again unless it says that MLflow has no such thing."""
    if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
        raise error


def _damage(copy: Path, expected: str | None) -> str:
    """Return what is wrong with a copy that was made for MLflow; empty if nothing is."""
    try:
        found = content_hash(copy)
    except FileNotFoundError:
        return "gone"
    return "" if expected in (None, found) else "damaged"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not have a name.
        return "unknown"
