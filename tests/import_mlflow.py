"""Imports of MLflow whose own warnings would be errors here; import this module before them."""

import importlib
import warnings

from sqlalchemy.exc import SADeprecationWarning

with warnings.catch_warnings():
    # MLflow's tables use a loader strategy that SQLAlchemy is about to drop, with a warning.
    warnings.filterwarnings(
        "ignore", message="The ``noload`` loader strategy", category=SADeprecationWarning
    )
    importlib.import_module("mlflow.store.tracking.sqlalchemy_store")
    # MLflow warns of its own type hints when they are imported.
    warnings.filterwarnings(
        "ignore", message=".*Any type hint is inferred as AnyType", category=UserWarning
    )
    importlib.import_module("mlflow.pyfunc")
