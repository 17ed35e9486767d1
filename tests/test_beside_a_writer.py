"""What another process replaces is read as it was or as it is, and never taken for damaged."""

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.dvc_lock import read_lock
from linreg.files import MissingOutputError, new_folder, read_document, write_document
from linreg.fit.model import LinearModel, load
from tests.project import ROOT

SECONDS = 3.0


@contextmanager
def writer(program: str, folder: Path) -> Iterator[None]:
    """Run a program that says when it begins to write, and writes until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"writing\n"
            yield
            assert process.poll() is None, "the writer has failed"
        finally:
            process.kill()


def read_for_a_while(read: Callable[[], object]) -> set[object]:
    """Return the different values that were read, all of them without an error."""
    found = set()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found.add(read())
    return found


@pytest.mark.slow
def test_a_document_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "sent.json"
    write_document(path, {"offset": -1})
    program = """
        from pathlib import Path
        from linreg.files import document_text
        print("writing", flush=True)
        for number in range(10**9):
            # As write_document does, but without waiting for the disk.
            Path("new").write_text(document_text({"offset": number, "more": "x" * (number % 5000)}))
            Path("new").replace("sent.json")
    """
    with writer(program, tmp_path):
        found = read_for_a_while(lambda: read_document(path)["offset"])
    assert len(found) > 100


@pytest.mark.slow
def test_a_model_is_read_from_one_folder(tmp_path: Path, learn: Callable[..., Design]) -> None:
    rows = pa.table({"x": np.arange(3.0), "y": np.arange(3.0)})
    design = learn("y ~ x", rows)
    folder = tmp_path / "model"
    with new_folder(folder) as partial:
        LinearModel(design, np.array([1.0]), -1.0, {}).save(partial)
    program = """
        import dataclasses, shutil
        from pathlib import Path
        from linreg.fit.model import load
        model = load("model")
        print("writing", flush=True)
        for number in range(10**9):
            # As new_folder does, but without waiting for the disk.
            Path("new").mkdir()
            dataclasses.replace(model, b=float(number)).save(Path("new"))
            Path("model").rename("old")
            Path("new").rename("model")
            shutil.rmtree("old")
    """

    def read() -> float | None:
        try:
            return load(folder).b
        except MissingOutputError:
            # True at that moment: no folder can take the place of another in one step.
            return None

    with writer(program, tmp_path):
        found = read_for_a_while(read)
    assert len(found) > 20


@pytest.mark.slow
def test_a_lock_that_dvc_is_writing_is_not_damaged(tmp_path: Path) -> None:
    lock = tmp_path / "dvc.lock"
    lock.write_bytes((ROOT / "dvc.lock").read_bytes())
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    program = """
        from pathlib import Path
        from dvc.lock import Lock
        from dvc.utils.serialize import dump_yaml, load_yaml
        document = load_yaml("dvc.lock")
        print("writing", flush=True)
        while True:
            with Lock(".dvc/tmp/lock"):
                dump_yaml("dvc.lock", document)
    """
    with writer(program, tmp_path):
        found = read_for_a_while(lambda: len(read_lock(lock).stages))
    assert found == {len(read_lock(ROOT / "dvc.lock").stages)}
