"""`linreg serve`: a real server, asked by the command that it prints."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from linreg.fit.model import load
from tests.faults.forked import run_command
from tests.project import ROOT, Project, copy_of, small_run

MODEL = "models/model"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("project"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.slow
def test_the_request_that_it_prints_is_answered_with_the_models_prediction(
    project: Project,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "linreg", "serve", MODEL, "--port", str(free_port())],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(4)]
        assert lines[0] == f"{MODEL}: y ~ x1 + x2; Ctrl-C ends it\n"
        request = "".join(lines[2:])
        answer = subprocess.run(
            ["bash", "-c", f"{request.strip()} --silent --max-time 60"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        row = json.loads(request.split("'")[-2])["dataframe_records"][0]
        model = load(project.folder / MODEL)
        expected = model.b + sum(theta * row[name] for name, theta in model.coefficients.items())
        assert set(row) == {"x1", "x2"}
        assert json.loads(answer)["predictions"] == [pytest.approx(expected, rel=1e-12)]
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=60)
        assert server.returncode == 130
        assert said.splitlines() == ["error: interrupted"]


def test_a_port_in_use_and_a_folder_without_a_model_are_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        taken = run_command(["serve", ".", "--port", port], tmp_path)
    assert taken.code == 2
    assert taken.refusal is not None
    assert taken.refusal.startswith(f"--port: cannot be listened on; found {port}")
    nothing = run_command(["serve", "nothing", "--port", "0"], tmp_path)
    assert nothing.refusal is not None
    assert nothing.refusal.startswith("nothing: is not a folder with a model")
