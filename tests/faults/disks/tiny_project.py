"""A tiny project in which every stage has run in a forked process, and who reads which of its
files.
"""

import contextlib
import importlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from linreg.files import files_in
from tests.faults.forked import Outcome, run_command, run_stage

ROOT = Path(__file__).parents[3]
STAGES = ("generate", "ingest", "split", "train", "evaluate")
SECONDS = 10.0
PREDICT = ("predict", "models/model", "data/raw/generated.parquet", "out.csv", "--interval", "0.95")
COMMANDS = {
    "predict": PREDICT,
    "summary": ("summary",),
    "compare": ("compare", "workspace", "workspace", "--output", "out.html"),
}
RAW, INGESTED, SPLIT = "data/raw/generated.parquet", "data/ingested", "data/split"
READERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        f"{RAW}/part-00000.parquet": ("ingest", "predict"),
        f"{RAW}/_part-00000.seal": ("ingest", "predict"),
        f"{INGESTED}/table.parquet": ("split",),
        f"{INGESTED}/_table.seal": ("split",),
        f"{INGESTED}/schema.json": ("train", "evaluate"),
        f"{INGESTED}/profile.json": ("evaluate",),
        f"{SPLIT}/split.json": ("train", "evaluate"),
        f"{SPLIT}/train/shard-00001.parquet": ("train", "evaluate"),
        f"{SPLIT}/train/_shard-00001.seal": ("train", "evaluate"),
        f"{SPLIT}/validation.parquet": ("train", "evaluate"),
        f"{SPLIT}/test.parquet": ("evaluate",),
        f"{SPLIT}/_test.seal": ("train", "evaluate"),
        "models/model/model.json": ("evaluate", "predict", "summary"),
        "models/model/model.safetensors": ("evaluate", "predict", "summary"),
        "models/model/exact.json": ("evaluate", "predict"),
        "models/model/moments.safetensors": ("evaluate", "predict"),
        "models/training/history.csv": ("evaluate",),
        "models/training/theta.csv": ("evaluate",),
        "models/evaluation/metrics.json": ("summary", "compare"),
        "models/evaluation/gates.json": ("summary", "compare"),
        "models/evaluation/inference.json": ("summary", "compare"),
        "models/evaluation/diagnostics.json": ("summary", "compare"),
        "models/evaluation/report.json": ("summary", "compare"),
        "models/evaluation/predictions.csv": ("summary", "compare"),
    }
)
"""Every file that a stage or command reads of what an earlier one wrote. Not here: what train
hashes and never looks into, the pages of the test rows."""


@contextlib.contextmanager
def ready_to_fork() -> Iterator[None]:
    """Have all imports, and no sender, which would be a process of a second for each case."""
    for module in (
        "linreg.fit.sgd.autograd",
        "tests.faults.servers.sent_runs",
    ):  # torch and MLflow, once and not in every fork
        importlib.import_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINREG_SYNC", "later")
        yield


def made(folder: Path, seed: int) -> Path:
    """Run every stage in a folder, which may be empty."""
    shutil.copy(ROOT / "dvc.yaml", folder)
    text = f"generate: {{rows: 400, seed: {seed}}}\nsplit: {{shards: 2}}\ntrain: {{epochs: 2}}\n"
    (folder / "params.yaml").write_text(text)
    for stage in STAGES:
        outcome = run_stage(stage, folder)
        assert outcome.is_right, outcome.stderr
    return folder


def copy_of(project: Path, folder: Path) -> Path:
    """Link what the stages wrote, which they replace and never change in place; no journals, no
    locks.
    """
    shutil.copytree(
        project, folder, copy_function=os.link, ignore=shutil.ignore_patterns(".linreg")
    )
    return folder


def run_reader(reader: str, folder: Path) -> Outcome:
    """Run a stage or a command by its name in READERS."""
    if reader in STAGES:
        return run_stage(reader, folder, timeout=SECONDS)
    return run_command(COMMANDS[reader], folder, timeout=SECONDS)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a project but those that only the tracking knows."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in files_in(folder)
        if not file.is_relative_to(folder / ".linreg")
    }


def left_checkpoint(folder: Path) -> Path:
    """Have a training leave a checkpoint, as one does that is killed after its first epoch."""
    from linreg.fit.sgd.checkpoint import Checkpoint

    def die_after_writing(self: Checkpoint, state: object) -> None:
        self.write(state)  # type: ignore[arg-type]
        os._exit(9)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "at_epoch", die_after_writing)
        assert run_stage("train", folder).code == 9
    (checkpoint,) = (folder / ".linreg/checkpoints").iterdir()
    return checkpoint
