"""Projects in folders of all names, and in locales that are not UTF-8."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import Project, committed_run, copy_of, made_once

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LOCALES = {"C": {"LC_ALL": "C", "PYTHONUTF8": "0"}, "Latin-1": {"PYTHONIOENCODING": "latin-1"}}


@pytest.fixture
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has run once, and whose model passes its gates."""
    return made_once(
        tmp_path_factory, "champion", lambda path: committed_run(path, rows=2000, solver="exact")
    )


def linreg(project: Project, *arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a process of its own, which decodes its paths itself."""
    return subprocess.run(
        [sys.executable, "-m", "linreg", *arguments],
        cwd=project.folder,
        env=project.environment() | env,
        capture_output=True,
        check=False,
    )


@pytest.mark.very_slow
@pytest.mark.parametrize("name", ["my project", "a#b", "100% x", "über θ", 'a "b" & c;d'])
def test_a_project_in_a_folder_of_any_name_registers_and_predicts(
    run_once: Path, tmp_path: Path, name: str
) -> None:
    project = copy_of(run_once, tmp_path / name)
    for command in ("sync --all", "register"):
        done = linreg(project, *command.split())
        assert done.returncode == 0, done
    predicted = tmp_path / name / "predictions.csv"
    source = "data/raw/generated.parquet"
    done = linreg(project, "predict", "models:/linreg@champion", source, str(predicted))
    assert done.returncode == 0, done
    assert len(predicted.read_text().splitlines()) == 2001
    # MLflow has made no folder of the same name in percent encoding.
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.very_slow
@pytest.mark.parametrize(
    ("name", "character"), [("feature%2Fx", "%"), ("what?x", "?"), ("it's", "'")]
)
def test_a_name_that_mlflow_misreads_is_one_line_with_the_character(
    run_once: Path, tmp_path: Path, name: str, character: str
) -> None:
    project = copy_of(run_once, tmp_path / name)
    for file in (project.folder / "mlflow.db", *project.folder.glob(".linreg/runs/*/sent.json")):
        file.unlink()
    why = f"{name}: MLflow cannot keep its store here: the path has a {character}; move the project"
    done = linreg(project, "register")
    assert done.returncode == 2
    [line] = done.stderr.decode().splitlines()
    assert why in line
    done = linreg(project, "sync")
    assert (done.returncode, done.stderr) == (1, b"")
    assert why in done.stdout.decode()
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert not (project.folder / "mlflow.db").exists()


@pytest.mark.very_slow
@pytest.mark.parametrize("locale", LOCALES)
def test_in_a_locale_that_is_not_utf_8_every_command_ends_as_it_does_in_one(
    run_once: Path, tmp_path: Path, locale: str
) -> None:
    project = copy_of(run_once, tmp_path / "über θ")
    encoding = "ascii" if locale == "C" else "latin-1"
    for command in ("summary", "sync", "runs", "report report.html", "set train.lr=0.01"):
        expected = linreg(project, *command.split())
        found = linreg(project, *command.split(), **LOCALES[locale])
        assert (found.returncode, found.stderr) == (expected.returncode, expected.stderr)
        # The others say when they ran, or how much there was to send.
        if command.startswith(("summary", "set")):
            text = expected.stdout.decode().encode(encoding, "backslashreplace")
            assert found.stdout == text, command


@pytest.mark.very_slow
def test_experiments_run_in_a_path_of_letters_outside_ascii(run_once: Path, tmp_path: Path) -> None:
    """`dvc exp run --temp` fails there: DVC writes the path of its cache in ASCII."""
    done = linreg(copy_of(run_once, tmp_path / "über"), "repeat", "--split", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().count("test RMSE") == 2
