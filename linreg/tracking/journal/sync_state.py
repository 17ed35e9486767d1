"""How much of a run's journal its MLflow store has: the file sent.json."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from linreg.errors import UserError
from linreg.files import MissingOutputError, read_document, write_document
from linreg.tracking.journal.store_location import (
    is_missing,
    redact_credentials,
    store_name,
    tracking_uri,
)

DELETED = "DELETED"
"""The status of a run that was deleted in MLflow: nothing more is sent unless it is restored."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyncState:
    """How much of a journal a store has: everything before byte `offset`."""

    tracking_uri: str = ""
    run_id: str = ""
    model_id: str = ""
    status: str = ""
    offset: int = 0
    last_error: str = ""
    """Why the last try to send failed; empty when it succeeded."""
    last_error_time: float = 0.0
    """When that was, in seconds since 1970."""

    @classmethod
    def read(cls, file: Path) -> "SyncState":
        """Return what the present store has, which is nothing if `file` is about another store."""
        nothing = cls(tracking_uri=store_name())
        if is_missing(tracking_uri()):
            return nothing
        try:
            document = read_document(file)
            state = cls(**{_FIELDS.get(key, key): value for key, value in document.items()})
        except MissingOutputError:
            return nothing
        except (UserError, TypeError) as error:
            # Sending everything again adds nothing that MLflow has already, so this is safe.
            _log.warning("%s; the run is sent from its beginning", error)
            return nothing
        # linreg 0.1 has recorded the absolute path of a store in the project.
        is_present = state.tracking_uri in (store_name(), redact_credentials(tracking_uri()))
        return replace(state, tracking_uri=store_name()) if is_present else nothing

    def write(self, file: Path) -> None:
        """Write the state to `file`."""
        write_document(file, {_KEYS.get(key, key): value for key, value in vars(self).items()})


_KEYS = {"last_error": "trouble", "last_error_time": "trouble_time"}
"""Keys of sent.json that are not the names of the fields."""
_FIELDS = {key: field for field, key in _KEYS.items()}
