"""Runs of a small project repeated from their ids; an altered journal stands for another run."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linreg.errors import UserError
from linreg.files import content_hash
from linreg.lineage.run_lookup import find_run_by_id
from linreg.tracking.runs import KnownRun, journal_runs
from linreg.verify.model_match import compare_model
from linreg.verify.run_checkout import checkout_run
from tests.project import Project, copy_of, small_run

Alter = Callable[..., str]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which `dvc repro` has run once at a commit."""
    project = copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("small"))
    project.run("linreg", "sync")
    return project


@pytest.fixture
def there(small: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(small.folder)
    return small


def the_run(project: Project) -> str:
    """The key of the first run, which is clean."""
    return min(
        project.folder.glob(".linreg/runs/*/journal.jsonl"), key=lambda path: path.stat().st_ctime
    ).parent.name


@pytest.fixture
def altered(there: Project) -> Any:
    """Copies the journal of the clean run under another key, with other events; gone afterwards."""
    runs, keys = there.folder / ".linreg" / "runs", []

    def alter(key: str, change: Callable[[dict[str, Any]], None]) -> str:
        keys.append(key)
        shutil.copytree(runs / the_run(there), runs / key)
        (runs / key / "sent.json").unlink(missing_ok=True)
        events = [
            json.loads(line) for line in (runs / key / "journal.jsonl").read_text().splitlines()
        ]
        for event in events:
            # Journals once had no checksums, and are still read.
            del event["checksum"]
            change(event)
        (runs / key / "journal.jsonl").write_text(
            "".join(json.dumps(event) + "\n" for event in events)
        )
        return key

    yield alter
    for key in keys:
        shutil.rmtree(runs / key)


def with_tags(**tags: str | None) -> Callable[[dict[str, Any]], None]:
    named = {name.replace("__", "/").replace("_", "."): value for name, value in tags.items()}

    def change(event: dict[str, Any]) -> None:
        for name in named.keys() & event.get("tags", {}).keys():
            value = named[name]
            event["tags"].pop(name) if value is None else event["tags"].update({name: value})

    return change


@pytest.mark.slow
def test_a_run_is_repeated_from_the_beginning_of_its_id(small: Project) -> None:
    known = small.run("linreg", "runs", "--all").stdout
    run_id = small.run("linreg", "runs").stdout.splitlines()[1].split()[0]
    before = content_hash(small.folder / "models"), small.run("git", "status", "--porcelain").stdout
    out = small.run("linreg", "rerun", run_id[:6]).stdout
    assert "rerun: θ and b are the same, bit for bit" in out
    assert "models/model: same (compared with the run's copy)" in out
    assert "data/split: same\ndata/ingested/schema.json: same" in out
    assert "params.yaml:" not in out
    assert before == (
        content_hash(small.folder / "models"),
        small.run("git", "status", "--porcelain").stdout,
    )
    # The repeated run is tracked nowhere.
    assert small.run("linreg", "runs", "--all").stdout == known


@pytest.mark.slow
def test_outputs_that_dvc_restored_have_the_run_that_produced_them(small: Project) -> None:
    before = small.run("linreg", "runs").stdout
    params = small.folder / "params.yaml"
    committed = params.read_text()
    params.write_text(committed.replace("lr: 0.01", "lr: 0.02"))
    small.run("dvc", "repro")
    other = small.run("linreg", "runs").stdout.splitlines()
    assert [line.rpartition("  ")[2] for line in other] == [
        "produced",
        "the model",
        "only the data",
    ]
    params.write_text(committed)
    assert "is cached - skipping run" in small.run("dvc", "repro").stdout
    restored = small.run("linreg", "runs").stdout.splitlines()
    assert [line.rpartition("  ")[2] for line in restored] == [
        "produced",
        "only the data",
        "the model",
    ]
    assert restored[2].split() == before.splitlines()[1].split()


@pytest.mark.very_slow
def test_a_run_whose_parameters_only_mlflow_has_is_repeated(small: Project) -> None:
    change = [
        "-S",
        "train.lr=0.00001",
        "-S",
        "generate.theta=[0.5,-0.25]",
        "-S",
        "~evaluate.gates.test_r2",
    ]
    small.run("dvc", "exp", "run", "-n", "other", *change)
    small.run("linreg", "sync")
    line = next(
        each for each in small.run("linreg", "runs").stdout.splitlines() if " other " in each
    )
    run_id, key = line.split()[:2]
    assert " dirty " in line
    (folder,) = small.folder.glob(f".linreg/runs/{key}*")
    shutil.rmtree(folder)
    small.run("git", "checkout", "-q", ".")
    done = small.run("linreg", "rerun", run_id, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "params.yaml: train.lr = 1e-05 (in the commit: 0.01)" in done.stdout
    assert "params.yaml: generate.theta = [0.5, -0.25] (in the commit: [2.0, -3.4])" in done.stdout
    assert (
        'params.yaml: evaluate.gates = {} (in the commit: {"test_r2": {"min": 0.9}})' in done.stdout
    )
    assert "models/model: same (compared by its MD5, as there is no copy of it)" in done.stdout


@pytest.mark.very_slow
def test_a_model_that_differs_is_reported_with_its_first_difference(
    there: Project, altered: Any
) -> None:
    def other_rate(event: dict[str, Any]) -> None:
        event.get("parameters", {}).update({"train.lr": 0.011})

    done = there.run("linreg", "rerun", altered("ffff", other_rate)[:3], check=False)
    assert done.returncode == 1
    assert "data/split: same" in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("first difference: "))
    assert re.fullmatch(
        r"first difference: b: \S+ became \S+ \(\d+ ulps, \d+ ulps of float32\)", line
    )
    assert "rerun: the model is NOT the same" in done.stdout


@pytest.mark.very_slow
def test_a_table_that_has_changed_since_the_run_is_named(small: Project) -> None:
    table = small.folder / "data" / "mine.csv"
    rows = "".join(f"{i / 7},{3 * i + i % 5}\n" for i in range(200))
    table.write_text(f"x,y\n{rows}")
    changes = [
        "-S",
        "ingest.source=data/mine.csv",
        "-S",
        'model.formula="y ~ x"',
        "-S",
        "train.lr=0.0001",
    ]
    small.run("dvc", "exp", "run", "-n", "mine", *changes)
    key = next(
        each for each in small.run("linreg", "runs").stdout.splitlines() if " mine " in each
    ).split()[1]
    small.run("git", "checkout", "-q", ".")
    table.write_text(f"x,y\n{rows}".replace("\n0.0,0\n", "\n0.0,1\n"))
    done = small.run("linreg", "rerun", key, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "its data differ: data/split" in done.stderr
    assert "another version of data/mine.csv, which its commit lacks" in done.stderr
    table.unlink()
    done = small.run("linreg", "rerun", key, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "data/mine.csv: is the run's table and is neither in its commit nor here" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (
            {"git_commit": "1" * 40},
            f"made at a commit that is not in this repository; found {'1' * 40}; run `git fet",
        ),
        ({"git_commit": None}, "has no commit"),
        ({"code": "0" * 32}, f"its code, with MD5 {'0' * 32}, was never committed"),
        ({"models__model": None}, "has no model to compare with; found a run that is FINISHED"),
    ],
)
def test_a_run_that_cannot_be_repeated_is_one_line(
    there: Project, altered: Any, tags: dict[str, str | None], words: str
) -> None:
    done = there.run("linreg", "rerun", altered("ffff", with_tags(**tags)), check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert words in done.stderr


@pytest.mark.slow
def test_a_dirty_run_without_a_hash_of_its_code_uses_its_commit_with_a_note(
    there: Project, altered: Any
) -> None:
    altered("ffff", with_tags(code=None, git_dirty="true"))
    with checkout_run(find_run_by_id("ffff")) as state:
        assert len(state.notes) == 1
        assert "uncommitted changes" in state.notes[0]
        assert (state.project.folder / "stages" / "train.py").exists()
    altered("fffe", with_tags(code=None))
    with checkout_run(find_run_by_id("fffe")) as state:
        assert (state.notes, state.changes, state.unknown_source) == ([], [], None)


@pytest.mark.slow
def test_the_beginning_of_a_key_names_a_run_if_only_one_begins_so(
    there: Project, altered: Any
) -> None:
    for key in ("ffff", "fffe"):
        altered(key, with_tags())
    assert find_run_by_id("fffe").key == "fffe"
    with pytest.raises(UserError, match=r"run fff: is ambiguous; found .*ffff"):
        find_run_by_id("fff")
    done = there.run("linreg", "rerun", "no-such-run", check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "run no-such-run: is unknown here and in MLflow" in done.stderr


def clean_run(project: Project) -> KnownRun:
    return next(run for run in journal_runs() if run.key == the_run(project))


def test_without_a_copy_of_the_model_its_curves_show_where_it_differs(
    there: Project, altered: Any
) -> None:
    def other_b(event: dict[str, Any]) -> None:
        if event.get("step") == 2:
            event["values"]["b"] = 4.25
        with_tags(models__model="0.dir")(event)

    altered("ffff", other_b)
    match = compare_model(find_run_by_id("ffff"), there.folder)
    assert not match.same
    assert "epoch 2: b: 4.25 became " in match.lines[-1]
    altered("fffe", with_tags(models__model="0.dir"))
    assert (
        "not in the curves of θ and b"
        in compare_model(find_run_by_id("fffe"), there.folder).lines[-1]
    )


def test_a_model_that_differs_in_other_than_theta_and_b_is_not_the_same(
    there: Project, tmp_path: Path
) -> None:
    run = clean_run(there)
    assert compare_model(run, there.folder).same
    for path in ("data", "models"):
        shutil.copytree(there.folder / path, tmp_path / path)
    model = json.loads((tmp_path / "models/model/model.json").read_text())
    model["formula"] = "y ~ x1"
    (tmp_path / "models/model/model.json").write_text(json.dumps(model))
    (tmp_path / "data/split/test.parquet").write_bytes(b"")
    match = compare_model(run, tmp_path)
    assert (match.same, match.different_data) == (False, ("data/split",))
    difference = "model.json: formula: 'y ~ x1 + x2' became 'y ~ x1'"
    assert match.lines[-1] == f"first difference: θ and b are the same, but {difference}"
