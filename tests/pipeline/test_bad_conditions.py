"""What can go wrong under a stage while it works: one line, and the outputs of before or none."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project, copy_of_the_project

pytestmark = pytest.mark.slow

STAGES = ("generate", "ingest", "split", "train", "evaluate")
OUTPUTS = ("data/raw", "data/ingested", "data/split", "models/model", "models/training", "models/evaluation")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which every stage has run, on three row groups and two shards."""
    project = copy_of_the_project(tmp_path_factory.mktemp("bad"))
    project.set_params(rows=300_000, epochs=1, shards=2, engine="compiled")
    for stage in STAGES:
        run(project, stage, check=True)
    return project


def run(project: Project, stage: str, *, check: bool = False) -> subprocess.CompletedProcess[str]:
    return project.run(sys.executable, "-m", f"stages.{stage}", check=check)


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    lines = done.stderr.splitlines()
    assert done.returncode == code, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    for part in parts:
        assert part in lines[0]


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file below the outputs, hidden ones too."""
    files = [file for output in OUTPUTS for file in (folder / output).rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def damaged(project: Project, tmp_path: Path) -> Project:
    """The project again, in a folder of its own that may be damaged."""
    shutil.copytree(project.folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.mark.parametrize("stage", ["train", "evaluate"])
def test_a_shard_that_is_missing_is_named_and_nothing_is_trained_on_the_others(damaged: Project, stage: str) -> None:
    (damaged.folder / "data/split/train/shard-00001.parquet").unlink()
    before = contents(damaged.folder)
    assert_one_line(run(damaged, stage), 2, "data/split/train/shard-00001.parquet: there is no such file", "dvc repro")
    assert contents(damaged.folder) == before


def test_a_shard_of_another_split_is_refused(damaged: Project) -> None:
    shards = damaged.folder / "data/split/train"
    shutil.copy(damaged.folder / "data/split/test.parquet", shards / "shard-00000.parquet")
    assert_one_line(run(damaged, "train"), 2, "shard-00000.parquet: must hold 105000 rows", "found 45000")


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
def test_a_row_group_that_cannot_be_decoded_is_one_line_with_the_file(damaged: Project, stage: str, file: str) -> None:
    path = damaged.folder / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # one bit of a number: only the checksum of its page can tell
    path.write_bytes(data)
    before = contents(damaged.folder)
    assert_one_line(run(damaged, stage), 2, f"{file}: cannot be read as Parquet")
    assert contents(damaged.folder) == before


FULL = """
set -e
mount -t tmpfs -o size=100m tmpfs "$2"
cp -a "$1/." "$2"
cd "$2"
available=$(df -k --output=avail . | tail -1)
head -c $(( (available - $4) * 1024 )) /dev/zero > filler
set +e
"$5" -m "stages.$3" > "$1/../out" 2> "$1/../err"
echo $? > "$1/../code"
cp -a data models "$1/../after"
"""


def can_mount() -> bool:
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="no small disk can be mounted here")
@pytest.mark.parametrize(
    ("stage", "kilobytes"),
    [(stage, 16) for stage in STAGES] + [("generate", 300), ("ingest", 300), ("split", 300), ("split", 3000)],
)
def test_a_disk_that_becomes_full_is_one_line_and_the_outputs_of_before(
    damaged: Project, tmp_path: Path, stage: str, kilobytes: int
) -> None:
    """On a real file system of 100 MB, all but some kilobytes of it taken."""
    before = contents(damaged.folder)
    (tmp_path / "disk").mkdir()
    (tmp_path / "after").mkdir()
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", FULL, "sh", str(damaged.folder)]
    kernels = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    damaged.run(*command, str(tmp_path / "disk"), stage, str(kilobytes), sys.executable, env=kernels)
    out, err, code = ((tmp_path / name).read_text() for name in ("out", "err", "code"))
    done = subprocess.CompletedProcess(stage, int(code), out, err)
    assert_one_line(done, 1, "the disk is full", "make room and run it again")
    assert contents(tmp_path / "after") == before
