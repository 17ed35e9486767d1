"""A password that is no longer right, a database that is away: one line, and no point is lost."""

import subprocess

import pytest

from tests.faults.servers.sent_runs import assert_every_point_once, no_sender_left
from tests.team.colleague import Colleague
from tests.team.conftest import Team
from tests.team.servers import ADMIN_PASSWORD, ANNS_PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ASKING = (
    "linreg runs --mlflow",
    "linreg register",
    "linreg rerun 0123456789abcdef",
    "linreg predict models:/linreg@champion data/own/cars.csv predictions.csv",
)


@pytest.fixture(autouse=True)
def _admin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests look at the server as its admin."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", ADMIN_PASSWORD)


def set_anns_password(team: Team, password: str) -> None:
    address = f"{team.servers.mlflow.url}/api/2.0/mlflow/users/update-password"
    body = f'{{"username": "ann", "password": "{password}"}}'
    command = ["curl", "-sf", "-u", f"admin:{ADMIN_PASSWORD}", "-X", "PATCH", address]
    command += ["-H", "Content-Type: application/json", "-d", body]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def trained_meanwhile(who: Colleague, team: Team, seed: int, complaint: str) -> None:
    """Train a model while the server refuses; it and every command say the same in one line."""
    who.run(f"linreg set split.seed={seed}")
    with no_sender_left(who.project.folder):
        # Here the stages start the process that sends.
        who.run("LINREG_SYNC= dvc repro")
        sent = who.run("linreg sync", check=False)
        assert sent.returncode == 1
        assert sent.stdout.count("\n") == 1
        assert complaint in sent.stdout
        told = who.run("linreg summary").stdout.splitlines()[-1]
        assert told.startswith("MLflow has not received ")
        assert complaint.partition(";")[0] in told
    for command in ASKING:
        asked = who.run(command, check=False)
        assert asked.returncode in (1, 2), command
        assert asked.stdout.startswith("error: "), command
        assert asked.stdout.count("\n") == 1, command
        assert complaint in asked.stdout, command


def assert_sent(who: Colleague, team: Team) -> None:
    journals = list((who.project.folder / ".linreg/runs").glob("*/journal.jsonl"))
    sent = who.run("linreg sync").stdout
    assert sent.startswith(f"{len(journals)} run")
    assert "pending" not in sent
    assert_every_point_once(who.project.folder, team.servers.mlflow.url, len(journals))


@pytest.mark.very_slow
def test_with_a_password_that_has_expired_a_run_is_sent_with_the_next_one(team: Team) -> None:
    ann = team.ann
    set_anns_password(team, "a-later-password-of-ann")
    try:
        todo = "check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        trained_meanwhile(ann, team, 7, f"does not accept the login; {todo}")
        ann.run("export MLFLOW_TRACKING_PASSWORD=a-later-password-of-ann")
        assert_sent(ann, team)
        ann.run("git checkout -q . && dvc checkout")
    finally:
        set_anns_password(team, ANNS_PASSWORD)
        ann.run(f"export MLFLOW_TRACKING_PASSWORD={ANNS_PASSWORD}")


@pytest.mark.very_slow
def test_when_the_database_of_the_server_is_back_every_point_is_sent_once(team: Team) -> None:
    team.servers.database.stop()
    try:
        complaint = "answers with status 503; look into the server's log"
        trained_meanwhile(team.ben, team, 8, complaint)
    finally:
        team.servers.database.start()
    assert_sent(team.ben, team)
    team.ben.run("git checkout -q . && dvc checkout")
