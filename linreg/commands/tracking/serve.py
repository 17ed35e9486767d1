"""Answer requests with the predictions of a model, as `mlflow models serve` does.

MODEL is models:/NAME@ALIAS of MLflow, by default the champion, or a folder such as models/model.
The server listens on this machine only.
"""

import argparse
import json
import shlex
import socket
from typing import Any

from linreg.data.formula.coercion import feature_types
from linreg.data.formula.column_statistics import ColumnStatistics
from linreg.data.formula.functions.calendar import date_text
from linreg.errors import UserError
from linreg.fit.model import LinearModel, load
from linreg.lineage.model_lookup import find_model

HOST = "127.0.0.1"
CHAMPION = "models:/linreg@champion"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the model and the port."""
    parser.add_argument(
        "model",
        nargs="?",
        default=CHAMPION,
        metavar="MODEL",
        help="models:/NAME@ALIAS or a folder (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=int, default=5001, help="port to listen on (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print a request that works, and answer requests until Ctrl-C."""
    with _listener(args.port) as listener:
        with find_model(args.model) as folder:
            model = load(folder)
        # Imports MLflow, which takes seconds.
        from linreg.tracking.mlflow.model_server import serve

        port = listener.getsockname()[1]
        print(f"{args.model}: {model.design.schema.formula}; Ctrl-C ends it\n")
        print(_request(model, port), flush=True)
        serve(model, listener)
    return 0


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        raise UserError(
            "--port",
            "cannot be listened on",
            found=f"{port} ({error})",
            todo="choose another, such as --port 5002",
        ) from None


def _request(model: LinearModel, port: int) -> str:
    """Return a command that asks for the prediction of a typical row."""
    statistics = model.design.statistics
    types = feature_types(model.design.schema)
    row = {name: _typical(statistics[name], str(type_)) for name, type_ in types.items()}
    body = json.dumps({"dataframe_records": [row]}, ensure_ascii=False)
    return (
        f"curl http://{HOST}:{port}/invocations -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}"
    )


def _typical(column: ColumnStatistics, type_: str) -> Any:
    """Return the first level of a category, the mean of a column of numbers, rounded, or a day."""
    if column.levels:
        return column.levels[0]
    if type_.startswith("timestamp") and column.mean is not None:
        return date_text(column.mean)
    mean = float(f"{column.mean or 0.0:.3g}")
    return round(mean) if "int" in type_ else mean
