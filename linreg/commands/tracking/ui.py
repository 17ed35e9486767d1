"""Open the MLflow UI on the project's runs, for this machine only."""

import argparse
import os
import socket
import sys
from typing import NoReturn

from linreg.errors import UserError
from linreg.params.file import PARAMS_FILE, load_params
from linreg.tracking.journal.store_location import (
    is_local_store,
    is_server,
    local_artifacts,
    project_root,
    redact_credentials,
    tracking_uri,
)

HOST = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--port", type=int, default=5000, help="port to listen on (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Become the MLflow server; returns only when a server elsewhere has the runs."""
    if is_server(tracking_uri()):
        print(f"the runs are on the MLflow server at {redact_credentials(tracking_uri())}")
        return 0
    _check_port(args.port)
    experiment = load_params(project_root() / PARAMS_FILE).tracking.experiment
    return _become_server(args.port, _prepare_experiment(experiment))


def _prepare_experiment(name: str) -> str:
    """Return the path of the page with the experiment's runs, in the table with our columns.

    The store and the experiment are created if there are none yet.
    """
    # Imported here because they import MLflow, which takes seconds.
    from linreg.tracking.mlflow.experiment import DeletedExperimentError, experiment_id
    from linreg.tracking.mlflow.run_table import runs_page
    from linreg.tracking.mlflow.store import open_store
    from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason, remedy

    try:
        client = open_store()
        return runs_page(client, experiment_id(client, name))
    except DeletedExperimentError as error:
        print(error, file=sys.stderr)
        return "#/experiments"
    except TRACKING_ERRORS as error:
        why = reason(error)
        where = redact_credentials(tracking_uri())
        raise UserError(where, "cannot be opened", found=why, todo=remedy(why)) from None


def _become_server(port: int, page: str) -> NoReturn:
    # MLflow has been imported, so that the environment has what linreg.tracking.mlflow sets for it.
    environment = {
        **os.environ,
        # Not an argument, which other users see: it may hold a password.
        "MLFLOW_BACKEND_STORE_URI": tracking_uri(),
        # MLflow's own jobs would slow down its start, and this pipeline has none.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": os.environ.get(
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"
        ),
    }
    command = [sys.executable, "-m", "mlflow", "server"]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    if is_local_store():
        command += ["--artifacts-destination", str(local_artifacts())]
    print(f"runs: http://{HOST}:{port}/{page}", flush=True)
    print("MLflow answers in some seconds; Ctrl-C ends it", flush=True)
    os.chdir(project_root())
    # Not a child process, so that Ctrl-C and kill reach the server.
    os.execve(command[0], command, environment)  # noqa: S606


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise UserError(
                "--port",
                "cannot be listened on",
                found=f"{port} ({error})",
                todo="choose another, such as --port 5001",
            ) from None
