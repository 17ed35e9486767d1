"""A model behind MLflow's scoring server, on a socket of this process."""

import socket

import uvicorn
from mlflow.models import Model
from mlflow.pyfunc import FLAVOR_NAME, PyFuncModel, scoring_server

from linreg.fit.model import LinearModel
from linreg.tracking.mlflow.served_model import ServedModel


def serve(model: LinearModel, listener: socket.socket) -> None:
    """Answer requests as `mlflow models serve` does, until Ctrl-C or SIGTERM."""
    metadata = Model(flavors={FLAVOR_NAME: {"loader_module": ServedModel.__module__}})
    app = scoring_server.init(PyFuncModel(metadata, ServedModel(model)))
    config = uvicorn.Config(app, log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])
