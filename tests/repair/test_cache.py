"""DVC's cache as DVC itself has written it, and then damaged."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linreg.repair.cache import damaged_objects, unfinished_runs
from linreg.repair.project_files import damaged_files, recorded_sizes

STAGES = """\
stages:
  copy:
    cmd: cp -r folder copied && cp table.csv copy.csv
    deps: [folder, table.csv]
    outs: [copied, copy.csv]
"""


def dvc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a").write_text("a\n" * 9)
    (tmp_path / "folder/b").write_text("")
    (tmp_path / "table.csv").write_text("x\n1\n")
    (tmp_path / "dvc.yaml").write_text(STAGES)
    assert dvc(tmp_path, "init", "--no-scm").returncode == 0
    assert dvc(tmp_path, "add", "folder", "table.csv").returncode == 0
    assert dvc(tmp_path, "repro").returncode == 0
    return tmp_path


def objects(project: Path, pattern: str = "*") -> list[Path]:
    return sorted((project / ".dvc/cache/files/md5").glob(f"*/{pattern}"))


@pytest.mark.slow
def test_what_dvc_has_written_is_whole_and_every_cut_of_it_is_found(project: Path) -> None:
    sizes = recorded_sizes(project)
    assert len(sizes) == 2
    assert not list(damaged_files(project))
    assert not list(damaged_objects(project, sizes))
    assert not list(unfinished_runs(project))
    for path in objects(project):
        content = path.read_bytes()
        path.chmod(0o644)
        for cut in {0, len(content) // 2} - {len(content)}:
            path.write_bytes(content[:cut])
            assert [each.path for each in damaged_objects(project, sizes)] == [path]
        path.write_bytes(content)
    for path in project.glob("?*.dvc"):
        content = path.read_bytes()
        for cut in range(len(content) - 1):
            path.write_bytes(content[:cut])
            found = list(damaged_files(project))
            # Without its last lines it is one that DVC reads.
            assert found or b"path: " in content[:cut], content[:cut]
            assert not any(each.is_truncated for each in found)
        path.write_bytes(content)


@pytest.mark.slow
def test_a_run_that_is_cut_off_is_found(project: Path) -> None:
    [entry] = (project / ".dvc/cache/runs").glob("*/*/*")
    content = entry.read_text()
    ends = (content.index("outs:\n"), content.rindex("  hash: md5"), content.rindex("  md5: "))
    for end in ends:
        entry.write_text(content[:end])
        (project / "dvc.lock").unlink(missing_ok=True)
        shutil.rmtree(project / "copied", ignore_errors=True)
        (project / "copy.csv").unlink(missing_ok=True)
        # Where the end of the last output is missing it only finds none that it can use.
        assert dvc(project, "repro").returncode != 0 or end != ends[0]
        assert list(unfinished_runs(project)) == [entry]


@pytest.mark.slow
def test_what_is_said_about_a_damaged_object_helps(project: Path) -> None:
    """DVC takes an object that is there for whole, and would check it out as it is."""
    size = (project / "copy.csv").stat().st_size
    (project / "copy.csv").unlink()
    path = next(each for each in objects(project) if each.stat().st_size == size)
    path.chmod(0o644)
    path.write_bytes(b"x\n")
    [damage] = damaged_objects(project, recorded_sizes(project))
    assert damage.todo.startswith("delete it; ")
    damage.path.unlink()
    assert dvc(project, "repro").returncode == 0
    assert (project / "copy.csv").read_text() == "x\n1\n"
