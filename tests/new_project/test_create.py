"""A new project, in a real git repository or outside of one: nothing there is overwritten."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.new_project.create import create_project
from linreg.new_project.files import BASE
from linreg.plain_yaml import read_yaml

ROOT = Path(__file__).parents[2]


def git(folder: Path, *arguments: str) -> str:
    user = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    done = subprocess.run(
        ["git", *user, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def contents(folder: Path) -> Mapping[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@pytest.mark.slow
def test_an_empty_folder_becomes_a_repository_with_the_pipeline(tmp_path: Path) -> None:
    folder = tmp_path / "my models é"
    created = create_project(folder)
    assert created.done == ["git init", "dvc init", ".gitignore: 9 lines"]
    assert created.kept == []
    for name in ("dvc.yaml", "params.yaml", *(f"stages/{s.name}" for s in scripts())):
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes(), name
    assert git(folder, "rev-parse", "--show-toplevel") == str(folder.resolve())
    config = subprocess.run(
        ["dvc", "config", "core.analytics"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert config.stdout.strip() == "false"
    assert "linreg" not in {path.name for path in folder.iterdir()}


def scripts() -> list[Path]:
    return sorted((ROOT / "stages").glob("*.py"))


@pytest.mark.slow
def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    create_project(tmp_path)
    before = contents(tmp_path)
    created = create_project(tmp_path)
    assert created.written == []
    assert created.done == []
    assert contents(tmp_path) == before


def test_files_of_ones_own_stay_and_are_named(tmp_path: Path) -> None:
    own = {
        ".gitignore": b"/secret\n/.linreg/",
        "tests/test_pipeline.py": b"# mine\n",
        "requirements.lock": b"numpy==1\n",
        ".github/workflows/pipeline.yml": b"# mine\n",
        "stages/features.py": b"# mine\n",
    }
    git(tmp_path, "init", "-q")
    for name, content in own.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    created = create_project(tmp_path)
    kept = [".github/workflows/pipeline.yml", "requirements.lock", "tests/test_pipeline.py"]
    assert sorted(created.kept) == kept
    for name, content in own.items():
        assert (tmp_path / name).read_bytes().startswith(content)
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["/secret", "/.linreg/"]
    assert len(lines) == len(set(lines)) == 10


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml", "stages/train.py"])
def test_another_pipeline_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("# mine\n")
    before = contents(tmp_path)
    with pytest.raises(UserError, match=f"{name}: is here already.*linreg init FOLDER"):
        create_project(tmp_path)
    assert contents(tmp_path) == before
    assert not (tmp_path / ".git").exists()


def test_in_a_folder_of_a_larger_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "README.md").write_text("# A product\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    folder = tmp_path / "models/price"
    created = create_project(folder)
    assert created.done == ["dvc init --subdir", ".gitignore: 9 lines"]
    workflow = tmp_path / ".github/workflows/pipeline-models-price.yml"
    document = read_yaml(workflow.read_text(), workflow.name)
    assert document["defaults"]["run"]["working-directory"] == "models/price"
    setup = document["jobs"]["pipeline"]["steps"][1]["with"]
    assert setup["cache-dependency-path"] == "models/price/requirements.lock"
    # Beside the folder and the workflow nothing has changed, in the working tree and in git.
    changed = git(tmp_path, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert all(line[3:].startswith(("models/price/", ".github/")) for line in changed)


def test_where_dvc_is_set_up_for_the_whole_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    subprocess.run(["dvc", "init", "-q"], cwd=tmp_path, check=True)
    config = (tmp_path / ".dvc/config").read_bytes()
    created = create_project(tmp_path / "price")
    assert created.done == [".gitignore: 9 lines"]
    assert not (tmp_path / "price/.dvc").exists()
    assert (tmp_path / ".dvc/config").read_bytes() == config
    assert (tmp_path / ".dvc/plots/coefficients.json").exists()


def test_requirements_name_what_is_installed_once(tmp_path: Path) -> None:
    create_project(tmp_path)
    lines = (tmp_path / "requirements.lock").read_text().splitlines()
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(set(names))
    assert {"linreg", "torch", "dvc", "mlflow", "numba", "llvmlite"} <= set(names)
    assert not {"pytest", "ruff", "mypy", "moto"} & set(names)
    assert not [line for line in lines if "+" in line or " " in line]


def test_the_record_for_upgrades_holds_the_files_as_written(tmp_path: Path) -> None:
    create_project(tmp_path)
    files = json.loads((tmp_path / BASE).read_text())["files"]
    assert {name: (tmp_path / name).read_text() for name in files} == files


@pytest.mark.slow
def test_without_git_there_is_nothing_left_to_do_with_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    created = create_project(tmp_path / "project")
    assert created.done == ["dvc init --no-scm", ".gitignore: 9 lines"]
    assert created.todo == []
    assert (tmp_path / "project/dvc.yaml").exists()
