"""`linreg register` against a real SQLite store, with runs and models that the tests write."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from mlflow import MlflowClient

from linreg import cli
from linreg.data.formula.design import Design
from linreg.data.tables.integrity import seal_hash
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError
from linreg.files import content_hash, write_document
from linreg.fit.model import LinearModel, load
from linreg.tracking.audit_log import CHAMPION, Decision
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.mlflow.fetch_model import fetch_model
from linreg.tracking.mlflow.model_registry import Registry
from linreg.tracking.mlflow.store import open_store
from linreg.tracking.mlflow.sync import send_all
from tests.mlflow_store import ISOLATED

# MLflow compares an example's columns with a range, which pandas 4 will not do.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Operation with range is deprecated", "ignore:overflow encountered"
)

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(1)
X1, X2, NOISE = RNG.normal(size=(3, 1000))
ROWS = pa.table({"x1": X1, "x2": X2, "y": 3 + X1 - 2 * X2 + 0.1 * NOISE})
TRAIN = ROWS.set_column(2, "y", [3 + X1 - 2 * X2 + 0.5 * NOISE])
PASSED = {"test_r2": {"value": 0.9876, "min": 0.9, "max": None, "passed": True}}
FAILED = {
    "gap": {"value": None, "min": None, "max": 0.1, "passed": False},
    "test_r2": {"value": 0.85, "min": 0.9, "max": None, "passed": False},
}

Register = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class Trained:
    """The model of a run, and its evaluation."""

    coefficients: tuple[float, ...]
    formula: str = "y ~ x1 + x2"
    gates: Mapping[str, Any] = field(default_factory=lambda: PASSED)
    split: str = ""
    commit: str = "c0ffee" * 6
    sent: bool = False
    """Whether MLflow has it; only those that become versions, since sending one takes a second."""


RUNS = {
    "truth": Trained((3.0, 1.0, -2.0), sent=True),
    "truth again": Trained((3.0, 1.0, -2.0)),
    "truth, failed": Trained((3.0, 1.0, -2.0), gates=FAILED),
    "near": Trained((3.001, 1.0, -2.0), sent=True),
    "far": Trained((3.1, 1.1, -1.9), sent=True),
    "failed": Trained((3.2, 1.1, -1.9), gates=FAILED),
    "other target": Trained((0.0, 1.0), "x2 ~ x1"),
    "other split": Trained((3.0, 1.0, -2.5), split="77.dir"),
    "not sent": Trained((3.0, 1.0, -2.25)),
    "without a commit": Trained((3.0, 1.0, -2.1), commit=""),
}


@pytest.fixture(scope="session")
def prepared(
    learn: Callable[..., Design], empty_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """A repository with test rows, parameters and RUNS; and the runs' keys by name."""
    top = tmp_path_factory.mktemp("prepared")
    write_split(top / "data/split")
    (top / "params.yaml").write_text("evaluate: {confidence: 0.9}\n")
    shutil.copyfile(empty_database, top / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(top))
        for variable in ISOLATED:
            patch.delenv(variable, raising=False)
        keys = {
            name: a_run(trained, learn, top, tmp_path_factory.mktemp("made"))
            for name, trained in RUNS.items()
        }
        assert (
            send_all([RunFolder(key) for name, key in keys.items() if RUNS[name].sent]).error == ""
        )
    return top, keys


def write_split(folder: Path) -> None:
    """Write a split as the split stage does."""
    (folder / "train").mkdir(parents=True)
    parts = {"train/shard-00000.parquet": TRAIN, "validation.parquet": ROWS, "test.parquet": ROWS}
    for name, rows in parts.items():
        write_table(folder / name, rows.schema, [rows])
    files = {name: seal_hash(folder / name) for name in parts}
    document = {"table": "5d", "shards": [TRAIN.num_rows], "files": files}
    write_document(folder / "split.json", document)


def a_run(trained: Trained, learn: Callable[..., Design], top: Path, folder: Path) -> str:
    split = trained.split or content_hash(top / "data/split")
    model, evaluation, theta = (
        folder / "model",
        folder / "evaluation",
        np.array(trained.coefficients[1:]),
    )
    model.mkdir()
    design = learn(trained.formula, ROWS)
    LinearModel(design, theta, trained.coefficients[0], {"data/split": split}).save(model)
    passed = all(each["passed"] for each in trained.gates.values())
    write_document(evaluation / "gates.json", {"passed": passed, "gates": dict(trained.gates)})
    write_document(evaluation / "metrics.json", {"gap": 0.25, "test": {"rmse": 0.5, "r2": 0.9876}})
    files = {path.name: content_hash(path) for path in evaluation.iterdir()}
    write_document(
        evaluation / "report.json",
        {"hashes": {"models/model": content_hash(model)}, "files": files},
    )
    tags = {"git.dirty": "true", "dvc.experiment": "fast-one", "data/split": split}
    if trained.commit:
        tags["git.commit"] = trained.commit
    with start_run("linreg", "made by hand", {}, tags) as run:
        run.log_model(model)
        run.set_tags(
            {"models/model": content_hash(model), "gates": "passed" if passed else "failed"}
        )
        run.log_artifact(evaluation)
    return run.key


@pytest.fixture
def project(prepared: tuple[Path, dict[str, str]], repository: Path) -> Path:
    """A copy of what is prepared, in the working directory."""
    top, _ = prepared
    shutil.copytree(top, repository, dirs_exist_ok=True)
    # The first command that opens it has it name the copy's artifacts.
    open_store()
    return repository


@pytest.fixture
def store(project: Path) -> MlflowClient:
    return open_store()


@pytest.fixture
def register(
    project: Path,
    prepared: tuple[Path, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Register:
    """Runs the command in this process, with a run by its name in RUNS; returns exit code, output
    and errors.
    """
    _, keys = prepared

    def register(run: str, *arguments: str) -> tuple[int, str, str]:
        named = ["--run", keys.get(run, run)] if run else []
        monkeypatch.setattr("sys.argv", ["linreg", "register", *named, *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capfd.readouterr()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, captured.out, captured.err

    return register


@pytest.mark.slow
def test_a_run_without_a_commit_is_refused_in_a_repository_and_named_outside_of_one(
    register: Register, project: Path
) -> None:
    """git refused the folder when it was made, or there was no commit yet."""
    code, out, _ = register("without a commit", "--dry-run")
    assert code == 0
    assert "its run was made outside of git: `linreg rerun` cannot repeat it\n" in out
    (project / ".git").mkdir()
    code, out, err = register("without a commit")
    assert code == 1
    assert "made outside of git" not in out
    assert re.match(r"refused: run \w+ has no commit, so that it cannot be repeated: ", err)
    assert err.endswith("; see `git status`, commit, and run `dvc repro --force`\n")
    assert register("far", "--dry-run")[0] == 0


def logged(project: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project / "registry-log.jsonl").read_text().splitlines()]


def tagged(store: MlflowClient, version: int | None = None) -> list[dict[str, Any]]:
    tags = (
        store.get_registered_model("linreg").tags
        if version is None
        else store.get_model_version("linreg", str(version)).tags
    )
    return [json.loads(text) for name, text in sorted(tags.items()) if name.startswith("decision.")]


def aliases(store: MlflowClient) -> dict[str, int]:
    return {
        alias: int(number) for alias, number in store.get_registered_model("linreg").aliases.items()
    }


def versions(store: MlflowClient) -> int:
    return len(store.search_model_versions("name = 'linreg'"))


def test_the_first_model_becomes_champion(
    project: Path, store: MlflowClient, register: Register
) -> None:
    code, out, err = register("truth")
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        "gates passed: test_r2 is 0.9876 (at least 0.9)",
        "registered as version 1 of linreg, champion: there was no champion",
    ]
    assert aliases(store) == {"challenger": 1, "champion": 1}
    (line,) = logged(project)
    assert tagged(store, 1) == [line]
    assert (line["decision"], line["version"], line["champion"], line["why"]) == (
        "champion",
        1,
        None,
        "there was no champion",
    )
    assert (line["commit"], line["dirty"], line["experiment"]) == ("c0ffee" * 6, True, "fast-one")


def test_a_version_has_its_run_its_tags_and_a_model_card(
    store: MlflowClient, register: Register
) -> None:
    register("truth")
    version = store.get_model_version("linreg", "1")
    run = store.get_run(version.run_id or "")
    (output,) = run.outputs.model_outputs if run.outputs else []
    assert version.source == f"models:/{output.model_id}"
    tags = version.tags
    assert tags["linreg.model"] == run.data.tags["models/model"]
    assert (tags["theta.x1"], tags["theta.x2"], tags["b"], tags["test_rmse"]) == (
        "1.0",
        "-2.0",
        "3.0",
        "0.5",
    )
    assert (tags["git.commit"], tags["git.dirty"], tags["dvc.experiment"]) == (
        "c0ffee" * 6,
        "true",
        "fast-one",
    )
    page = version.description or ""
    assert "| theta.x2 | -2.0 |" in page
    assert "test_r2 0.9876" in page
    assert f"commit {'c0ffee' * 6} (dirty), DVC experiment fast-one" in page


def test_a_significantly_better_model_becomes_the_champion(
    project: Path, store: MlflowClient, register: Register
) -> None:
    register("far")
    code, out, err = register("truth")
    assert (code, err) == (0, "")
    assert (
        "registered as version 2 of linreg, champion: it is significantly better than version 1, "
        "the champion, on 1000" in out
    )
    assert aliases(store) == {"challenger": 2, "champion": 2}
    line = logged(project)[-1]
    found = line["comparison"]
    # The residuals of the training rows are five times as large.
    assert found["widened_by"] == 2000
    assert found["low"] > 0
    assert f"90 % interval {found['low']:.6g} to {found['high']:.6g}" in line["why"], (
        "params.yaml's confidence"
    )
    assert (line["champion"], line["version"]) == (1, 2)


@pytest.mark.slow
def test_a_smaller_error_that_may_be_chance_is_not_promoted(
    project: Path, store: MlflowClient, register: Register
) -> None:
    """Of two similar models one has the smaller error by chance, in whichever order they come."""
    differences = []
    for name, first, second in (("one", "truth", "near"), ("other", "near", "truth")):
        register(first, "--name", name)
        code, out, err = register(second, "--name", name)
        assert code == 1
        assert out.endswith(f"registered as version 2 of {name}, challenger\n")
        assert err.startswith(
            "not promoted: it is not significantly better than version 1, the champion,"
        )
        assert " as challenge 1 of this champion" in err
        assert err.count("\n") == 1
        assert store.get_registered_model(name).aliases == {"challenger": 2, "champion": 1}
        assert store.get_model_version(name, "1").tags["linreg.challenges"] == "1"
        differences.append(logged(project)[-1]["comparison"]["difference"])
    assert max(differences) > 0


@pytest.mark.slow
def test_a_worse_model_is_not_promoted(store: MlflowClient, register: Register) -> None:
    register("truth")
    code, _, err = register("far")
    assert code == 1
    assert err.startswith(
        "not promoted: it is significantly worse than version 1, the champion, on 1000 test rows: "
        "MSE 0.0"
    )
    assert aliases(store) == {"challenger": 2, "champion": 1}


def test_a_refusal_for_failed_gates_is_logged_in_both_places(
    project: Path, store: MlflowClient, register: Register
) -> None:
    code, _, err = register("failed")
    assert code == 1
    assert (
        err == "refused: gate gap has no value, must be at most 0.1; "
        "gate test_r2 is 0.85, must be at least 0.9\n"
    )
    assert versions(store) == 0
    (line,) = logged(project)
    assert (line["decision"], line["version"]) == ("refused", None)
    assert tagged(store) == [line]


def test_another_target_is_refused(store: MlflowClient, register: Register) -> None:
    register("truth")
    code, _, err = register("other target")
    assert (code, err) == (1, "refused: it predicts x2, and version 1, the champion, predicts y\n")
    assert versions(store) == 1


def test_test_rows_that_are_not_those_of_the_run_are_refused(register: Register) -> None:
    code, _, err = register("other split")
    assert code == 1
    assert err.startswith("refused: data/split has MD5 ")
    assert "here, and 77.dir in the run" in err


def test_the_same_model_gets_no_second_version(
    project: Path, store: MlflowClient, register: Register
) -> None:
    register("truth")
    code, out, err = register("truth")
    assert (code, err) == (0, "")
    assert "already registered: this model is version 1 of linreg (challenger, champion)" in out
    assert versions(store) == 1
    assert [line["decision"] for line in logged(project)] == ["champion", "already registered"]
    assert tagged(store, 1) == logged(project)


def test_a_registered_model_that_would_now_be_refused_is_reported(register: Register) -> None:
    register("truth")
    code, out, _ = register("truth, failed")
    # A pipeline that reads no words must not take it for a success.
    assert code == 1
    assert (
        "this model is version 1 of linreg, and would now be refused: gate gap has no value" in out
    )


@pytest.mark.parametrize("champion", ["", "far", "near"])
def test_a_dry_run_decides_the_same_and_changes_nothing(
    project: Path, register: Register, champion: str
) -> None:
    if champion:
        register(champion)
    before = contents(project)
    code, out, err = register("truth", "--dry-run")
    assert contents(project) == before
    real = register("truth")
    assert code == real[0]
    assert err == real[2]
    assert out.replace("would be registered as", "registered as version N of linreg,") == real[
        1
    ].replace(f"version {2 if champion else 1} of", "version N of")


@pytest.mark.slow
def test_a_dry_run_of_any_other_decision_changes_nothing(project: Path, register: Register) -> None:
    register("truth")
    register("near")
    before = contents(project)
    assert "would be refused: gate gap" in register("failed", "--dry-run")[2]
    assert "already registered" in register("truth again", "--dry-run")[1]
    assert (
        "version 2 of linreg would become the champion, replacing version 1: so"
        in register("", "--promote", "2", "--why", "so", "--dry-run")[1]
    )
    assert contents(project) == before


def test_a_dry_run_creates_no_store(project: Path, register: Register) -> None:
    (project / "mlflow.db").unlink()
    before = contents(project)
    assert "would be registered as champion" in register("not sent", "--dry-run")[1]
    assert register("", "--promote", "1", "--why", "so", "--dry-run")[0] == 2
    assert contents(project) == before


def contents(project: Path) -> dict[str, str]:
    files = (path for path in project.rglob("*") if path.is_file() and path.name != "sender.lock")
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_a_promotion_by_hand_is_logged_with_its_reason(
    project: Path, store: MlflowClient, register: Register
) -> None:
    register("truth")
    register("near")
    code, out, _ = register("", "--promote", "2", "--why", "the pricing team asked for it")
    assert (code, out) == (
        0,
        "version 2 of linreg is now the champion, replacing version 1: the pricing team asked"
        " for it\n",
    )
    assert aliases(store) == {"challenger": 2, "champion": 2}
    assert register("", "--promote", "1", "--why", "back")[0] == 0
    assert aliases(store) == {"challenger": 2, "champion": 1}
    assert [
        (line["decision"], line["version"], line["champion"], line["why"])
        for line in logged(project)[-2:]
    ] == [
        ("promoted by hand", 2, 1, "the pricing team asked for it"),
        ("promoted by hand", 1, 2, "back"),
    ]
    assert tagged(store, 1)[-1] == logged(project)[-1]
    assert (
        register("", "--promote", "1", "--why", "again")[1]
        == "version 1 of linreg is the champion already\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--promote", "7", "--why", "so"], "linreg version 7: is not in the registry"),
        (["--promote", "1"], "--promote: needs a reason; add --why TEXT"),
        (["--why", "so"], "--why: is the reason for --promote"),
        (["--name", "a/b"], "--name: must be letters, digits, spaces"),
        (["--run", "nobody"], "run nobody: is unknown here and in MLflow"),
        ([], "models/model/model.json: there is no such file; run `dvc repro` to make it"),
    ],
)
def test_mistakes_are_one_line(
    project: Path, register: Register, arguments: list[str], message: str
) -> None:
    code, out, err = register("", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {message}")
    assert not (project / "registry-log.jsonl").exists()


def test_a_run_without_evaluation_is_an_error_of_one_line(
    project: Path, register: Register
) -> None:
    with start_run("linreg", "half", {}, {"models/model": "3d.dir"}) as run:
        pass
    code, _, err = register(run.key)
    assert (code, err.count("\n")) == (2, 1)
    assert "was not evaluated; found a run that is FINISHED; run `dvc repro` to complete it" in err


@pytest.mark.slow
def test_a_champion_that_is_no_model_of_ours_stays_until_a_person_decides(
    project: Path, store: MlflowClient, register: Register
) -> None:
    store.create_registered_model("linreg")
    store.create_model_version("linreg", (project / "data").as_uri())
    store.set_registered_model_alias("linreg", CHAMPION, "1")
    code, out, err = register("truth")
    assert (code, err.count("\n")) == (1, 1)
    assert "registered as version 2 of linreg, challenger" in out
    assert err.startswith(
        "not promoted: version 1, the champion, cannot be compared: linreg version 1: "
        "holds no model"
    )
    assert register("", "--promote", "2", "--why", "ours")[0] == 0
    assert aliases(store) == {"challenger": 2, "champion": 2}


def test_a_server_that_is_down_is_an_error_of_one_line_within_seconds(
    project: Path, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    began = time.monotonic()
    todo = "start the server, or name another store in MLFLOW_TRACKING_URI"
    assert register("truth") == (
        1,
        "",
        f"error: the model registry: http://127.0.0.1:9 does not answer; {todo}\n",
    )
    assert time.monotonic() - began < 10


@pytest.mark.very_slow
def test_a_run_that_mlflow_does_not_have_is_sent_first(
    store: MlflowClient, register: Register, prepared: tuple[Path, dict[str, str]]
) -> None:
    code, out, _ = register("not sent")
    assert code == 0
    assert "registered as version 1" in out
    version = store.get_model_version("linreg", "1")
    assert store.get_run(version.run_id or "").data.tags["linreg.run"] == prepared[1]["not sent"]


@pytest.mark.very_slow
def test_two_commands_at_once_decide_one_after_the_other(
    project: Path, store: MlflowClient, prepared: tuple[Path, dict[str, str]]
) -> None:
    _, keys = prepared
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    commands = [
        [sys.executable, "-m", "linreg", "register", "--run", key]
        for key in (keys["truth"], keys["near"])
    ]
    both = [
        subprocess.Popen(
            each, env=environment, stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE
        )
        for each in commands
    ]
    ended = [(*process.communicate(), process.returncode) for process in both]
    assert sorted(code for _, _, code in ended) == [0, 1], ended
    first, second = logged(project)
    assert (first["decision"], first["version"], first["champion"]) == ("champion", 1, None)
    assert (second["decision"], second["version"], second["champion"]) == ("challenger", 2, 1)
    assert second["comparison"]["num_rows"] == 1000
    assert aliases(store) == {"challenger": 2, "champion": 1}


@pytest.mark.slow
@pytest.mark.parametrize("next_one", ["truth", "near"])
def test_an_interrupted_registration_is_completed_by_the_next_command(
    project: Path,
    store: MlflowClient,
    register: Register,
    prepared: tuple[Path, dict[str, str]],
    next_one: str,
) -> None:
    """Killed just after the version was made, it leaves a version without aliases and log entry."""
    everything = [each.experiment_id for each in store.search_experiments()]
    run = store.search_runs(everything, f"tags.`linreg.run` = '{prepared[1]['truth']}'")[0]
    assert run.outputs is not None
    decision = Decision("linreg", CHAMPION, "there was no champion", "here", run=run.info.run_id)
    store.create_registered_model("linreg")
    tags = {
        "linreg.model": run.data.tags["models/model"],
        f"decision.{decision.time}": decision.line(),
    }
    source = f"models:/{run.outputs.model_outputs[0].model_id}"
    store.create_model_version("linreg", source, run.info.run_id, tags)
    if next_one == "truth":
        code, out, _ = register("truth")
        assert "already registered: this model is version 1 of linreg (challenger, champion)" in out
        assert (code, versions(store)) == (0, 1)
    else:
        # Another model is compared with the champion that was decided before.
        code, out, _ = register("near")
        assert (code, aliases(store)) == (1, {"challenger": 2, "champion": 1})
    assert out.startswith(
        "completed the interrupted registration of version 1 of linreg: champion\n"
    )
    assert store.get_registered_model("linreg").aliases["champion"] == 1
    assert logged(project)[0] == tagged(store, 1)[0] == json.loads(decision.line()) | {"version": 1}
    assert Registry.open("linreg").unfinished() == []


def test_a_model_whose_alias_was_deleted_in_mlflow_can_be_made_the_champion_again(
    store: MlflowClient, register: Register
) -> None:
    register("truth")
    store.delete_registered_model_alias("linreg", "champion")
    code, out, err = register("truth")
    assert code == 1
    assert out.splitlines()[1] == (
        "already registered: this model is version 1 of linreg (challenger)"
    )
    assert err == (
        "linreg has no champion any more; `linreg register --promote 1 --why TEXT` makes this"
        " version it\n"
    )
    code, _, _ = register("", "--promote", "1", "--why", "its alias was deleted")
    assert (code, aliases(store)["champion"]) == (0, 1)


def test_a_registered_model_that_was_deleted_in_mlflow_begins_anew(
    store: MlflowClient, register: Register
) -> None:
    register("truth")
    store.delete_registered_model("linreg")
    code, out, err = register("truth")
    assert (code, err) == (0, "")
    assert out.endswith("registered as version 1 of linreg, champion: there was no champion\n")


def test_a_run_that_was_deleted_in_mlflow_does_not_become_a_version(
    prepared: tuple[Path, dict[str, str]], store: MlflowClient, register: Register
) -> None:
    folder = RunFolder(prepared[1]["truth"])
    run_id = folder.sync_state().run_id
    store.delete_run(run_id)
    code, _, err = register("truth")
    assert (code, err) == (
        2,
        f"error: run {run_id}: was deleted in MLflow; restore it there, or run `dvc repro --force"
        " --single-item evaluate`, which logs another\n",
    )
    assert folder.is_deleted()
    store.restore_run(run_id)
    send_all([folder])
    assert register("truth")[0] == 0


@pytest.mark.slow
def test_a_registry_of_its_own_has_the_versions_and_the_models_are_found_there(
    project: Path,
    prepared: tuple[Path, dict[str, str]],
    register: Register,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    # Relative, it is one in the project, wherever the command runs.
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "sqlite:///registry.db")
    with pytest.raises(UserError, match="no MLflow store here yet"):
        fetch_model("models:/linreg@champion", tmp_path / "fetched")
    assert not (project / "registry.db").exists()
    code, out, err = register("truth")
    assert (code, err) == (0, "")
    assert out.endswith("registered as version 1 of linreg, champion: there was no champion\n")
    assert versions(MlflowClient(registry_uri=f"sqlite:///{project}/registry.db")) == 1
    monkeypatch.setenv("DVC_ROOT", str(project))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = load(fetch_model("models:/linreg@champion", tmp_path / "fetched"))
    assert (found.b, *found.theta) == RUNS["truth"].coefficients
    assert list(Path().iterdir()) == []
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    assert versions(open_store()) == 0
