"""The files of a new project, and where they come from."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from linreg.errors import UserError
from linreg.files import write_json
from linreg.new_project.requirements import REQUIREMENTS, requirements
from linreg.project_files import project_files

TEMPLATES = Path(__file__).parent / "templates"
BASE = ".linreg-init.json"
"""The files as they were written, from which `linreg upgrade` tells the user's changes."""
PIPELINE = ("dvc.yaml", "params.yaml", "stages/")
"""Without these there is no pipeline; a file of another kind may be the user's own."""
PLOTS = ("coefficients.json", "logarithmic.json")
IGNORED = (
    "/.linreg/",
    "/mlflow.db*",
    "/mlartifacts/",
    "/registry-log.jsonl",
    "/dvc_plots/",
    "/report/",
    "/comparison.html",
    "*.cut-off*",
    "__pycache__/",
)
"""What commands leave that is not to be committed. DVC adds the outputs of stages itself."""


def files_of_project(folder: Path, git_top: Path | None) -> dict[str, str]:
    """Return the text of each file, by its path from `folder`; stages/*.py are those of linreg.

    git_top  the top of the git repository, where CI looks for workflows; None outside of one
    """
    own = project_files()
    files = {name: _text(own / name) for name in ("dvc.yaml", "params.yaml")}
    scripts = sorted((own / "stages").glob("*.py"))
    files |= {f"stages/{script.name}": _text(script) for script in scripts}
    files["tests/test_pipeline.py"] = _text(TEMPLATES / "test_pipeline.py.txt")
    files |= _workflow(folder, git_top)
    if (pinned := requirements()) is not None:
        files[REQUIREMENTS] = pinned
    return files


def plot_templates() -> dict[str, str]:
    """Return the templates of plots that dvc.yaml names, by their paths in .dvc."""
    own = project_files() / ".dvc" / "plots"
    return {f"plots/{name}": _text(own / name) for name in PLOTS}


def is_of_pipeline(name: str) -> bool:
    """Tell whether a file of a new project belongs to the pipeline itself."""
    return name.startswith(PIPELINE)


def write_base(folder: Path, version: str, files: Mapping[str, str]) -> None:
    """Remember the files as they were written, for the next upgrade."""
    write_json(folder / BASE, {"linreg": version, "files": dict(files)})


def read_base(folder: Path) -> tuple[str, dict[str, str]]:
    """Return the version that wrote or renewed the project, and the files as it wrote them.

    Raises UserError where there is no such record, or a damaged one.
    """
    path = folder / BASE
    if not path.exists():
        raise UserError(
            path, "there is no such file", todo="`linreg init` writes it when it sets a project up"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        files = {str(name): str(text) for name, text in document["files"].items()}
        return str(document["linreg"]), files
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            path, "is damaged", found=error, todo="restore it from git, or from a colleague's clone"
        ) from None


def _workflow(folder: Path, git_top: Path | None) -> dict[str, str]:
    top = folder if git_top is None else git_top
    inside = PurePosixPath(folder.relative_to(top).as_posix())
    name = "pipeline.yml" if top == folder else f"pipeline-{'-'.join(inside.parts)}.yml"
    path = os.path.relpath(top / ".github" / "workflows" / name, folder)
    text = _text(TEMPLATES / "workflow.yml")
    text = text.replace("PYTHON", f"{sys.version_info.major}.{sys.version_info.minor}")
    if top == folder:
        text = text.replace("FOLDER/", "").replace(
            'defaults:\n  run:\n    working-directory: "FOLDER"\n\n', ""
        )
    return {Path(path).as_posix(): text.replace("FOLDER", inside.as_posix())}


def _text(path: Path) -> str:
    # Line ends as they are there.
    return path.read_bytes().decode("utf-8")
