"""linreg installed from its wheels does what it does in a clone, which it does not see."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import linreg
from tests.distribution.environment import Environment
from tests.project import ROOT

pytestmark = pytest.mark.slow
STAGES = ("generate", "ingest", "split", "train", "evaluate")
NIST = ROOT / "tests/data/nist"
CARS = ROOT / "data/examples/auto-mpg.csv"
FIND_PROJECT = "from linreg.project_files import project_files; print(project_files())"


@pytest.fixture(scope="session")
def project(installed: Environment) -> Path:
    """A project made of the installed files, in which every stage has run."""
    source = Path(installed.run("python", "-c", FIND_PROJECT).stdout.strip())
    folder = installed.work / "project"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    here = Environment(installed.folder, folder)
    here.run("linreg", "set", "generate.rows=500", "train.epochs=2")
    for stage in STAGES:
        here.run("python", "-m", f"stages.{stage}")
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "project"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module", params=["installed", "light"])
def environment(request: pytest.FixtureRequest) -> Environment:
    found: Environment = request.getfixturevalue(request.param)
    return found


def test_it_is_the_installed_package_that_runs(environment: Environment) -> None:
    where = environment.run("python", "-c", "import linreg; print(linreg.__file__)").stdout.strip()
    assert Path(where).is_relative_to(environment.site_packages)
    assert environment.run("linreg", "--version").stdout == f"linreg {linreg.__version__}\n"


def test_the_installed_project_is_the_packages(installed: Environment) -> None:
    found = installed.run("python", "-c", FIND_PROJECT).stdout.strip()
    assert Path(found) == installed.site_packages / "linreg/project"


def test_of_an_editable_installation_the_project_is_the_clone(editable: Environment) -> None:
    where = editable.run("python", "-c", "import linreg, stages; print(linreg.__file__)").stdout
    assert where == f"{ROOT}/linreg/__init__.py\n"
    assert editable.run("linreg", "--version").stdout == f"linreg {linreg.__version__}\n"
    assert editable.run("python", "-c", FIND_PROJECT).stdout == f"{ROOT}\n"


def test_the_pipeline_runs_and_its_page_has_its_style_sheet(project: Path) -> None:
    page = (project / "models/evaluation/report.html").read_text()
    css = (ROOT / "linreg/report/templates/report.css").read_text()
    assert css.strip() in page
    assert json.loads((project / "models/model/model.json").read_text())["theta"].keys() == {
        "x1",
        "x2",
    }


def test_certified_values_are_found(environment: Environment) -> None:
    digits = json.loads(environment.run("linreg", "certify", str(NIST), "--json").stdout)
    assert min(each["coefficients"] for each in digits.values()) > 8


def test_a_table_is_analysed_and_nothing_written(project: Path, environment: Environment) -> None:
    here = Environment(environment.folder, project)
    before = (project / "params.yaml").read_bytes()
    done = here.run("linreg", "use", str(CARS), "--target", "mpg", "--dry-run")
    assert "Nothing was written" in done.stdout
    assert (project / "params.yaml").read_bytes() == before


def test_both_distributions_predict_the_same_bytes(
    project: Path, installed: Environment, light: Environment
) -> None:
    written = []
    for environment in (installed, light):
        arguments = [str(project / "models/model"), str(project / "data/raw/generated.parquet")]
        environment.run("linreg", "predict", *arguments, "predictions.csv", "--interval", "0.95")
        written.append((environment.work / "predictions.csv").read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") == 501


def test_a_model_is_loaded_in_python(project: Path, light: Environment) -> None:
    model = project / "models/model"
    program = f"from linreg.fit.model import load; print(load({str(model)!r}).b)"
    expected = json.loads((model / "model.json").read_text())["b"]
    assert float(light.run("python", "-c", program).stdout) == expected


@pytest.mark.parametrize(
    ("command", "library"),
    [
        (["completion", "bash"], "shtab"),
        (["predict", "models:/linreg@champion", str(CARS), "out.csv"], "mlflow"),
        (["serve", "PROJECT/models/model", "--port", "0"], "uvicorn"),
        (["sync"], "mlflow"),
        (["ui"], "mlflow"),
        (["search", "train.lr=0.1,0.2"], "optuna"),
        (["repeat", "2"], "dvc"),
        (["report"], "markupsafe"),
    ],
)
def test_what_a_command_lacks_is_one_line(
    command: list[str], library: str, project: Path, light: Environment
) -> None:
    arguments = [word.replace("PROJECT", str(project)) for word in command]
    done = Environment(light.folder, project).run("linreg", *arguments, check=False)
    assert done.returncode == 2
    line = f"error: linreg: needs {library}, which is not installed; pip install linreg\n"
    assert done.stderr == line


LOOK_FOR_PROJECT = """
from linreg.errors import one_line_errors
from linreg.project_files import project_files
one_line_errors(project_files)()
"""


def test_without_the_files_of_a_project_it_says_what_has_them(light: Environment) -> None:
    done = light.run("python", "-c", LOOK_FOR_PROJECT, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "error: linreg: is installed without the files of a project, for prediction only;"
        " pip install linreg\n"
    )


@pytest.mark.very_slow
def test_a_long_table_is_analysed_by_kernels_that_are_kept_in_the_users_folder(
    project: Path, environment: Environment
) -> None:
    rows = (f"{i * i % 1009},{i * 7 % 997},g{i % 3000}\n" for i in range(60_000))
    (project / "long.csv").write_text("y,x,group\n" + "".join(rows))
    here = Environment(environment.folder, project)
    here.run("linreg", "use", "long.csv", "--target", "y", "--dry-run")
    (kernels,) = (environment.folder / "home/.cache/linreg/kernels").iterdir()
    assert list(kernels.rglob("*.nbc"))
    assert not (environment.site_packages / ".linreg").exists()
