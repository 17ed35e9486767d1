import subprocess
from pathlib import Path

import pytest

from linreg.tracking.journal.source_tags import git_user, run_name, source_tags, web_page


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.run(
        ["git", *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def commit(repository: Path) -> str:
    git("init", "-q", "-b", "main")
    for name in ("params.yaml", "dvc.lock"):
        Path(name).write_text("a: 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return git("rev-parse", "HEAD")


def test_a_clean_tree_is_its_commit(commit: str) -> None:
    assert source_tags() == {"git.commit": commit, "git.dirty": "false"}


def test_a_change_makes_the_tree_dirty_but_one_in_dvc_lock_does_not(commit: str) -> None:
    Path("dvc.lock").write_text("a: 2\n")
    assert source_tags()["git.dirty"] == "false"
    Path("params.yaml").write_text("a: 2\n")
    assert source_tags()["git.dirty"] == "true"


def test_a_file_that_git_does_not_know_makes_the_tree_dirty(commit: str) -> None:
    Path("new.py").write_text("")
    assert source_tags()["git.dirty"] == "true"


def test_the_whole_tree_counts_also_from_a_subfolder(
    commit: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("dvc.lock").write_text("a: 2\n")
    Path("folder").mkdir()
    monkeypatch.chdir("folder")
    assert source_tags()["git.dirty"] == "false"
    (repository / "params.yaml").write_text("a: 2\n")
    assert source_tags()["git.dirty"] == "true"


def test_an_experiment_of_dvc_is_tagged(commit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "lucky-guess")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", commit)
    assert source_tags()["dvc.experiment"] == "lucky-guess"
    assert source_tags()["dvc.baseline"] == commit


def test_without_a_commit_and_without_git_there_are_no_tags(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source_tags() == {}
    git("init", "-q")
    assert source_tags() == {}
    monkeypatch.setenv("PATH", "")
    assert source_tags() == {}


def test_git_user_is_the_author_that_git_would_give_a_commit(
    commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scope in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{scope}", "/dev/null")
    assert git_user() == ""
    git("config", "user.name", "A B")
    assert git_user() == "A B"
    git("config", "user.email", "a@example.org")
    assert git_user() == "A B <a@example.org>"


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/owner/name.git", "https://github.com/owner/name"),
        (
            "https://user:token@gitlab.example.org:8443/group/sub/name",
            "https://gitlab.example.org/group/sub/name",
        ),
        ("git@github.com:owner/name.git", "https://github.com/owner/name"),
        ("ssh://git@git.example.org:2222/owner/name.git", "https://git.example.org/owner/name"),
        ("https://github.com/owner/name/", "https://github.com/owner/name"),
        ("/srv/git/name.git", None),
        ("../name", None),
        ("file:///srv/name.git", None),
        ("server:/srv/name.git", None),
        ("https://localhost/owner/name", None),
        ("https://git.example.org/a b/c](https://evil.example)", None),
        ("", None),
    ],
)
def test_the_web_page_of_a_remote_has_neither_user_nor_password_nor_port(
    remote: str, page: str | None
) -> None:
    assert web_page(remote) == page


def test_a_commit_has_a_web_page_when_a_remote_has_it(commit: str) -> None:
    git("remote", "add", "origin", "https://user:secret@git.example.org/owner/name.git")
    assert "git.remote" not in source_tags()
    git("update-ref", "refs/remotes/origin/main", commit)
    assert source_tags()["git.remote"] == "https://git.example.org/owner/name"
    git("commit", "-q", "--allow-empty", "-m", "not pushed yet")
    assert "git.remote" not in source_tags()


@pytest.mark.parametrize(
    ("formula", "terms", "name"),
    [
        ("y ~ x1 + x2", 2, "y ~ x1 + x2, rows.csv"),
        ("mpg ~ horsepower + weight + year + C(origin)", 4, "mpg ~ 4 terms, rows.csv"),
        ("`price in $` ~ some_very_long_column_name", 1, "`price in $` ~ 1 term, rows.csv"),
    ],
)
def test_a_run_is_named_after_its_target_and_its_data(
    formula: str, terms: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {"formula": formula, "terms": [[{}]] * terms}
    assert run_name(schema, "/home/me/tables/rows.csv") == name
    monkeypatch.setenv("DVC_EXP_NAME", "lucky-guess")
    assert run_name(schema, "rows.csv") == "lucky-guess"
