"""Look up a model by what a command calls it: a folder, or a URI of MLflow."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linreg.errors import UserError

URI_SCHEMES = ("models:/", "runs:/")


@contextmanager
def find_model(name: str) -> Iterator[Path]:
    """Yield the folder of a model; that of a URI is fetched from MLflow and deleted afterwards.

    Raises UserError where there is none.
    """
    if not name.startswith(URI_SCHEMES):
        if not Path(name).is_dir():
            todo = "name one such as models/model, or models:/NAME@ALIAS"
            raise UserError(name, "is not a folder with a model", todo=todo)
        yield Path(name)
        return
    # Imports MLflow, which takes seconds.
    from linreg.tracking.mlflow.fetch_model import fetch_model

    with tempfile.TemporaryDirectory() as folder:
        yield fetch_model(name, Path(folder))
