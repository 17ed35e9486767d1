"""Open the MLflow UI on this repository's runs, for this machine only."""

import argparse
import os
import socket
import sys
from typing import NoReturn

from linreg.errors import UserError
from linreg.params_file import PARAMS_FILE, load_params
from linreg.tracking.journal.location import (
    is_own_store,
    own_artifacts,
    root,
    tracking_uri,
    without_credentials,
)

HOST = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--port", type=int, default=5000, help="port to listen on (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Become the MLflow server; returns only when a server elsewhere holds the runs."""
    if tracking_uri().startswith(("http://", "https://")):
        print(f"the runs are on the MLflow server at {without_credentials(tracking_uri())}")
        return 0
    _check_port(args.port)
    return _become_server(
        args.port, _experiment(load_params(root() / PARAMS_FILE).tracking.experiment)
    )


def _experiment(name: str) -> str:
    """Return the id of the experiment; it and the store are made where they are not there yet."""
    from linreg.tracking.mlflow.store import (
        experiment_id,
        open_store,
        # MLflow, which takes seconds
    )
    from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason, remedy

    try:
        return experiment_id(open_store(), name)
    except TRACKING_ERRORS as error:
        why, where = reason(error), without_credentials(tracking_uri())
        raise UserError(where, "cannot be opened", found=why, todo=remedy(why)) from None


def _become_server(port: int, experiment: str) -> NoReturn:
    environment = {
        **os.environ,
        # not an argument: it may hold a password
        "MLFLOW_BACKEND_STORE_URI": tracking_uri(),
        # Jobs of MLflow's own would slow down its start, and this pipeline has none.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": os.environ.get(
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"
        ),
    }
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    if is_own_store():
        command += ["--artifacts-destination", str(own_artifacts())]
    # MLflow greets with its pages for agents, which know no models: the address asks for those of
    # training.
    page = f"http://{HOST}:{port}/#/experiments/{experiment}/runs?workflowType=machine_learning"
    print(f"runs:   {page}\ncurves: {page}&compareRunsMode=CHART", flush=True)
    print("MLflow answers in about ten seconds; Ctrl-C ends it", flush=True)
    os.chdir(root())
    os.execve(command[0], command, environment)  # noqa: S606 - so that Ctrl-C and kill reach the server


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
