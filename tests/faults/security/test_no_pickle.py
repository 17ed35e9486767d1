"""Nothing that is read is unpickled: a pickle in place of any file is refused, and does not leave
its mark.
"""

import ast
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from linreg.data.formula.design import Design
from linreg.fit import kernel_cache
from tests.faults.disks.tiny_project import (
    READERS,
    copy_of,
    left_checkpoint,
    made,
    ready_to_fork,
    run_reader,
)
from tests.faults.forked import run_command, run_stage
from tests.planted_pickle import PICKLE
from tests.prediction.fitted import save_model, training_rows

ROOT = Path(__file__).parents[3]
UNPICKLE = {
    "pickle",
    "cPickle",
    "cloudpickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "jsonpickle",
    "read_pickle",
    "to_pickle",
    "all_gather_object",
    "gather_object",
    "broadcast_object_list",
    "scatter_object_list",
    "send_object_list",
    "multiprocessing",
    "unsafe_load",
    "full_load",
    "PyExtensionType",
    "allow_pickle",
    "trust_remote_code",
}
LOADS = {("torch", "load"), ("np", "load"), ("numpy", "load"), ("torch", "save")}


def test_the_pickle_leaves_its_mark_where_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(PICKLE)  # noqa: S301 - or no test here could fail
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("linreg/**/*.py"), *ROOT.glob("stages/*.py")]), ids=lambda p: p.stem
)
def test_no_source_of_ours_can_unpickle_or_start_a_shell(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: set[str] = set()
        match node:
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                module = getattr(node, "module", None) or ""
                assert "yaml" not in {module, *(alias.name for alias in aliases)}, (
                    f"{path}: PyYAML makes objects"
                )
                names = {part for alias in aliases for part in f"{module}.{alias.name}".split(".")}
            case ast.Attribute(value=ast.Name(id=of), attr=attribute):
                assert (of, attribute) not in LOADS, f"{path}:{node.lineno}"
                names = {attribute}
            case ast.Call(func=ast.Name(id=called)):
                assert called not in ("eval", "exec", "compile", "__import__"), (
                    f"{path}:{node.lineno}"
                )
            case ast.keyword(arg=str(word)):
                names = {word}
                assert word != "shell", f"{path}: no shell"
        # torch's launcher, whose name it is, starts the workers; they exchange JSON and arrays.
        if path.name == "launcher.py":
            names.discard("multiprocessing")
        assert not names & UNPICKLE, f"{path}: {names & UNPICKLE}"


@pytest.mark.slow
def test_a_pickle_in_place_of_any_file_of_a_model_is_refused(
    learn: Callable[..., Design], tmp_path: Path
) -> None:
    save_model(tmp_path / "genuine", learn)
    pq.write_table(training_rows(), tmp_path / "rows.parquet")
    files = [file.name for file in (tmp_path / "genuine").iterdir()]
    assert len(files) == 4
    for name in files:
        shutil.copytree(tmp_path / "genuine", tmp_path / name)
        (tmp_path / name / name).write_bytes(PICKLE)
        found = run_command(
            ["predict", name, "rows.parquet", "out.csv", "--interval", "0.9"], tmp_path
        )
        assert (found.code, found.refusal is not None) == (2, True), (name, found)
        assert not (tmp_path / "marker").exists(), name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["table.csv", "table.parquet", "params.yaml"])
def test_a_pickle_in_place_of_what_ingest_reads_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(
        f'{{"ingest": {{"source": "{name}"}}, "model": {{"formula": "y ~ x"}}}}'
    )
    (tmp_path / name).write_bytes(PICKLE)
    found = run_stage("ingest", tmp_path)
    assert (found.code, found.refusal is not None) == (2, True), found
    assert not (tmp_path / "marker").exists()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with ready_to_fork():
        yield made(tmp_path_factory.mktemp("project"), seed=1)


@pytest.mark.very_slow
def test_a_pickle_in_place_of_anything_that_a_stage_has_left_is_refused(
    project: Path, tmp_path: Path
) -> None:
    cases = [(file, reader) for file, readers in READERS.items() for reader in readers]
    for number, (file, reader) in enumerate(cases):
        folder = copy_of(project, tmp_path / str(number))
        (folder / file).unlink()
        (folder / file).write_bytes(PICKLE)
        found = run_reader(reader, folder)
        assert (found.code, found.refusal is not None) == (2, True), (file, reader, found)
        assert not (folder / "marker").exists(), (file, reader)


@pytest.mark.slow
def test_a_pickle_in_place_of_a_checkpoint_is_discarded(project: Path, tmp_path: Path) -> None:
    folder = copy_of(project, tmp_path / "project")
    left_checkpoint(folder).write_bytes(PICKLE)
    found = run_stage("train", folder)
    assert found.is_right, found
    assert "is damaged" in found.stdout
    assert not (folder / "marker").exists()


@pytest.mark.very_slow
@pytest.mark.parametrize("name", ["journal.jsonl", "sent.json", "mlflow.db"])
@pytest.mark.filterwarnings("ignore:Operation with range is deprecated")
def test_a_pickle_in_place_of_what_tracking_reads_is_not_loaded(name: str, tmp_path: Path) -> None:
    with ready_to_fork():
        folder = made(tmp_path, seed=1)
        sent = run_command(["sync"], folder)
        assert sent.is_right, sent
        (file,) = [*folder.glob(f".linreg/runs/*/{name}"), *folder.glob(name)]
        file.write_bytes(PICKLE)
        for stage in ("train", "evaluate"):
            assert run_stage(stage, folder).is_right, stage
        for command in (["sync"], ["runs"], ["sync", "--all"]):
            found = run_command(command, folder)
            assert "Traceback" not in found.stdout + found.stderr, (command, found)
        assert not list(folder.rglob("marker"))


def test_kernels_are_kept_only_where_nobody_else_can_write(tmp_path: Path) -> None:
    """numba's own cache is pickled."""
    assert kernel_cache._is_private(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert not kernel_cache._is_private(tmp_path / "open")
    if os.geteuid() == 0:
        (tmp_path / "other").mkdir(mode=0o700)
        os.chown(tmp_path / "other", 12345, 12345)
        assert not kernel_cache._is_private(tmp_path / "other")
