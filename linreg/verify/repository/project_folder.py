"""The folder whose stages are verified, as seen from the working directory."""

import os
from pathlib import Path

from linreg.errors import UserError
from linreg.verify.repository.dvc_index import DVC_FOLDER


def enter_project() -> None:
    """Go to the first folder at or above the working directory with a dvc.yaml or with .dvc.

    Raises UserError where there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() or (folder / DVC_FOLDER).is_dir():
            os.chdir(folder)
            return
    raise UserError(
        "linreg verify",
        "works in a project of DVC, in a git repository",
        found=f"neither dvc.yaml nor {DVC_FOLDER} in {here} or above it",
        todo="cd into the project first",
    )
