"""What can go wrong with the MLflow store: which exceptions, why, and what to do about it."""

import re

from mlflow.exceptions import MlflowException
from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError

from linreg.errors import UserError
from linreg.tracking.journal.store_location import redact_credentials, tracking_uri

TRACKING_ERRORS = (MlflowException, SQLAlchemyError, OSError, ImportError, UserError)
"""Raised when the store, the network (requests raises OSErrors), a driver or a file fails."""
_REMEDIES = {
    "not a database|malformed": (
        "move it away: `linreg sync --all` makes a new one from the journals in .linreg/runs"
    ),
    "database is locked": "another program holds it: end that program, or wait",
    "readonly database|unable to open database": "make the file and its folder writable",
    "No module named": "install the driver that this store needs",
    "status 5|error code 5": "look into the server's log",
    "error code 401|accept the login": (
        "check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    ),
    "password authentication failed": "check the user and the password in MLFLOW_TRACKING_URI",
    "error code 403|permit that": "ask whoever runs the server for the permission EDIT",
}


def reason(error: BaseException) -> str:
    """Return why the store failed, on one line and without credentials."""
    store = redact_credentials(tracking_uri())
    if refused := re.search(r"too many (\d+) error responses", str(error)):
        return f"{store} answers with status {refused[1]}"
    if refused := re.search(r"failed with error code (401|403)", str(error)):
        denied = {"401": "accept the login", "403": "permit that"}
        return f"{store} does not {denied[refused[1]]}"
    if isinstance(error, RequestException) or isinstance(error.__context__, RequestException):
        return f"{store} does not answer"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = re.sub(r"^\(\w+\.\w+Error\) ", f"{store}: ", redact_credentials(lines[0]))
    return text if len(text) <= 300 else f"{text[:300]}…"


def remedy(
    why: str, otherwise: str = "start the server, or name another store in MLFLOW_TRACKING_URI"
) -> str:
    """Return what to do about a reason."""
    return next((todo for sign, todo in _REMEDIES.items() if re.search(sign, why)), otherwise)
