"""What linreg sets for MLflow is set before MLflow is imported, whatever imports it first."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import linreg

IMPORTS = (
    "import linreg.tracking.served_model",
    "from linreg.tracking.mlflow.store import open_store",
    "from linreg.tracking.mlflow.sync import follow",
    "from linreg.tracking.mlflow.fetch_model import fetch_model",
    "from linreg.tracking.mlflow.model_registry import Registry",
    "from linreg.tracking.mlflow.search import search_runs",
)
PROGRAM = """
    import json, os, sys

    class Watch:
        def find_spec(self, name, path=None, target=None):
            if name == "mlflow":
                print(json.dumps({name: os.environ.get(name) for name in %r}))
                raise SystemExit

    sys.meta_path.insert(0, Watch())
    %s
"""
SET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def environment_at_import(statement: str, **environment: str) -> dict[str, str | None]:
    """The variables at the moment in which the statement imports MLflow."""
    inherited = {name: value for name, value in os.environ.items() if name not in SET}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM) % (list(SET), statement)],
        env=inherited | {"PYTHONPATH": str(Path(linreg.__file__).parents[1])} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("statement", IMPORTS)
def test_mlflow_is_imported_after_its_variables_are_set(statement: str) -> None:
    assert environment_at_import(statement) == SET


def test_variables_of_the_user_stay_except_for_what_would_print_a_password() -> None:
    theirs = dict.fromkeys(SET, "1")
    found = environment_at_import(IMPORTS[0], **theirs)
    assert found == theirs | {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
