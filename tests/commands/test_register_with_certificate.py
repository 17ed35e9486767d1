"""A model is registered with its certificate, with which `linreg check` compares it in MLflow."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.certificate.example import AUTHOR, Keys, make_keys
from tests.project import Project, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

VERSION = """
import json, mlflow
client = mlflow.MlflowClient()
(version,) = client.search_model_versions("name = 'linreg'")
files = [each.path for each in client.list_artifacts(version.run_id, "certificate")]
print(json.dumps({"tags": version.tags, "page": version.description, "files": files,
                  "run": version.run_id}))
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Project:
    """A project that has run, whose author's key git knows, with a certificate."""
    project = copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("small"))
    project.run("git", "config", "gpg.ssh.allowedSignersFile", str(keys.allowed))
    sign = ("--sign", str(keys.key(AUTHOR)))
    project.run("linreg", "verify", "--certificate", "certificate.intoto.jsonl", *sign)
    return project


def version_of(project: Project) -> dict[str, Any]:
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{project.folder / 'mlflow.db'}"}
    done = project.run(sys.executable, "-W", "ignore", "-c", VERSION, env=store)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_version_carries_its_certificate_and_is_checked_with_it(small: Project) -> None:
    path = small.folder / "certificate.intoto.jsonl"
    # A certificate that names another model is an objection.
    other = small.folder / "models/model/model.json"
    before = other.read_text()
    shutil.copytree(small.folder, small.folder / "../other", symlinks=True)
    copy = Project((small.folder / "../other").resolve(), sends=False)
    copy.set_params(epochs=9)
    copy.run("dvc", "repro")
    refused = copy.run("linreg", "register", "--certificate", str(path), check=False)
    assert refused.returncode == 1
    assert "it is not the model of certificate.intoto.jsonl: models/model/" in refused.stderr

    done = small.run("linreg", "register", "--certificate", path.name)
    assert "registered as version 1 of linreg, champion" in done.stdout
    version = version_of(small)
    assert version["files"] == ["certificate/certificate.intoto.jsonl"]
    assert len(version["tags"]["linreg.certificate"]) == 64
    commit = version["tags"]["linreg.certificate.commit"]
    assert f"commit {commit} was executed again on x86" in version["page"].replace("\\", "")
    assert f"signed by {AUTHOR}, key SHA256:" in version["page"].replace("\\", "")

    for options in (["--model", "linreg"], ["--model", "linreg/1"], ["--run", version["run"]]):
        checked = small.run("linreg", "check", path.name, *options)
        assert "check: every byte is what was certified" in checked.stdout
        assert "models/model of " in checked.stdout
    assert "models/evaluation of run" in checked.stdout
    assert "data/split of run" in checked.stdout
    of_other = copy.run("linreg", "check", str(path), "--run", _newest_run(copy), check=False)
    assert of_other.returncode == 1
    assert "models/model/model.json: recorded SHA-256" in of_other.stdout
    assert other.read_text() == before


def test_a_model_that_is_registered_gets_its_certificate_later(small: Project) -> None:
    small.run("linreg", "register", "--name", "later")
    path = small.folder / "certificate.intoto.jsonl"
    again = small.run("linreg", "register", "--name", "later", "--certificate", path.name)
    assert "already registered: this model is version 1 of later" in again.stdout
    program = VERSION.replace("'linreg'", "'later'")
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{small.folder / 'mlflow.db'}"}
    done = small.run(sys.executable, "-W", "ignore", "-c", program, env=store)
    version = json.loads(done.stdout.splitlines()[-1])
    assert version["page"].count("Certificate: commit") == 1
    assert "linreg.certificate" in version["tags"]


def test_a_certificate_of_a_stranger_is_refused(small: Project, keys: Keys) -> None:
    allowed = keys.allowed.read_text()
    keys.allowed.write_text("".join(allowed.splitlines(keepends=True)[1:]))
    done = small.run("linreg", "register", "--certificate", "certificate.intoto.jsonl", check=False)
    keys.allowed.write_text(allowed)
    assert done.returncode == 2
    assert "is signed by the key SHA256:" in done.stderr
    promoted = ("--promote", "1", "--why", "x", "--certificate", "certificate.intoto.jsonl")
    both = small.run("linreg", "register", *promoted, check=False)
    assert both.returncode == 2
    assert both.stderr.startswith("error: --certificate: is of a model to be registered")


def _newest_run(project: Project) -> str:
    runs: list[Path] = list(project.folder.glob(".linreg/runs/*"))
    return max(runs, key=lambda path: path.stat().st_mtime).name
