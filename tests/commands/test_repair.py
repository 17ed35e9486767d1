"""`linreg repair` removes what DVC would refuse, and nothing else."""

import fcntl
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.forked import Outcome, run_command
from tests.project import ROOT, Project, copy_of_the_project

WHOLE = (ROOT / "dvc.lock").read_bytes()


@pytest.fixture
def repair(tmp_path: Path) -> Callable[[bytes], Outcome]:
    """Runs the command in a project with that dvc.lock."""
    folder = tmp_path / "project"
    (folder / ".dvc").mkdir(parents=True)

    def repair(lock: bytes) -> Outcome:
        (folder / "dvc.lock").write_bytes(lock)
        return run_command(["repair"], folder)

    return repair


def test_a_complete_lock_is_kept(repair: Callable[[bytes], Outcome]) -> None:
    done = repair(WHOLE)
    assert (done.code, done.stdout, done.stderr) == (
        1,
        "",
        "nothing to repair: DVC's own files are complete\n",
    )


@pytest.mark.slow
def test_each_truncated_lock_is_kept_under_another_name(
    repair: Callable[[bytes], Outcome], tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    cuts = (WHOLE[:8192], b"", WHOLE[:100])
    for cut, name in zip(cuts, ("cut-off", "cut-off-2", "cut-off-3"), strict=True):
        done = repair(cut)
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout.startswith(
            "dvc.lock: removed, as it is incomplete since DVC was killed; what there is of it is"
            f" in dvc.lock.{name}\n"
        )
        assert not (folder / "dvc.lock").exists()
        assert (folder / f"dvc.lock.{name}").read_bytes() == cut


def test_what_is_not_truncated_is_named_and_left(
    repair: Callable[[bytes], Outcome], tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    conflict = WHOLE + b"<<<<<<< HEAD\n=======\n>>>>>>> other\n"
    table = folder / "data/own/t.csv.dvc"
    table.parent.mkdir(parents=True)
    table.write_text("outs:\n- md5: 1a\n  path")
    (folder / "other").mkdir()
    (folder / "other/dvc.yaml").write_text("stages: [\n")
    (folder / "other/dvc.lock").write_text("schema: '3.0'\n")
    done = repair(conflict)
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "dvc.lock: has the markers of a merge conflict; resolve the conflict",
        "data/own/t.csv.dvc: is no YAML: could not find expected ':'; restore it from git:"
        " `git restore data/own/t.csv.dvc`, or run `dvc add data/own/t.csv` again",
        "other/dvc.lock: schema: invalid schema version; restore it from git"
        " (`git restore other/dvc.lock`), or delete it: `dvc repro` makes it anew",
        "other/dvc.yaml: is no YAML: expected the node content, but found '<stream end>'; restore"
        " it from git: `git restore other/dvc.yaml`",
    ]
    assert (folder / "dvc.lock").read_bytes() == conflict
    assert not list(folder.rglob("*.cut-off"))


@pytest.mark.slow
@pytest.mark.parametrize("file", ["params.yaml", "dvc.yaml", "dvc.lock"])
def test_outside_of_dvc_nothing_is_created(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(WHOLE if file == "dvc.lock" else b"")
    assert run_command(["repair"], tmp_path).code == 1
    assert [each.name for each in tmp_path.iterdir()] == [file]


def test_in_a_subfolder_of_the_repository_the_files_of_all_of_it_are_repaired(
    tmp_path: Path,
) -> None:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / ".dvc/tmp/rwlock").touch()
    project = tmp_path / "models/linear"
    project.mkdir(parents=True)
    (project / "dvc.yaml").write_text("stages: {}\n")
    (project / "dvc.lock").write_bytes(WHOLE[:8192])
    done = run_command(["repair"], project)
    assert done.code == 0, done
    assert not (project / "dvc.lock").exists()
    assert not (tmp_path / ".dvc/tmp/rwlock").exists()
    assert not (project / ".dvc").exists()


@pytest.mark.slow
def test_a_truncated_rwlock_is_removed(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    path = tmp_path / ".dvc/tmp/rwlock"
    path.parent.mkdir(parents=True)
    whole = json.dumps({"read": {"data": [{"pid": 1, "cmd": "dvc repro"}]}, "write": {}})
    for text in (whole, "{}", '{"read": {}}'):
        path.write_text(text)
        assert run_command(["repair"], tmp_path).code == 1
        assert path.read_text() == text
    for text in ("", whole[:10], whole[:-1], "[]"):
        path.write_text(text)
        assert run_command(["repair"], tmp_path).code == 0
        assert not path.exists()


def test_nothing_is_removed_while_dvc_is_running(tmp_path: Path) -> None:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / "dvc.lock").touch()
    with (tmp_path / ".dvc/tmp/lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run_command(["repair"], tmp_path)
    assert done.code == 2
    assert (
        done.refusal
        == ".dvc/tmp/lock: DVC is running in this folder; wait for it to end, then try again"
    )
    assert (tmp_path / "dvc.lock").exists()


@pytest.mark.very_slow
def test_after_a_repair_dvc_restores_all_outputs_without_running_a_stage(tmp_path: Path) -> None:
    project: Project = copy_of_the_project(tmp_path, sends=False)
    project.set_params(rows=500, epochs=2)
    project.run("dvc", "repro")
    expected = (tmp_path / "dvc.lock").read_text()
    (tmp_path / "dvc.lock").write_text("")
    (tmp_path / ".dvc/tmp/rwlock").write_text("")
    cut_off = list(entries_of_runs_cut_off(tmp_path))
    assert len(cut_off) == 10
    assert project.run("dvc", "repro", check=False).returncode != 0
    assert len(project.run("linreg", "repair").stdout.splitlines()) == 13
    assert not any(path.exists() for path in cut_off)
    assert re.findall(r"Running stage '(.*)'", project.run("dvc", "repro").stdout) == ["lock"]
    assert (tmp_path / "dvc.lock").read_text() == expected


def entries_of_runs_cut_off(project: Path) -> Iterator[Path]:
    """Leave in DVC's run cache, for each entry, one that is cut off and an empty folder."""
    for number, entry in enumerate(sorted((project / ".dvc/cache/runs").glob("*/*/*"))):
        cut = entry.with_name(".cut.tmp")
        cut.write_text(entry.read_text().partition("outs:")[0])
        yield cut
        # Two stages may share the folder, which has the first two digits of their hashes.
        empty = entry.parents[1] / f"{number:064}"
        empty.mkdir()
        yield empty
