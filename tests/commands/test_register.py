"""`linreg register` on outputs of the real pipeline, with its own store and with a real server."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.servers.mlflow_server import Server, mlflow_server
from tests.fork_server import forking
from tests.project import Project, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

START_IT = "start the server, or name another store in MLFLOW_TRACKING_URI"
ALIASES = """
import json, mlflow, sys
client = mlflow.MlflowClient()
model = client.get_registered_model("linreg")
versions = client.search_model_versions("name = 'linreg'")
# A number is text over HTTP.
aliases = {alias: int(number) for alias, number in model.aliases.items()}
versions = {version.version: version.tags for version in versions}
print(json.dumps({"aliases": aliases, "tags": model.tags, "versions": versions}))
"""
SERVED = """
import json, mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/linreg@champion")
print(json.dumps(list(model.predict(pd.DataFrame({"x1": [0.5, 1.0], "x2": [1.0, -2.0]})))))
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A committed copy with 2000 rows and 8 epochs, run once."""
    return copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("small"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = mlflow_server(tmp_path)
    server.start()
    yield server
    server.kill()


def asked(project: Project, program: str, uri: str) -> Any:
    done = project.run(
        sys.executable, "-W", "ignore", "-c", program, env={"MLFLOW_TRACKING_URI": uri}
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_the_model_is_registered_compared_and_refused_when_it_is_stale(small: Project) -> None:
    store = f"sqlite:///{small.folder / 'mlflow.db'}"
    first = small.run("linreg", "register")
    assert "registered as version 1 of linreg, champion: there was no champion" in first.stdout

    # An evaluation that dvc.lock does not know is refused, whatever it says.
    small.run("dvc", "exp", "run", "-n", "more", "-S", "train.epochs=9")
    gates, params = small.folder / "models/evaluation/gates.json", small.folder / "params.yaml"
    before = gates.read_text()
    gates.write_text(before.replace("0.9", "0.8"))
    edited = small.run("linreg", "register", check=False)
    assert edited.returncode == 2
    assert edited.stderr.startswith(
        "error: models/evaluation/gates.json: was changed after it was written, by hand or "
    )
    gates.write_text(before)
    params.write_text(params.read_text().replace("min: 0.9", "min: 0.5"))
    stale = small.run("linreg", "register", check=False)
    assert stale.returncode == 1
    assert stale.stderr.startswith(
        "refused: models/evaluation may be of another model: DVC would run "
    )
    assert "evaluate (" in stale.stderr
    assert stale.stderr.count("\n") == 1
    small.run("dvc", "exp", "apply", "more")

    # Averaging comes far closer to the minimum than the constant rate.
    small.run(
        "dvc",
        "exp",
        "run",
        "-n",
        "averaged",
        "-S",
        "train.epochs=20",
        "-S",
        "train.average=0.5",
        "-S",
        "train.schedule=linear",
    )
    key = sorted(small.folder.glob(".linreg/runs/*"), key=lambda path: path.stat().st_mtime)[
        -1
    ].name
    by_run = small.run("linreg", "register", "--run", key, "--dry-run", check=False)
    code = small.run("linreg", "register", check=False)
    assert by_run.returncode == code.returncode
    assert code.stdout.splitlines()[-1].startswith("registered as version 2 of linreg")
    found = asked(small, ALIASES, store)
    assert found["aliases"]["challenger"] == 2
    lines = [
        json.loads(line) for line in (small.folder / "registry-log.jsonl").read_text().splitlines()
    ]
    assert [line["decision"] for line in lines[:2]] == ["champion", "refused"]
    assert sum(name.startswith("decision.") for name in found["tags"]) == 1, "the refusal"
    assert found["versions"]["2"]["dvc.experiment"] == "averaged"
    assert lines[-1]["experiment"] == "averaged"
    assert small.run("git", "status", "--porcelain", "--", "registry-log.jsonl").stdout == ""


@pytest.mark.very_slow
def test_a_real_server_holds_the_version_and_serves_the_champion(
    small: Project, server: Server
) -> None:
    uri = {"MLFLOW_TRACKING_URI": server.url}
    small.run("git", "checkout", "-q", ".")
    small.run("dvc", "checkout")
    done = small.run("linreg", "register", env=uri)
    assert "registered as version 1 of linreg, champion: there was no champion" in done.stdout
    found = asked(small, ALIASES, server.url)
    assert found["aliases"] == {"challenger": 1, "champion": 1}
    model = small.json("models/model/model.json")
    theta, b = model["theta"], model["b"]
    expected = [b + theta["x1"] * x1 + theta["x2"] * x2 for x1, x2 in ((0.5, 1.0), (1.0, -2.0))]
    assert asked(small, SERVED, server.url) == pytest.approx(expected, rel=1e-12)

    # The run of an experiment is compared with the champion that only the server has.
    small.run("dvc", "exp", "run", "-f", "-n", "more", "-S", "train.epochs=9", env=uri)
    done = small.run("linreg", "register", env=uri, check=False)
    assert "registered as version 2 of linreg" in done.stdout
    assert "version 1, the champion, on 300 test rows: MSE" in done.stdout + done.stderr

    server.kill()
    began = time.monotonic()
    down = small.run("linreg", "register", env=uri, check=False)
    assert (down.returncode, down.stdout) == (1, "")
    assert down.stderr == f"error: the model registry: {server.url} does not answer; {START_IT}\n"
    assert time.monotonic() - began < 30


@pytest.mark.very_slow
def test_a_command_killed_at_any_moment_is_completed_by_the_next(small: Project) -> None:
    """Versions, aliases, log and tags then agree."""
    small.run("git", "checkout", "-q", ".")
    small.run("dvc", "checkout")
    interrupted = 0
    for number, table in enumerate(
        ["registered_models", *["model_versions"] * 3, *["registered_model_aliases"] * 2]
    ):
        name = f"killed-{number}"
        command = ["linreg", "register", "--name", name]
        process = subprocess.Popen(
            command, cwd=small.folder, env=forking(small.environment()), stdout=subprocess.DEVNULL
        )
        with closing(sqlite3.connect(small.folder / "mlflow.db")) as database:
            # Killed as soon as the table has a row of that name.
            while process.poll() is None:
                if database.execute(f"select 1 from {table} where name = ?", [name]).fetchone():  # noqa: S608
                    os.kill(process.pid, signal.SIGKILL)
                    break
                time.sleep(0.002)
        process.wait()
        interrupted += "interrupted" in small.run(*command).stdout
        found = asked(
            small, ALIASES.replace("linreg", name), f"sqlite:///{small.folder / 'mlflow.db'}"
        )
        assert found["aliases"] == {"challenger": 1, "champion": 1}
        assert list(found["versions"]) == ["1"]
        lines = [
            json.loads(line)
            for line in (small.folder / "registry-log.jsonl").read_text().splitlines()
        ]
        logged = [line for line in lines if line["name"] == name and line["decision"] == "champion"]
        tags = [
            json.loads(text)
            for key, text in found["versions"]["1"].items()
            if key.startswith("decision.")
        ]
        assert [tag for tag in tags if tag["decision"] == "champion"] == logged
        assert len(logged) == 1
    assert interrupted > 0, "at least one was killed between the version and the end"
