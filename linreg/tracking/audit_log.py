"""The audit log of a registered model: every decision, by whom, when and why; append-only.

It is registry-log.jsonl at the top of the project, one line of JSON for each decision, next to the
store that it is about and like that not in git: a log in git would go back in time with every
checkout. The registry holds the same lines as tags.
"""

import getpass
import json
import os
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from linreg.process.lock import exclusive_lock
from linreg.tracking.journal.source_tags import git_user
from linreg.tracking.journal.store_location import project_root, state_folder

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
REFUSED: Final = "refused"
ALREADY_REGISTERED: Final = "already registered"
PROMOTED_MANUALLY: Final = "promoted by hand"


def _user() -> str:
    try:
        login = getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not have a name.
        login = "unknown"
    author = git_user()
    return f"{login} ({author})" if author else login


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Decision:
    """One decision; its fields are the keys of its line in the log.

    decision    champion, challenger, refused, already registered or promoted by hand
    why         one sentence
    version     the version that it is about; None where none was created
    champion    the version that was the champion before
    model       MD5 of the model, as in dvc.lock
    run         id of its MLflow run
    commit      commit of the run, and `dirty` whether its working tree had changes
    comparison  the interval that decided, where the models were compared
    time        UTC
    """

    name: str
    decision: str
    why: str
    store: str
    version: int | None = None
    champion: int | None = None
    model: str = ""
    run: str = ""
    commit: str = ""
    dirty: bool | None = None
    experiment: str = ""
    comparison: dict[str, Any] | None = None
    who: str = field(default_factory=_user)
    time: str = field(default_factory=_now)

    def line(self) -> str:
        """Return the decision as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, allow_nan=False)


def log_file() -> Path:
    """Return the file that decisions are appended to."""
    return project_root() / "registry-log.jsonl"


def append_decision(decision: Decision) -> None:
    """Append a decision to the log, unless it is there, and flush it to the disk.

    A record that a crash has truncated stays as it is, and the next begins on a line of its own.
    """
    with log_file().open("ab+") as file:
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        line = decision.line().encode() + b"\n"
        if line in lines:
            # The last command was killed just after it had written the decision.
            return
        is_truncated = bool(lines) and not lines[-1].endswith(b"\n")
        file.write(b"\n" + line if is_truncated else line)
        file.flush()
        os.fsync(file.fileno())


def registry_lock() -> AbstractContextManager[bool]:
    """Hold the lock of the one command that may decide; waits for another, with a message."""
    return exclusive_lock(
        state_folder() / "registry.lock",
        on_wait=lambda: print("waiting for another `linreg register`", flush=True),
    )
