"""Tables of the pipeline that are missing, another's or damaged deep inside: one line, and the
outputs of before.
"""

import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disks.disks import STAGES, contents, make_project, refusal
from tests.faults.forked import run_stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project in which every stage has run, on three row groups and two shards."""
    with pytest.MonkeyPatch.context() as patch:
        importlib.import_module("linreg.fit.sgd.autograd")  # torch, once and not in every fork
        patch.setenv("LINREG_SYNC", "later")
        folder = make_project(tmp_path_factory.mktemp("damaged"), rows=300_000, epochs=1)
        for stage in STAGES:
            outcome = run_stage(stage, folder)
            assert outcome.is_right, outcome.stderr
        yield folder


@pytest.fixture
def damaged(project: Path, tmp_path: Path) -> Path:
    """The project again, in a folder of its own that may be damaged."""
    shutil.copytree(project, tmp_path / "project")
    return tmp_path / "project"


def assert_refused(project: Path, stage: str, message: str) -> None:
    before = contents(project)
    outcome = run_stage(stage, project)
    assert outcome.code == 2
    assert refusal(outcome).startswith(message), outcome.stderr
    assert contents(project) == before


@pytest.mark.parametrize("stage", ["train", "evaluate"])
def test_a_shard_that_is_missing_is_named_and_nothing_is_trained_on_the_others(
    damaged: Path, stage: str
) -> None:
    (damaged / "data/split/train/shard-00001.parquet").unlink()
    assert_refused(
        damaged,
        stage,
        "data/split/train/shard-00001.parquet: there is no such file; run `dvc repro`",
    )


@pytest.mark.parametrize("stage", ["train", "evaluate"])
def test_a_shard_of_another_split_is_refused_with_its_seal_and_without(
    damaged: Path, stage: str
) -> None:
    shards = damaged / "data/split/train"
    shutil.copy(shards / "shard-00001.parquet", shards / "shard-00000.parquet")
    assert_refused(
        damaged,
        stage,
        "data/split/train/shard-00000.parquet: is damaged, or was changed after it was",
    )
    shutil.copy(shards / "_shard-00001.seal", shards / "_shard-00000.seal")
    assert_refused(
        damaged,
        stage,
        "data/split/train/shard-00000.parquet: belongs to another split than split.json",
    )


def test_a_part_that_is_missing_is_named_by_its_seal(damaged: Path) -> None:
    (damaged / "data/raw/generated.parquet/part-00000.parquet").unlink()
    (damaged / "data/raw/generated.parquet/part-00001.parquet").write_bytes(b"PAR1")
    place = "data/raw/generated.parquet/part-00000.parquet"
    why = "there is no such file, but there is its seal _part-00000.seal"
    assert_refused(damaged, "ingest", f"{place}: {why}")


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("ingest", "data/raw/generated.parquet/part-00000.parquet"),
        ("split", "data/ingested/table.parquet"),
        ("train", "data/split/train/shard-00001.parquet"),
        ("train", "data/split/validation.parquet"),
        ("evaluate", "data/split/test.parquet"),
    ],
)
def test_a_row_group_that_cannot_be_decoded_is_one_line_with_the_file(
    damaged: Path, stage: str, file: str
) -> None:
    data = bytearray((damaged / file).read_bytes())
    data[len(data) // 2] ^= 1  # one bit of a number: only the checksum of its page can tell
    (damaged / file).write_bytes(data)
    assert_refused(damaged, stage, f"{file}: cannot be read as Parquet")


def test_curves_of_another_training_are_reported(damaged: Path) -> None:
    curves = damaged / "models/training/theta.csv"
    curves.write_text(curves.read_text().replace("1,b,", "1,b,1"))
    assert_refused(
        damaged,
        "evaluate",
        "models/training/theta.csv: is not the file that the model was made from, or",
    )
