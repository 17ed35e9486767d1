"""linreg verify --vary: what is printed, as JSON, and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verify.variations.dependent import write_repository


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "repository"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@localhost")
        write_repository(folder, ("umask", "robust"))
    return folder


def verify(repository: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    return subprocess.run(
        [sys.executable, "-m", "linreg", "verify", *options],
        cwd=repository,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.very_slow
def test_the_exit_code_says_whether_something_differs(repository: Path) -> None:
    done = verify(repository, "--vary=timezone,umask")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "\ntimezone: same, " in done.stdout
    assert "\numask: DIFFERENT, " in done.stdout
    assert "\n  stage@umask: umask.json: value: '0o100" in done.stdout
    done = verify(repository, "--vary=timezone", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    [run] = json.loads(done.stdout)["variations"]["runs"]
    assert (run["title"], run["same"], run["differences"]) == ("all at once", True, [])
    assert list(run["varied"]) == ["timezone"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--vary", "--jobs=2"), "error: --jobs: with --vary, stages run one at a time; found 2"),
        (("--declared-only", "-S", "a=1"), "error: --set: is not for --declared-only; found a=1"),
        (("--vary=moon",), "error: --vary: there are path, entries, "),
    ],
)
def test_options_that_mean_nothing_are_one_line(
    repository: Path, options: tuple[str, ...], message: str
) -> None:
    done = verify(repository, *options)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
