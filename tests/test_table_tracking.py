"""Who has a table, against what git and DVC themselves say."""

import subprocess
import sys
from pathlib import Path

import pytest

from linreg.setup.options import UseOptions
from linreg.setup.table_location import tracking_advice
from linreg.table_tracking import dvc_file_of, hidden_from_dvc, is_in_experiments, is_in_git

BIG = "x,y\n" + "1,2\n" * 2_600_000


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def dvc(*arguments: str) -> str:
    return run(sys.executable, "-m", "dvc", *arguments)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of git and DVC with a table in data/own/."""
    monkeypatch.chdir(tmp_path)
    run("git", "init", "--quiet")
    dvc("init", "--quiet")
    table = tmp_path / "data/own/t.csv"
    table.parent.mkdir(parents=True)
    table.write_text("x,y\n1,2\n")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patterns", "hidden"),
    [
        ("", ""),
        ("/data/raw/\n/models/*\n", ""),
        ("/data/own/*.csv\n", ""),
        ("/data/*\n!/data/own/\n", "data/"),
        ("/data/\n", "data/"),
        ("/data/own/*\n", "data/own/"),
        ("*.dvc\n!.dvc/\n", "data/own/t.csv.dvc"),
    ],
)
def test_a_dvc_file_is_hidden_where_dvc_does_not_list_it(
    repository: Path, patterns: str, hidden: str
) -> None:
    dvc("add", "--quiet", "data/own/t.csv")
    (repository / ".gitignore").write_text(patterns)
    assert hidden_from_dvc(Path("data/own/t.csv.dvc")) == hidden
    assert ("t.csv.dvc" in dvc("dag")) == (not hidden)


def test_outside_of_git_nothing_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hidden_from_dvc(Path("t.csv.dvc")) == ""


@pytest.mark.slow
def test_the_advice_for_a_large_table_makes_dvc_push_it(repository: Path) -> None:
    table = Path("data/own/t.csv")
    table.write_text(BIG)
    options = UseOptions(file=table)
    (repository / ".gitignore").write_text("/data/*\n!/data/own/\n")
    message, command = tracking_advice(table, options)
    assert "DVC does not see data/own/t.csv.dvc" in message
    assert run("bash", "-c", command).startswith(".gitignore:1:/data/*")
    (repository / ".gitignore").write_text("")
    message, command = tracking_advice(table, options)
    assert message.endswith("once you commit its .dvc file:")
    run("bash", "-c", f"PATH={Path(sys.executable).parent}:$PATH; {command}")
    assert tracking_advice(table, options) == ("", "")
    dvc("remote", "add", "--default", "--quiet", "store", str(repository / "store"))
    dvc("push", "--quiet")
    assert sum(each.stat().st_size for each in (repository / "store").rglob("*/*")) > len(BIG)


@pytest.mark.slow
def test_a_dvc_file_that_git_does_not_have_shares_nothing(repository: Path) -> None:
    dvc("add", "--quiet", "data/own")
    table = Path("data/own/t.csv")
    assert dvc_file_of(table) == Path("data/own.dvc")
    assert not is_in_experiments(table)
    assert tracking_advice(table, UseOptions(file=table))[1] == "git add data/own.dvc"
    run("git", "add", "data/own.dvc")
    assert is_in_experiments(table)
    assert tracking_advice(table, UseOptions(file=table)) == ("", "")


@pytest.mark.slow
def test_an_experiment_has_of_a_table_in_git_lfs_the_pointer_alone(repository: Path) -> None:
    table = Path("data/own/t.csv")
    assert not is_in_experiments(table)
    run("git", "add", str(table))
    assert is_in_experiments(table)
    (repository / ".gitattributes").write_text("*.csv filter=lfs diff=lfs merge=lfs -text\n")
    assert not is_in_experiments(table)


@pytest.mark.slow
def test_a_name_with_characters_of_a_pattern_is_a_name(repository: Path) -> None:
    run("git", "add", "data/own/t.csv")
    assert is_in_git(Path("data/own/t.csv"))
    assert is_in_git(Path("data/own"))
    assert not is_in_git(Path("data/own/*.csv"))
    assert not is_in_git(Path("data/own/[t].csv"))
