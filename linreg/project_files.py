"""The files of a project: those that `linreg init` writes."""

from pathlib import Path

from linreg.errors import UserError

PACKAGE = Path(__file__).resolve().parent
INSTALLED = PACKAGE / "project"
"""Where the build puts them (force-include in pyproject.toml); absent in a clone."""


def project_files() -> Path:
    """Return the folder with dvc.yaml, params.yaml, stages/, .gitignore and .dvc/, named as in a
    project.

    Where linreg is installed they are part of it. Of a clone, on the path or installed as editable,
    it is the top folder, which holds more than a project needs. Raises UserError where they are
    absent, as from the distribution linreg-predict.
    """
    folder = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent
    if not (folder / "dvc.yaml").is_file():
        what = "is installed without the files of a project, for prediction only"
        raise UserError("linreg", what, todo="pip install linreg")
    return folder
