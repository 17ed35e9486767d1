import subprocess
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.git import git, is_in_repository, path_from_top, query_git, run_git


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The commit of the repository in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "A")
        monkeypatch.setenv(f"{name}_EMAIL", "a@example.org")
    git("init", "-q", "-b", "main")
    Path("a.txt").write_bytes(b"\xff\n")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return git("rev-parse", "HEAD")


def test_what_git_prints_keeps_leading_white_space_and_loses_trailing(commit: str) -> None:
    Path("a.txt").write_text("changed\n")
    assert git("status", "--porcelain") == " M a.txt"
    assert query_git("status", "--porcelain") == "M a.txt"
    assert git("rev-parse", "HEAD") == query_git("rev-parse", "HEAD") == commit


def test_a_file_of_a_commit_is_read_byte_for_byte(commit: str) -> None:
    done = run_git("show", "HEAD:a.txt")
    assert (done.returncode, done.stdout) == (0, b"\xff\n")
    assert git("show", "HEAD:a.txt") == "\ufffd"


def test_git_runs_in_the_folder_that_is_named(
    commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert query_git("rev-parse", "HEAD") is None
    assert git("rev-parse", "HEAD", folder=tmp_path) == commit
    assert query_git("rev-parse", "HEAD", folder=tmp_path) == commit


def test_a_command_that_fails_is_an_error_with_the_last_line_of_git(commit: str) -> None:
    with pytest.raises(UserError, match=r"^git: `git show` failed; found fatal: .*none"):
        git("show", "HEAD:none")
    with pytest.raises(
        UserError,
        match=r"^git: there is no such commit here; found none; commit first, or fetch the commit$",
    ):
        git("rev-parse", "--verify", "--quiet", "none^{commit}")
    assert query_git("rev-parse", "--verify", "--quiet", "none^{commit}") is None


def test_without_git_a_command_is_an_error_and_a_query_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"^git: is not installed$"):
        git("status")
    assert query_git("status") is None
    assert "git does not answer: " in caplog.text


def test_a_query_that_takes_too_long_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("linreg.git.SECONDS_TO_ANSWER", 0.1)
    assert query_git("status") is None
    assert "timed out after 0.1 seconds" in caplog.text
    with pytest.raises(subprocess.TimeoutExpired):
        run_git("status", timeout=0.1)


def test_in_a_git_hook_the_folder_decides_which_repository_it_is(
    commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    git("init", "-q", str(other))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert git("rev-parse", "HEAD") == commit
    assert query_git("rev-parse", "--show-toplevel") == str(tmp_path.resolve())


def test_a_repository_that_git_refuses_is_named_with_the_way_to_trust_it(
    commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As in a container whose user is not the owner of the folder; here git only assumes that."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    refused = "refuses this folder, which belongs to another user"
    todo = f"run `git config --global --add safe.directory {tmp_path}` if you trust it"
    for _ in range(2):
        assert query_git("rev-parse", "HEAD") is None
    assert caplog.messages == [f"git {refused}, so that no commit is known: {todo}"]
    with pytest.raises(UserError) as error:
        git("rev-parse", "HEAD")
    assert str(error.value) == f"git: {refused}; {todo}"
    assert is_in_repository()


def test_messages_of_git_are_read_in_english(commit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    assert b"does not exist" in run_git("show", "HEAD:none").stderr


def test_a_path_is_seen_from_the_top_of_its_repository(
    commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert path_from_top("models/a.json") == "models/a.json"
    below = tmp_path / "ä b/ml"
    below.mkdir(parents=True)
    assert path_from_top("models/a.json", below) == "ä b/ml/models/a.json"
    monkeypatch.chdir(below)
    assert path_from_top("models/a.json") == "ä b/ml/models/a.json"
    assert is_in_repository()
    monkeypatch.chdir("/")
    assert path_from_top("models/a.json") == "models/a.json"
    assert not is_in_repository()


def test_the_users_configuration_of_git_applies(
    commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "B C")
    assert query_git("config", "user.name") == "B C"
