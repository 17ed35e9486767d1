"""Fixtures: an empty project, and a real MLflow store in it."""

from tests.mlflow_store import empty_database as empty_database
from tests.mlflow_store import no_sender as no_sender
from tests.mlflow_store import only_run as only_run
from tests.mlflow_store import python as python
from tests.mlflow_store import repository as repository
from tests.mlflow_store import send as send
from tests.mlflow_store import sent_run as sent_run
from tests.mlflow_store import store as store
