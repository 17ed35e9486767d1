import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from linreg import cli
from tests.project import Project, committed_run, copy_of, made_once


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A committed copy with 600 rows and 6 epochs, run once."""
    made = made_once(
        tmp_path_factory, "searched", lambda path: committed_run(path, rows=600, epochs=6)
    )
    return copy_of(made, tmp_path_factory.mktemp("small"))


def contents(project: Project) -> dict[str, bytes]:
    """Everything that a person has in the workspace: parameters, locks, data, models."""
    folders = ("data", "models", "stages", "linreg")
    files = [
        path
        for folder in folders
        for path in (project.folder / folder).rglob("*")
        if path.is_file()
    ]
    files += [project.folder / name for name in ("params.yaml", "dvc.yaml", "dvc.lock")]
    return {str(path): path.read_bytes() for path in files if "__pycache__" not in path.parts}


def found(line: str, key: str) -> float:
    return float(re.search(rf"{key}[= ]([\d.e+-]+)", line).group(1))  # type: ignore[union-attr]


@pytest.mark.very_slow
@pytest.mark.timeout(900)
def test_six_trials_find_rates_that_converge_and_do_not_change_the_workspace(
    small: Project,
) -> None:
    """In six epochs of 420 rows, rates near 0.01 converge to the noise of 0.1; 0.00001 does not."""
    with (small.folder / "params.yaml").open("a") as file:
        file.write("# an uncommitted comment\n")
    before = contents(small)
    done = small.run(
        "linreg", "search", "--trials", "6", "--name", "planted", "train.lr=1e-5..0.3:log"
    )
    assert contents(small) == before
    assert small.run("git", "stash", "list").stdout == ""
    *trials, empty, best, apply, compare = done.stdout.splitlines()
    assert (len(trials), empty) == (6, "")
    rmses = {
        line.split(":")[0]: found(line, "validation RMSE")
        for line in trials
        if "refused" not in line
    }
    rates = {line.split(":")[0]: found(line, "train.lr") for line in trials}
    winner = min(rmses, key=lambda name: rmses[name])
    assert best.startswith(f"best: {winner}, validation RMSE ")
    assert rmses[winner] < 0.12
    assert max(rmses.values()) > 1
    assert 0.002 < rates[winner] < 0.3
    assert apply == f"apply it:  dvc exp apply {winner}"
    assert "LIKE 'search-planted-%'" in compare

    check_tracked_runs(small, rmses, rates)
    again = small.run(
        "linreg", "search", "--trials", "6", "--name", "planted", "train.lr=1e-5..0.3:log"
    )
    assert again.stdout == re.sub(r"\(\d+ s\)", "(existed)", done.stdout)
    other = small.run(
        "linreg", "search", "--name", "planted", "train.lr=1e-5..0.4:log", check=False
    )
    assert (other.returncode, other.stdout) == (2, "")
    assert (
        "search-planted-001: exists already, with other parameters; found train.lr=" in other.stderr
    )

    small.run("git", "checkout", "-q", "params.yaml")
    small.run("dvc", "exp", "apply", winner)
    assert small.json("models/evaluation/metrics.json")["validation"]["rmse"] == pytest.approx(
        rmses[winner], rel=1e-5
    )


def check_tracked_runs(project: Project, rmses: dict[str, float], rates: dict[str, float]) -> None:
    runs = {run["name"]: run for run in project.mlflow_runs()}
    for name, rmse in rmses.items():
        assert runs[name]["metrics"]["validation_rmse"] == pytest.approx(rmse, rel=1e-5)
        assert runs[name]["tags"]["dvc.experiment"] == name
        assert float(runs[name]["params"]["train.lr"]) == pytest.approx(rates[name], rel=1e-3)


@pytest.mark.very_slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("copy", [(), ("--copy",)])
def test_a_table_of_ones_own_is_searched_and_repeated_before_git_has_it(
    copy: tuple[str, ...], small: Project, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Outside of the repository, and copied into it: the two states that `linreg use` leaves."""
    project = copy_of(small.folder, tmp_path / "project")
    project.run("git", "restore", "params.yaml")
    table = tmp_path_factory.mktemp("elsewhere") / "cars.csv"
    table.write_bytes((project.folder / "data/examples/auto-mpg.csv").read_bytes())
    project.run("linreg", "use", str(table), "--target", "mpg", *copy)
    status = project.run("git", "status", "--porcelain").stdout
    assert ("?? data/own/" in status) == bool(copy)
    searched = project.run("linreg", "search", "--trials", "1", "train.lr=0.001,0.002").stdout
    assert "best: search-lr-001" in searched
    assert project.run("linreg", "repeat", "2").stdout.count("test RMSE") == 2
    assert project.run("git", "status", "--porcelain").stdout == status
    project.run("dvc", "exp", "run", "-n", "here", "-S", "train.seed=3")
    assert project.json("data/ingested/profile.json")["rows_read"] == 398


@pytest.mark.very_slow
@pytest.mark.timeout(600)
def test_a_rate_that_must_diverge_is_a_refused_trial_with_its_reason(small: Project) -> None:
    done = small.run("linreg", "search", "--trials", "1", "train.lr=5..6", check=False)
    assert done.returncode == 1
    assert re.match(
        r"search-lr-001: train.lr=5.\d+: refused: params.yaml: train.lr: is too large", done.stdout
    )
    assert done.stderr == "no trial was successful\n"


@pytest.mark.very_slow
@pytest.mark.timeout(600)
def test_with_folds_a_trial_is_judged_by_trainings_without_a_fold_each(small: Project) -> None:
    command = ["linreg", "search", "--trials", "1", "--folds", "3", "train.lr=1e-4,1e-2"]
    done = small.run(*command, "--name", "folded")
    for number, line in enumerate(done.stdout.splitlines()[:1], start=1):
        name = f"search-folded-{number:03d}"
        get = ("dvc", "get", ".", "models/evaluation/metrics.json", "--rev", name)
        small.run(*get, "-o", f"{name}.json")
        cv = small.json(f"{name}.json")["cv"]
        assert line.startswith(f"{name}: train.lr=")
        assert found(line, "RMSE over 3 folds") == pytest.approx(cv["rmse"], rel=1e-5)
        assert cv["estimator"] == "gradient descent"
        assert cv["rmse"] == pytest.approx(np.mean([fold["rmse"] for fold in cv["folds"]]))
    assert "best: search-folded-" in done.stdout


@pytest.mark.very_slow
@pytest.mark.timeout(600)
def test_after_ctrl_c_the_same_command_continues_with_the_next_trial(small: Project) -> None:
    before = contents(small)
    command = [
        "linreg",
        "search",
        "--trials",
        "2",
        "--name",
        "stopped",
        "train.lr=0.001..0.01",
        "train.seed=1,2,3",
    ]
    with subprocess.Popen(
        command,
        cwd=small.folder,
        env=small.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as search:
        assert search.stdout is not None
        first = search.stdout.readline()
        assert first.startswith("search-stopped-001: train.lr=0.00")
        in_the_second_trial = 3
        time.sleep(in_the_second_trial)
        os.kill(search.pid, signal.SIGINT)
        out, err = search.communicate(timeout=60)
    assert search.returncode == 130
    assert "best: search-stopped-001" in out
    assert err == "interrupted; the same command continues with the next trial\n"
    assert contents(small) == before
    assert small.run("git", "stash", "list").stdout == ""
    again = small.run(*command).stdout.splitlines()
    assert again[0] == re.sub(r"\(\d+ s\)\n", "(existed)", first)
    assert re.search(r"search-stopped-002.*\(\d+ s\)", again[1])


@pytest.mark.very_slow
@pytest.mark.timeout(900)
def test_repeat_prints_numpys_mean_and_standard_deviation_of_the_experiments(
    small: Project,
) -> None:
    before = contents(small)
    small.run("linreg", "repeat", "3", "--split")
    summary = json.loads(small.run("linreg", "repeat", "3", "--split", "--json").stdout)
    assert contents(small) == before
    values: dict[str, list[float]] = {}
    for seed in (1, 2, 3):
        (commit,) = small.run(
            "git", "for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/repeat-split-{seed}"
        ).stdout.split()
        assert (
            small.run("git", "show", f"{commit}:params.yaml").stdout.count(f"seed: {seed}\n") >= 2
        )
        for path, name in (
            ("models/model/model.json", "model"),
            ("models/evaluation/metrics.json", "metrics"),
        ):
            small.run("dvc", "get", "-q", ".", path, "--rev", commit, "-o", f"{name}-{seed}.json")
        metrics = small.json(f"metrics-{seed}.json")
        for part in ("train", "validation", "test"):
            for name in ("rmse", "r2", "mae", "mse", "max_error"):
                values.setdefault(f"{part}_{name}", []).append(metrics[part][name])
        values.setdefault("gap", []).append(metrics["gap"])
        model = small.json(f"model-{seed}.json")
        values.setdefault("b", []).append(model["b"])
        values.setdefault("theta.x1", []).append(model["theta"]["x1"])
        values.setdefault("theta.x2", []).append(model["theta"]["x2"])
    assert set(summary) == set(values)
    for name, each in values.items():
        assert len(set(each)) == 3
        expected = [np.mean(each), np.std(each, ddof=1), min(each), max(each)]
        assert list(summary[name].values()) == pytest.approx(expected, rel=1e-12)


@pytest.fixture
def linreg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in an empty folder with default parameters."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("train: {epochs: 2}\n")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["linreg", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        return int(exit_.value.code or 0), captured.out, captured.err

    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train.lr"], "train.lr: must be KEY=RANGE; such as train.lr=1e-4..1e-1:log"),
        (["train.lr="], "train.lr=: must be KEY=RANGE"),
        (["train.lrr=1..2"], "params.yaml: train.lrr: is not a parameter; did you mean lr?"),
        (["lr=1..2"], "lr: is not a parameter; name it as section.key, such as train.lr"),
        (["train.lr=2..1"], "train.lr=2..1: is not a range of numbers"),
        (["train.lr=a..b"], "train.lr=a..b: is not a range of numbers"),
        (["train.lr=0..1:log"], "train.lr=0..1:log: is not a range of numbers"),
        (["train.lr=0..1"], "params.yaml: train.lr: should be greater than 0; found 0.0"),
        (
            ["train.lr=1..2:linear"],
            "train.lr=1..2:linear: must end in :log or without a colon; found linear",
        ),
        (
            ["train.batch_size=1.5..2"],
            "train.batch_size=1.5..2: must be a range of whole numbers; found 1.5..2",
        ),
        (["train.batch_size=16,many"], "params.yaml: train.batch_size"),
        (
            ["train.schedule=linear,cubic"],
            "params.yaml: train.schedule: should be 'constant', 'linear' or 'cosine'",
        ),
        (["train.lr=0.1..1", "--trials", "0"], "--trials: must be at least 1; found 0"),
        (["train.lr=0.1..1", "train.lr=0.2..1"], "train.lr: is named twice"),
        (["train.lr=0.1..1", "--folds", "1"], "--folds: must be 0, or from 2 to 100; found 1"),
        (["split.folds=2..5"], "split.folds: is what judges the trials, and cannot be searched"),
    ],
)
def test_a_mistake_in_a_range_is_reported_before_any_trial(
    linreg: Callable[..., tuple[int, str, str]], arguments: list[str], message: str
) -> None:
    code, out, err = linreg("search", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {message}")


def test_without_validation_rows_there_is_no_search(
    linreg: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "params.yaml").write_text("split: {train: 0.8, validation: 0, test: 0.2}\n")
    code, _, err = linreg("search", "train.lr=0.1..1")
    assert (code, err.count("\n")) == (2, 1)
    where = "error: params.yaml: split.validation"
    assert err.startswith(f"{where}: is 0, but a search compares the losses of validation rows")


def test_repetitions_that_could_not_vary_are_refused(
    linreg: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    assert "K: must be at least 2" in linreg("repeat", "1")[2]
    (tmp_path / "params.yaml").write_text("train: {solver: exact}\n")
    code, _, err = linreg("repeat", "3")
    assert code == 2
    assert "exact uses no seed, so that all repetitions would be the same; add --split" in err
