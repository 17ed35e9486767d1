"""A store named by a relative path counts from the repository's top, and so outlives the copy of an
experiment.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from linreg.tracking.journal.store_location import tracking_uri
from tests.faults.servers.sent_runs import assert_every_point_once, no_sender_left
from tests.project import copy_of, small_run


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("sqlite:///runs.db", "sqlite:///{top}/runs.db"),
        ("sqlite:///below/runs.db", "sqlite:///{top}/below/runs.db"),
        ("sqlite:////tmp/runs.db", "sqlite:////tmp/runs.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("mlruns", "{top}/mlruns"),
        ("./mlruns", "{top}/mlruns"),
        ("/tmp/mlruns", "/tmp/mlruns"),  # noqa: S108 - a name only
        ("file:mlruns", "file:{top}/mlruns"),
        ("file:///tmp/mlruns", "file:///tmp/mlruns"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://host/path", "https://host/path"),
        ("postgresql://user:word@host/runs", "postgresql://user:word@host/runs"),
        ("databricks", "databricks"),
        ("databricks://profile", "databricks://profile"),
        ("uc", "uc"),
        ("", "sqlite:///{top}/mlflow.db"),
    ],
)
def test_what_a_uri_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, meant: str
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
    assert tracking_uri() == meant.format(top=tmp_path)


@pytest.mark.very_slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_the_run_of_an_experiment_in_a_copy_is_in_the_store_at_the_top(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    top = tmp_path / "project"
    project = copy_of(small_run(tmp_path_factory), top)
    relative = {"MLFLOW_TRACKING_URI": "sqlite:///runs.db"}
    with no_sender_left(top):
        shutil.rmtree(top / ".linreg")  # of the runs before
        project.run(
            "dvc", "exp", "run", "--temp", "--name", "apart", "-S", "train.lr=0.02", env=relative
        )
        assert not list((top / ".dvc/tmp/exps").glob("tmp*")), "the copy is gone"
        done = project.run("linreg", "sync", env=relative)
        assert done.stdout.startswith("1 run complete, ")
        (run,) = assert_every_point_once(top, f"sqlite:///{top}/runs.db")
        assert run.data.tags["dvc.experiment"] == "apart"
        client = MlflowClient(f"sqlite:///{top}/runs.db")
        assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["evaluation"]
        below = top / "docs"
        listed = project.run(
            "sh", "-c", f"cd {below.name} && linreg runs --all --mlflow", env=relative
        )
        assert run.info.run_id in listed.stdout
    assert not (top / "mlruns").exists()
    assert not (below / "runs.db").exists()
    assert project.run("git", "status", "--porcelain").stdout == "?? runs.db\n"
    with closing(sqlite3.connect(top / "mlflow.db")) as own:
        (count,) = own.execute("SELECT count(*) FROM runs").fetchone()
    assert count == 1, "the repository's own store has the run of before, and no other"
