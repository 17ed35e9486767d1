import os
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
    new = repository / "new.py"
    new.write_text("")
    assert source_tags()["git.dirty"] == "true"
    new.unlink()
    (repository / "params.yaml").write_text("a: 2\n")
    assert source_tags()["git.dirty"] == "true"


LOCK = """\
schema: '2.0'
stages:
  evaluate:
    cmd: python -m stages.evaluate
    outs:
    - path: models/scores.json
      md5: 0123456789abcdef0123456789abcdef
      size: 2
"""


def test_an_output_that_git_tracks_and_dvc_removes_before_its_stage_makes_nothing_dirty(
    commit: str,
) -> None:
    Path("dvc.lock").write_text(LOCK)
    Path("models").mkdir()
    for name in ("models/scores.json", "models/own.json"):
        Path(name).write_text("{}")
    git("add", ".")
    git("commit", "-q", "-m", "scores")
    Path("models/scores.json").unlink()
    assert source_tags()["git.dirty"] == "false"
    Path("models/own.json").unlink()
    assert source_tags()["git.dirty"] == "true"


def test_what_linreg_writes_makes_nothing_dirty_also_where_git_does_not_ignore_it(
    commit: str, repository: Path
) -> None:
    for name in (".linreg/runs/a/journal.jsonl", "mlflow.db-wal", "mlartifacts/1/a"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("")
    assert source_tags()["git.dirty"] == "false"


def test_the_same_content_is_clean_whatever_its_times_modes_and_line_ends(commit: str) -> None:
    file = Path("params.yaml")
    os.utime(file, (1, 1))
    file.chmod(0o755)
    assert source_tags()["git.dirty"] == "false"
    git("config", "core.autocrlf", "true")
    file.write_bytes(b"a: 1\r\n")
    assert source_tags()["git.dirty"] == "false"


def test_a_submodule_counts_like_any_other_folder(commit: str, tmp_path: Path) -> None:
    library = tmp_path / "library"
    git("init", "-q", "-b", "main", str(library))
    git("-C", str(library), "commit", "-q", "--allow-empty", "-m", "first")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "library")
    git("commit", "-q", "-m", "library")
    assert source_tags()["git.dirty"] == "false"
    Path("library/new.py").write_text("")
    assert source_tags()["git.dirty"] == "true"


def test_what_git_is_told_to_hide_makes_the_tree_dirty_all_the_same(commit: str) -> None:
    git("config", "status.showUntrackedFiles", "no")
    Path("new.py").write_text("")
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
