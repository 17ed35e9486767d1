from pathlib import Path
from typing import Any

from linreg.tracking.journal.description import DESCRIPTION, describe
from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run import Run
from linreg.tracking.journal.run_folder import RunFolder

PARAMETERS = {"model.formula": "y ~ x1 + x2", "train.solver": "sgd", "train.lr": 0.01}
METRICS: dict[str, Any] = {
    "train": {"n": 7000, "r2": 0.9},
    "test": {"n": 1500, "r2": 0.99935008},
    "gap": 0.0042273,
}
PASSED = {"passed": True, "gates": {"test_r2": {"passed": True}}}
COMMIT = "d3d0817b262fa0fa91f329cf01ee598900000000"


def description(
    parameters: dict[str, object] | None = None,
    tags: dict[str, str] | None = None,
    metrics: dict[str, Any] | None = None,
    gates: dict[str, Any] = PASSED,
) -> tuple[str, Run]:
    with start_run("linreg", "name", PARAMETERS | (parameters or {}), tags or {}) as run:
        for epoch in range(1, 21):
            run.log({"b": 1.0, "train_mse": 0.5}, epoch)
        describe(run, METRICS | (metrics or {}), gates)
    descriptions = [
        event.values["tags"]
        for event in read_events(RunFolder(run.key).journal)
        if event.kind == "tags"
    ]
    return descriptions[-1][DESCRIPTION], run


def test_it_names_formula_rows_training_results_origin_and_how_to_rerun(repository: Path) -> None:
    tags = {
        "git.commit": COMMIT,
        "git.dirty": "false",
        "git.remote": "https://git.example.org/a/b",
        "dvc.experiment": "e",
    }
    text, run = description(tags=tags)
    assert text == (
        "`y ~ x1 + x2` on 7000 training rows, SGD, 20 epochs at lr 0.01: **test R² 0.99935**; "
        "training loss 0.423 % above the minimum; gates passed: test_r2.\n\n"
        f"Commit [`d3d0817b26`](https://git.example.org/a/b/commit/{COMMIT}), experiment `e`. "
        f"Again: `linreg rerun {run.key[:8]}`"
    )


def test_a_commit_that_was_not_pushed_is_no_link(repository: Path) -> None:
    text, _ = description(tags={"git.commit": COMMIT, "git.dirty": "true"})
    assert "\n\nCommit `d3d0817b26` with changes. Again:" in text
    assert "\n\nNo commit. Again:" in description()[0]


def test_what_does_not_exist_is_not_mentioned(repository: Path) -> None:
    """No test rows, a constant target, a perfect fit, no gates, one exact epoch."""
    metrics = {"test": {"n": 3, "r2": None}, "gap": None, "train": {"n": 1, "r2": 1.0}}
    text, _ = description(
        {"train.solver": "exact"}, metrics=metrics, gates={"passed": True, "gates": {}}
    )
    assert text.startswith(
        "`y ~ x1 + x2` on 1 training row, solved exactly: **test R² undefined**; no gates set."
    )


def test_gates_that_failed_are_named(repository: Path) -> None:
    gates = {"passed": False, "gates": {"gap": {"passed": False}, "test_r2": {"passed": True}}}
    assert "; **gates failed: gap**." in description(gates=gates)[0]


def test_a_formula_with_backquotes_is_shown_as_it_is(repository: Path) -> None:
    assert description({"model.formula": "y ~ `a b`"})[0].startswith("`` y ~ `a b` `` on ")
