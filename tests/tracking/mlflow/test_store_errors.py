import pytest
from mlflow.exceptions import MlflowException
from requests import ConnectionError as NoConnectionError

from linreg.tracking.mlflow.store_errors import reason, remedy

SERVER = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")


def test_a_server_that_refuses_is_named_with_its_status() -> None:
    error = MlflowException("Max retries exceeded: too many 503 error responses")
    assert reason(error) == f"{SERVER} answers with status 503"


@pytest.mark.parametrize(
    ("status", "expected"), [(401, "does not accept the login"), (403, "does not permit that")]
)
def test_a_login_that_is_refused_is_told_in_words(status: int, expected: str) -> None:
    text = f"API request to endpoint /x failed with error code {status} != 200. Response body: …"
    assert reason(MlflowException(text)) == f"{SERVER} {expected}"


def test_a_server_without_an_answer_is_named_also_where_mlflow_has_wrapped_the_error() -> None:
    assert reason(NoConnectionError("refused")) == f"{SERVER} does not answer"
    wrapped = MlflowException("API request failed")
    wrapped.__context__ = NoConnectionError("refused")
    assert reason(wrapped) == f"{SERVER} does not answer"


def test_a_reason_is_the_first_line_without_credentials() -> None:
    error = MlflowException("\nno access to http://user:secret@127.0.0.1:9/api\n[more]\n")
    assert reason(error) == "no access to http://127.0.0.1:9/api"


def test_the_class_of_a_database_error_gives_way_to_the_name_of_the_store() -> None:
    error = MlflowException("(sqlite3.OperationalError) database is locked\n(Background on …)")
    assert reason(error) == f"{SERVER}: database is locked"


def test_an_error_without_a_text_is_called_by_its_class() -> None:
    assert reason(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize(
    ("length", "expected"), [(299, "x" * 299), (300, "x" * 300), (301, "x" * 300 + "…")]
)
def test_a_reason_is_cut_after_300_characters(length: int, expected: str) -> None:
    assert reason(OSError("x" * length)) == expected


@pytest.mark.parametrize(
    ("why", "todo"),
    [
        ("runs.db: file is not a database", "linreg sync --all"),
        ("database is locked", "end that program"),
        ("unable to open database file", "writable"),
        ("No module named 'psycopg2'", "driver"),
        (f"{SERVER} answers with status 502", "the server's log"),
        ("failed with error code 401", "MLFLOW_TRACKING_TOKEN"),
        (f"{SERVER} does not accept the login", "MLFLOW_TRACKING_TOKEN"),
        ('FATAL: password authentication failed for user "ann"', "in MLFLOW_TRACKING_URI"),
        (f"{SERVER} does not permit that", "the permission EDIT"),
        ("failed with error code 404", "name another store"),
    ],
)
def test_each_reason_has_a_remedy(why: str, todo: str) -> None:
    assert todo in remedy(why)


def test_a_caller_may_say_what_to_do_about_any_other_reason() -> None:
    assert remedy("something else", "wait") == "wait"
    assert remedy("database is locked", "wait") != "wait"
