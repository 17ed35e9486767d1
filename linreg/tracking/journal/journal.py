"""What a stage says about its run, kept on this disk; `linreg sync` brings it to MLflow.

    with start_run("linreg", "my run", parameters, tags, inputs) as run:
        run.start_sender()                       # a process of its own sends what follows, as it happens
        run.log({"train_mse": 0.5}, step=1)

Nothing here waits for MLflow, imports it, or fails because of it.
"""

import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from linreg.errors import os_error_reason
from linreg.files import content_hash, files_in
from linreg.tracking.journal import events, sender_process
from linreg.tracking.journal.legal_names import with_legal_names
from linreg.tracking.journal.run_folder import RunFolder, lock_for_writing, run_folders


@dataclass(frozen=True)
class Dataset:
    """A table that a run reads, as MLflow's Datasets column shows it."""

    name: str
    source: str
    """Where it lies: a path or URI."""
    digest: str
    """The hash of its content, at most 36 characters, such as the MD5 in dvc.lock."""
    num_rows: int
    context: str = "training"
    """What it is used for: training, validation, test."""
    schema: Mapping[str, str] = field(default_factory=dict)
    """Type of each column, by name; may be left out."""


def start_run(
    experiment: str,
    name: str,
    parameters: Mapping[str, object],
    tags: Mapping[str, str],
    inputs: Iterable[Dataset] = (),
) -> "Run":
    """Begin a run and its journal; where none can be written, it is said, and nobody hears of the
    run.
    """
    folder = RunFolder(uuid.uuid4().hex)
    try:
        folder.path.mkdir(parents=True)
        run = Run(folder)
    except OSError as error:
        _tell_silence(folder, error)
        return null_run()
    start = {
        "experiment": experiment,
        "name": name,
        "parameters": with_legal_names(parameters),
        "tags": with_legal_names(tags),
        "inputs": [asdict(dataset) for dataset in inputs],
    }
    run._append("start", start)
    return run


def find_run(tag: str, value: str, *, last: bool = True) -> "Run | None":
    """Reopen the newest run whose `tag` has that value; a later stage adds to what an earlier one
    began.

    So evaluate finds the run that made its model by the model's hash, also when DVC took the model
    from its cache; and a stage that was killed finds the run it has begun. Points and models that
    the journal has already are not added once more. `last` says that no later stage will add to it.
    """
    try:
        found = [
            (time, folder.key)
            for folder in run_folders()
            if (time := _tagged(folder, tag, value)) is not None
        ]
        return Run(RunFolder(max(found)[1]), reopened=True, last=last) if found else None
    except OSError:
        # a journal that cannot be read, or not be written any more: a new one may be, and says so
        # if not
        return None


def null_run() -> "Run":
    """Return a run that nobody hears of, for processes that work on a run but do not speak for
    it.
    """
    return Run(None)


class Run:
    """A run being written; as a context manager it ends as the block does.

    The block's end is FINISHED, an exception FAILED, Ctrl-C and SIGTERM KILLED. A process that dies
    without a word leaves a journal that nobody holds, which MLflow then shows as KILLED.
    """

    def __init__(
        self, folder: RunFolder | None, *, reopened: bool = False, last: bool = False
    ) -> None:
        self._folder, self._silent = folder, False
        self._last = last
        # What a run that is reopened has logged before it was left; the values would be the same.
        self._points: set[tuple[str, int]] = set()
        self._models: list[Path] = []
        if folder is not None and reopened:
            for event in events.read(folder.journal):
                if event.kind == "metrics":
                    self._points.update(
                        (name, event.values["step"]) for name in event.values["values"]
                    )
                elif event.kind == "model":
                    self._models.append(folder.path / event.values["path"])
        self._handle = None if folder is None else lock_for_writing(folder.journal)
        if self._handle is not None and _is_torn(self._handle):
            os.write(self._handle, b"\n")

    @property
    def key(self) -> str:
        """The run's name in .linreg/runs and, as the tag `linreg.run`, in MLflow."""
        return "" if self._folder is None else self._folder.key

    @property
    def is_heard(self) -> bool:
        """Whether what it says is written to a journal."""
        return self._handle is not None

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Add one point to the curve of each metric.

        What is logged after the model is, in MLflow, also the model's.
        """
        numbers = with_legal_names({name: events.number(value) for name, value in values.items()})
        new = {name: value for name, value in numbers.items() if (name, step) not in self._points}
        if new:
            self._append("metrics", {"step": int(step), "values": new})

    def log_curves(self, curves: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        """Add points by their steps, as `log` does."""
        for step, values in curves:
            self.log(values, step)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags, in place of those of the same name."""
        self._append("tags", {"tags": with_legal_names(tags)})

    def log_artifact(self, path: Path, folder: str = "") -> None:
        """Keep a copy of a file or folder as the run's artifact `folder/NAME`."""
        with self._silent_when_refused():
            self._append("artifact", {**self._copy(path), "folder": folder})

    def log_model(self, folder: Path, name: str = "model") -> None:
        """Keep a copy of a model artifact as the run's model."""
        with self._silent_when_refused():
            if all(content_hash(model) != content_hash(folder) for model in self._models):
                self._append("model", {**self._copy(folder), "name": name})

    def end(self, status: str, *, final: bool = False) -> None:
        """Say how the run ended: FINISHED, FAILED or KILLED; `final` if no later stage will add to
        it.
        """
        self._append("end", {"status": status, "final": final})

    def close(self) -> None:
        """Give the journal back; done without an end, it means that the writer died."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def start_sender(self) -> None:
        """Have a process of its own send the journal from now on, if there is none yet."""
        if self._handle is not None and self._folder is not None:
            with self._silent_when_refused():
                sender_process.start(self._folder)

    def flush(self, timeout: float) -> int:
        """Wait until MLflow has everything, at most `timeout` seconds; returns the number of events
        pending.

        Whatever is pending stays in the journal for the next `linreg sync`.
        """
        if self._folder is None or self._silent:
            return 0
        try:
            return sender_process.wait(self._folder, timeout)
        except OSError as error:
            self._fall_silent(error)
            return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.end(events.FINISHED, final=self._last)
        else:
            self.end(
                events.KILLED if isinstance(error, KeyboardInterrupt) else events.FAILED, final=True
            )
        self.close()

    def _append(self, kind: str, values: Mapping[str, Any]) -> None:
        with self._silent_when_refused():
            line = events.line(kind, values)
            while line and self._handle is not None:
                line = line[os.write(self._handle, line) :]

    @contextmanager
    def _silent_when_refused(self) -> Iterator[None]:
        """Have no failure of the journal become one of the stage: it is said once, and nothing more
        is written.
        """
        try:
            yield
        except OSError as error:
            self._fall_silent(error)

    def _fall_silent(self, error: OSError) -> None:
        self.close()
        self._silent = True
        _tell_silence(self._folder, error)

    def _copy(self, path: Path) -> dict[str, str]:
        """Copy a file or folder to where it survives the stage; returns its path in the run's
        folder, and its MD5.
        """
        if self._folder is None or self._handle is None:
            return {}
        # A name of its own each time: the sender may be reading the copy that was logged before.
        copy = Path("files") / uuid.uuid4().hex / path.resolve().name
        target = self._folder.path / copy
        (target if path.is_dir() else target.parent).mkdir(parents=True)
        for file in files_in(path):
            to = target / file.relative_to(path)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(
                file,
                to,
                # not copytree, whose error does not say that the disk is full
            )
        return {"path": copy.as_posix(), "hash": content_hash(target)}


def _tell_silence(folder: RunFolder | None, error: OSError) -> None:
    """Say, in a stage that goes on, that MLflow will not hear the rest; evaluate begins another run
    if need be.
    """
    where = "" if folder is None else f"{folder.path.parent}: "
    todo = "once that is mended, `dvc repro --force --single-item evaluate` tracks the model and all its curves"
    print(
        f"tracking: this run is not tracked any further: {where}{os_error_reason(error)}; {todo}",
        file=sys.stderr,
    )


def _is_torn(handle: int) -> bool:
    """Tell whether a crash has left a line without its end, which the next line must not
    continue.
    """
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"


def _tagged(folder: RunFolder, tag: str, value: str) -> int | None:
    """Return when the run started if its tag has that value, else None."""
    if json.dumps(value, ensure_ascii=False).encode() not in folder.journal.read_bytes():
        return (
            # most journals are not the one; this is a hundred times faster than parsing them
            None
        )
    start, last = 0, None
    for event in events.read(folder.journal):
        if event.kind == "start":
            start = event.time
        last = event.values.get("tags", {}).get(tag, last)
    return start if last == value else None
