"""A password in the environment reaches MLflow's server, and nothing else: no output, no file, no
record of the run.
"""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from linreg.tracking.journal.store_location import redact_credentials
from tests.faults.forked import run_command
from tests.faults.servers.mlflow_server import Server, always, proxy_to
from tests.faults.servers.sent_runs import assert_every_point_once, no_sender_left, wait_for_senders
from tests.project import Project, copy_of_the_project

USER, PASSWORD, TOKEN, KEY = "visitor", "pass-geheim/1", "token-geheim2", "key-geheim3"
SECRET = b"geheim"
COMMANDS = (
    "sync",
    "runs --all --mlflow",
    "compare 0123456789",
    "register",
    "ui",
    "predict models:/linreg@champion data/raw/generated.parquet predictions.csv",
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:word@host:80/path", "http://host:80/path"),
        ("http://token@host", "http://host"),
        ("http://user:wo@rd@host", "http://host"),
        ("postgresql://user:wo/rd@host/runs", "postgresql://host/runs"),
        (
            "postgresql://host/runs?user=u&password=word&x=1",
            "postgresql://host/runs?user=u&password=…&x=1",
        ),
        ("no http://a:b@host/x and http://c:d@host/y", "no http://host/x and http://host/y"),
        ("sqlite:////home/me@work/runs.db", "sqlite:////home/me@work/runs.db"),
        ("http://host/a@b", "http://host/a@b"),
    ],
)
def test_what_is_shown_of_a_uri(text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert redact_credentials(text) == shown


def test_a_password_with_a_space_is_known_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:word and word@host")
    assert (
        redact_credentials("to http://user:word and word@host/api: no") == "to http://host/api: no"
    )


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = copy_of_the_project(tmp_path / "project")
    project.set_params(rows=2000, epochs=2)
    with no_sender_left(project.folder):
        yield project


@pytest.mark.very_slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("where", ["in the address", "in variables"])
def test_a_password_is_nowhere_but_in_what_the_server_is_sent(
    project: Project, server: Server, where: str
) -> None:
    with proxy_to(server.port) as proxy:
        environment = {
            "MLFLOW_TRACKING_URI": (
                f"http://{USER}:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{proxy.port}"
            ),
            "AWS_SECRET_ACCESS_KEY": KEY,
            "MLFLOW_TRACKING_TOKEN": TOKEN,
        }
        if where == "in variables":
            about = {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": PASSWORD}
            environment |= {"MLFLOW_TRACKING_URI": proxy.url} | about
        proxy.fate = always("error")
        done = project.run("dvc", "repro", env=environment)
        said = [done.stdout, done.stderr]
        for fate in ("error", "through"):
            proxy.fate = always(fate)
            for command in COMMANDS:
                outcome = run_command(command.split(), project.folder, env=environment)
                said += [outcome.stdout, outcome.stderr]
        wait_for_senders(project.folder)

        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        assert {headers.get("Authorization") for headers in proxy.headers} == {expected}, (
            "it is what the server asks for"
        )
        assert_every_point_once(project.folder, proxy.url)
    assert SECRET.decode() not in "".join(said)
    for top in (project.folder, server.folder):
        for file in top.rglob("*"):
            if file.is_file() and top / "tests" not in file.parents and ".git" not in file.parts:
                assert SECRET not in file.read_bytes(), file
    assert re.search(r"http://127\.0\.0\.1:\d+", "".join(said)), "the address itself is shown"
