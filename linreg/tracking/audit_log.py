"""What was decided about a registered model, by whom, when and why: the audit log, which is only
ever appended to.

It is registry-log.jsonl at the repository's top, one line of JSON for each decision, beside the
store that it tells of and like that not in git: a log in git would go back in time with every
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
from linreg.tracking.journal.location import root
from linreg.tracking.journal.run_folder import state_folder
from linreg.tracking.journal.source_tags import git_user

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
REFUSED: Final = "refused"
KNOWN: Final = "already registered"
BY_HAND: Final = "promoted by hand"


def _who() -> str:
    try:
        login = getpass.getuser()
    except (KeyError, OSError):
        # a container's user need not have a name
        login = "unknown"
    return f"{login} ({user})" if (user := git_user()) else login


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Decision:
    """One decision; its fields are the keys of its line in the log.

    decision    champion, challenger, refused, already registered or promoted by hand
    why         one sentence
    version     the version that it is about; None where none was made
    champion    the version that was the champion before
    model       MD5 of the model, as in dvc.lock
    run         id of its MLflow run
    commit      of the run, and `dirty` whether its working tree was
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
    who: str = field(default_factory=_who)
    time: str = field(default_factory=_now)

    def line(self) -> str:
        """Return the decision as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, allow_nan=False)


def log_file() -> Path:
    """Return the file that decisions are appended to."""
    return root() / "registry-log.jsonl"


def append(decision: Decision) -> None:
    """Append a decision to the log, unless it is there; when this returns it is on the disk.

    A line that a crash has torn stays as it is, and the next one begins on a line of its own.
    """
    with log_file().open("ab+") as file:
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        line = decision.line().encode() + b"\n"
        if line in lines:
            # the last command was killed just after it had written it
            return
        torn = bool(lines) and not lines[-1].endswith(b"\n")
        file.write(b"\n" + line if torn else line)
        file.flush()
        os.fsync(file.fileno())


def registry_lock() -> AbstractContextManager[bool]:
    """Hold the lock under which one command at a time decides; waits for another, with a message."""
    return exclusive_lock(
        state_folder() / "registry.lock",
        on_wait=lambda: print("waiting for another `linreg register`", flush=True),
    )
