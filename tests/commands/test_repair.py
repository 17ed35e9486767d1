"""`linreg repair` removes what DVC would refuse, and nothing else."""

import fcntl
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from tests.faults.forked import Outcome, run_command
from tests.project import ROOT, Project, copy_of_the_project

WHOLE = (ROOT / "dvc.lock").read_bytes()


@pytest.fixture
def repair(tmp_path: Path) -> Callable[[bytes], Outcome]:
    """Runs the command in a folder with that dvc.lock."""
    folder = tmp_path / "project"
    folder.mkdir()

    def repair(lock: bytes) -> Outcome:
        (folder / "dvc.lock").write_bytes(lock)
        done = run_command(["repair"], folder)
        assert (folder / "dvc.lock").exists() == (done.code == 1), done
        return done

    return repair


def is_read_by_dvc(text: str) -> bool:
    """Ask DVC's own check, and that for what it then looks for in vain."""
    try:
        stages = (
            COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text) or {}).get("stages", {}).values()
        )
    except (YAMLError, Invalid):
        return False
    files = [file for stage in stages for kind in ("deps", "outs") for file in stage.get(kind, [])]
    return all(len(file.get("md5", "")) in (32, 36) for file in files)


@pytest.mark.slow
def test_a_truncated_lock_is_removed_unless_dvc_can_read_it(
    repair: Callable[[bytes], Outcome],
) -> None:
    cuts = (
        {0, 8192} | set(range(0, len(WHOLE), 97)) | {len(line) for line in WHOLE.splitlines()[:10]}
    )
    ends_of_lines = [end + 1 for end, byte in enumerate(WHOLE) if byte == ord("\n")]
    removed = 0
    for cut in sorted(cuts | set(ends_of_lines[:60])):
        if repair(WHOLE[:cut]).code == 0:
            removed += 1
        else:
            assert is_read_by_dvc(WHOLE[:cut].decode()), cut
    assert removed > 100


def test_a_complete_lock_is_kept(repair: Callable[[bytes], Outcome]) -> None:
    done = repair(WHOLE)
    assert (done.code, done.stdout, done.stderr) == (
        1,
        "",
        "nothing to repair: DVC's own files are complete\n",
    )


def test_a_truncated_rwlock_is_removed(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").touch()
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


@pytest.mark.slow
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
    assert "Running stage" not in project.run("dvc", "repro").stdout
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
