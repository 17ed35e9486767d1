"""A run, written to a journal on this disk; another process sends the journal to MLflow.

    with start_run("linreg", "my run", parameters, tags, inputs) as run:
        run.start_sender()                 # what follows is sent as it happens
        run.log({"train_mse": 0.5}, step=1)

Nothing here waits for MLflow, imports it, or fails because of it.
"""

import os
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from linreg.errors import os_error_reason
from linreg.files import content_hash, files_in
from linreg.tracking.journal import sender_process
from linreg.tracking.journal.events import (
    FAILED,
    FINISHED,
    KILLED,
    encode_event,
    json_number,
    read_events,
)
from linreg.tracking.journal.legal_names import with_legal_names
from linreg.tracking.journal.run_folder import RunFolder, open_journal

MOST_METRICS = 1000
"""At a step, with those of levels: MLflow takes seconds for more, and its pages minutes."""


class Run:
    """A run being written; as a context manager it ends as the block does.

    The end of the block is FINISHED, an exception FAILED, Ctrl-C and SIGTERM KILLED. A process that
    dies leaves a journal without an end and without a writer, which MLflow then shows as KILLED.
    """

    def __init__(
        self, folder: RunFolder | None, *, reopened: bool = False, last: bool = False
    ) -> None:
        self._folder = folder
        self._last = last
        self._has_sender = False
        # What a run that is reopened has logged already; the values would be the same.
        self._points: set[tuple[str, int]] = set()
        self._models: list[Path] = []
        if folder is not None and reopened:
            self._read_logged(folder)
        self._descriptor = None if folder is None else open_journal(folder.journal)
        if self._descriptor is not None and _is_truncated(self._descriptor):
            os.write(self._descriptor, b"\n")

    @property
    def key(self) -> str:
        """The run's name in .linreg/runs and, as the tag `linreg.run`, in MLflow."""
        return "" if self._folder is None else self._folder.key

    @property
    def is_recording(self) -> bool:
        """Whether what is logged is written to a journal."""
        return self._descriptor is not None

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Add one point to the curve of each metric.

        What is logged after the model is, in MLflow, also the model's. Of more than MOST_METRICS
        those of the levels of categories, such as `theta.g[T.a]`, are left out.
        """
        if len(values) > MOST_METRICS:
            values = {name: value for name, value in values.items() if "[" not in name}
        numbers = with_legal_names({name: json_number(value) for name, value in values.items()})
        new = {name: value for name, value in numbers.items() if (name, step) not in self._points}
        if new:
            self.append("metrics", {"step": int(step), "values": new})

    def log_curves(self, curves: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        """Add points by step, as `log` does."""
        for step, values in curves:
            self.log(values, step)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags, in place of those of the same name."""
        self.append("tags", {"tags": with_legal_names(tags)})

    def log_artifact(self, path: Path, folder: str = "") -> None:
        """Log a copy of a file or folder as the run's artifact `folder/NAME`."""
        with self._no_failure():
            self.append("artifact", {**self._copy(path), "folder": folder})

    def log_model(self, folder: Path, name: str = "model") -> None:
        """Log a copy of a model artifact as the run's model."""
        with self._no_failure():
            if all(content_hash(model) != content_hash(folder) for model in self._models):
                self.append("model", {**self._copy(folder), "name": name})

    def append(self, kind: str, values: Mapping[str, Any]) -> None:
        """Append an event to the journal."""
        with self._no_failure():
            line = encode_event(kind, values)
            while line and self._descriptor is not None:
                line = line[os.write(self._descriptor, line) :]

    def end(self, status: str, *, final: bool = False) -> None:
        """Log how the run ended: FINISHED, FAILED or KILLED.

        final  whether no later stage will add to it
        """
        self.append("end", {"status": status, "final": final})

    def close(self) -> None:
        """Close the journal; without an end before, this means that the writer died."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def start_sender(self) -> None:
        """Start the process that sends the journal as it is written, unless there is one."""
        if self._descriptor is not None and self._folder is not None:
            self._has_sender = True
            with self._no_failure():
                sender_process.start(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.end(FINISHED, final=self._last)
        else:
            self.end(KILLED if isinstance(error, KeyboardInterrupt) else FAILED, final=True)
        if self._has_sender:
            # It may have died, or have ended in the moment in which this process counted on it.
            self.start_sender()
        self.close()

    def _read_logged(self, folder: RunFolder) -> None:
        for event in read_events(folder.journal):
            if event.kind == "metrics":
                self._points.update((name, event.values["step"]) for name in event.values["values"])
            elif event.kind == "model":
                self._models.append(folder.path / event.values["path"])

    @contextmanager
    def _no_failure(self) -> Iterator[None]:
        """Have a journal that cannot be written end the recording with a message, not the stage."""
        try:
            yield
        except OSError as error:
            self.close()
            warn_not_tracked(self._folder, error)

    def _copy(self, path: Path) -> dict[str, str]:
        """Copy a file or folder to where it outlives the stage.

        Returns the copy's path within the run's folder, and its MD5.
        """
        if self._folder is None or self._descriptor is None:
            return {}
        # Each copy has a folder of its own: the sender may be reading an earlier one.
        copy = Path("files") / uuid.uuid4().hex / path.resolve().name
        target = self._folder.path / copy
        (target if path.is_dir() else target.parent).mkdir(parents=True)
        for file in files_in(path):
            file_copy = target / file.relative_to(path)
            file_copy.parent.mkdir(parents=True, exist_ok=True)
            # Not by copytree, whose error does not say that the disk is full.
            shutil.copyfile(file, file_copy)
        return {"path": copy.as_posix(), "hash": content_hash(target)}


def null_run() -> Run:
    """Return a run that records nothing, for the processes that do not log."""
    return Run(None)


def warn_not_tracked(folder: RunFolder | None, error: OSError) -> None:
    """Print why the run is not recorded from here on, and how to track it afterwards."""
    where = "" if folder is None else f"{folder.path.parent}: "
    command = "`dvc repro --force --single-item evaluate`"
    print(
        f"tracking: this run is no longer tracked: {where}{os_error_reason(error)}; once that is"
        f" fixed, {command} tracks the model and all its curves",
        file=sys.stderr,
    )


def _is_truncated(descriptor: int) -> bool:
    """Tell whether a crash has left a line without its end, which the next must not continue."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
