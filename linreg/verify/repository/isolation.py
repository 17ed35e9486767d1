"""The environment in which the stages of a checkout run: the user's own, without other results."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from linreg.dvc_command import UTF_8
from linreg.tracking.journal.sender_process import SYNC

STORES = ("DVC", "MLFLOW", "GIT_", "LINREG")
"""Environment variables, by their prefixes, that could bring in the result of another run."""
OF_LINREG = ("PYTHON", "WORKERS", "RANK", "LOCAL_RANK", "TORCHELASTIC")
"""Those that our own stages do not inherit either."""


def isolated_environment(root: Path, *, with_our_python: bool) -> dict[str, str]:
    """Return the environment of the stages of a checkout.

    root             the folder that holds .dvc there
    with_our_python  whether `python` is the one that runs this, as linreg's stages need it; other
                     stages find on PATH what the user's shell finds

    DVC's and MLflow's settings are not inherited: what a stage tells MLflow goes into the checkout.
    """
    left_out = (*STORES, *(OF_LINREG if with_our_python else ()))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    dvc_folder = root / ".dvc" / "tmp"
    environment = {
        **inherited,
        # The runs of a checkout are nobody's.
        SYNC: "later",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(dvc_folder / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(dvc_folder / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(dvc_folder / "system"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    if with_our_python:
        path = f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', '')}"
        environment |= {**UTF_8, "PATH": path}
    return environment


def moved_paths(environment: Mapping[str, str], top: Path, clone: Path) -> dict[str, str]:
    """Return PYTHONPATH with the folders of a repository replaced by those of its clone.

    Otherwise a stage would import the code of the working tree, and not that of the commit. A
    folder that only the working tree has, such as one of installed packages, stays.
    """
    folders = []
    for each in environment.get("PYTHONPATH", "").split(os.pathsep):
        inner = Path(each) if Path(each).is_absolute() else None
        if inner is not None and inner.is_relative_to(top):
            copy = clone / inner.relative_to(top)
            folders.append(str(copy) if copy.exists() else each)
        else:
            folders.append(each)
    moved = os.pathsep.join(folders)
    return {"PYTHONPATH": moved} if "PYTHONPATH" in environment else {}
