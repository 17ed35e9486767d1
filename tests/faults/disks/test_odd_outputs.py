"""Something else lies where an output is to be written: it gives way, or one line says what it
is.
"""

import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disks.disks import STAGES, contents, make_project, refusal
from tests.faults.forked import run_command, run_stage

pytestmark = pytest.mark.slow
OUTPUTS = {
    "generate": ["data/raw/generated.parquet"],
    "ingest": ["data/ingested"],
    "split": ["data/split"],
    "train": ["models/model", "models/training"],
    "evaluate": ["models/evaluation"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project in which every stage has run."""
    with pytest.MonkeyPatch.context() as patch:
        importlib.import_module("linreg.fit.sgd.autograd")  # torch, once and not in every fork
        patch.setenv("LINREG_SYNC", "later")
        folder = make_project(tmp_path_factory.mktemp("odd"), rows=2000)
        for stage in STAGES:
            outcome = run_stage(stage, folder)
            assert outcome.is_right, outcome.stderr
        yield folder


def put(kind: str, path: Path, elsewhere: Path) -> None:
    """Put a file, or a link to nothing or to a folder of somebody's, where the folder `path`
    was.
    """
    shutil.rmtree(path)
    if kind == "file":
        path.write_text("mine")
    elif kind == "dangling link":
        path.symlink_to(elsewhere / "nothing")
    else:
        elsewhere.mkdir()
        (elsewhere / "mine").write_text("mine")
        path.symlink_to(elsewhere)


@pytest.mark.very_slow
@pytest.mark.parametrize(
    ("stage", "output"), [(stage, output) for stage in STAGES for output in OUTPUTS[stage]]
)
@pytest.mark.parametrize("kind", ["file", "dangling link", "link to a folder"])
def test_what_lies_in_place_of_an_output_is_replaced_and_its_target_left_alone(
    project: Path, tmp_path: Path, stage: str, output: str, kind: str
) -> None:
    shutil.copytree(project, tmp_path / "project")
    put(kind, tmp_path / "project" / output, tmp_path / "elsewhere")
    outcome = run_stage(stage, tmp_path / "project")
    assert outcome.is_right, outcome.stderr
    assert contents(tmp_path / "project") == contents(project)
    assert not (tmp_path / "project" / output).is_symlink()
    if kind == "link to a folder":
        assert [(file.name, file.read_text()) for file in (tmp_path / "elsewhere").iterdir()] == [
            ("mine", "mine")
        ]


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_in_place_of_the_folder_above_is_one_line(
    project: Path, tmp_path: Path, stage: str
) -> None:
    shutil.copytree(project, tmp_path / "project")
    above = Path(OUTPUTS[stage][0]).parts[0]
    shutil.move(tmp_path / "project" / above, tmp_path / "away")
    (tmp_path / "project" / above).write_text("mine")
    message = refusal(run_stage(stage, tmp_path / "project"))
    assert message.startswith(above)
    assert (tmp_path / "project" / above).read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("predict", "models/model", "data/raw/generated.parquet", "out.csv"), "out.csv"),
        (("predict", "models/model", "data/raw/generated.parquet", "out.parquet"), "out.parquet"),
        (("compare", "workspace", "workspace", "--output", "out.html"), "out.html"),
    ],
)
def test_a_folder_or_a_link_in_place_of_a_file(
    project: Path, tmp_path: Path, arguments: tuple[str, ...], output: str
) -> None:
    shutil.copytree(project, tmp_path / "project")
    place = tmp_path / "project" / output
    assert run_command(arguments, tmp_path / "project").is_right
    right = place.read_bytes()
    place.unlink()
    place.mkdir()
    message = refusal(run_command(arguments, tmp_path / "project"))
    assert (
        message == f"{output}: is a folder, but a file is to be written there;"
        " name another file, or move the folder"
    )
    place.rmdir()
    place.symlink_to(tmp_path / "nothing")
    assert run_command(arguments, tmp_path / "project").is_right
    assert (place.is_symlink(), place.read_bytes()) == (False, right)
    assert not (tmp_path / "nothing").exists()
    assert not list((tmp_path / "project").glob(".*.partial"))
