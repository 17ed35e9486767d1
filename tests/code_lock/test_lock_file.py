"""code.lock: written by a stage, a parameter of all others, and checked by each that DVC runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from linreg.code_lock.lock_file import (
    code_files,
    code_hash,
    current_code,
    differences,
    libraries_in,
    read_code_lock,
    require_current,
    write_code_lock,
)
from linreg.errors import UserError
from linreg.plain_yaml import read_yaml

ROOT = Path(__file__).parents[2]
DVC_YAML = """\
stages:
  shell: {cmd: echo hello}
  clean: {cmd: python -m stages.clean}
  file: {cmd: "VARIABLE=1 python3 -W ignore scripts/own.py --fast"}
  listed: {cmd: [echo hello, python -u scripts/own.py]}
  each:
    foreach: [1, 2]
    do: {cmd: "python stages/clean.py ${item}"}
  elsewhere: {cmd: python -m json.tool}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("stages/clean.py", "scripts/own.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("import numpy\n")
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_stage_that_runs_a_script_of_the_project_has_an_entry(project: Path) -> None:
    assert list(current_code()) == ["clean", "file", "listed", "each"]


def test_what_is_written_is_read_and_not_written_again(project: Path) -> None:
    codes = current_code()
    write_code_lock(codes)
    before = (project / "code.lock").stat()
    write_code_lock(codes)
    assert (project / "code.lock").stat() == before
    assert read_code_lock() == codes
    # As DVC reads it.
    assert read_yaml((project / "code.lock").read_text(), "code.lock") == codes


def test_a_python_file_that_a_stage_declares_counts_like_its_script(project: Path) -> None:
    (project / "dvc.yaml").write_text(
        "stages: {clean: {cmd: python -m stages.clean, deps: [own.py, table.csv, absent.py]}}\n"
    )
    (project / "own.py").write_text("import numpy, below, pandas\n")
    (project / "below.py").write_text("")
    before = current_code()["clean"]
    assert any(each.startswith("pandas==") for each in before)
    (project / "below.py").write_text("x = 1\n")
    assert differences(before, current_code()["clean"]) == ["the code of the project"]


@pytest.mark.parametrize(
    "stage",
    [
        "{cmd: python -m linreg lock; python stages/clean.py && python3 'own scripts/last.py'}",
        "{cmd: [python -m stages.clean, python -W error 'own scripts/last.py']}",
        "{cmd: python ../stages/clean.py; python last.py, wdir: own scripts}",
        "{cmd: python ../stages/clean.py, deps: [last.py], wdir: own scripts}",
    ],
)
def test_every_script_of_a_command_counts_in_the_folder_where_it_runs(
    project: Path, stage: str
) -> None:
    (project / "dvc.yaml").write_text(f"stages: {{last: {stage}}}\n")
    for changed in ("own scripts/last.py", "stages/clean.py"):
        (project / "own scripts").mkdir(exist_ok=True)
        (project / "own scripts/last.py").write_text("")
        before = current_code()["last"]
        with (project / changed).open("a") as file:
            file.write("x = 1\n")
        assert differences(before, current_code()["last"]) == ["the code of the project"]


def test_a_pipeline_without_stages_has_no_code(project: Path) -> None:
    (project / "dvc.yaml").write_text("vars: [params.yaml]\n")
    assert current_code() == {}


def test_a_workbook_brings_the_library_that_reads_it(project: Path) -> None:
    (project / "stages/clean.py").write_text("import python_calamine, numpy\n")
    for source, is_needed in (("t.csv", False), ("t.xlsx", True), ("T.XLS", True)):
        (project / "params.yaml").write_text(f"ingest: {{source: {source}}}\n")
        libraries = libraries_in(current_code())
        assert any(each.startswith("python-calamine==") for each in libraries) == is_needed


def test_differences_are_named() -> None:
    before = ["project a", "linreg b", "numpy==1.0", "torch==2.0"]
    now = ["project c", "linreg b", "numpy==1.1", "tqdm==4.0"]
    assert differences(before, before) == []
    assert differences(before, now) == [
        "the code of the project",
        "numpy 1.0 → 1.1",
        "torch 2.0 → absent",
        "tqdm absent → 4.0",
    ]


def test_the_hash_of_the_code_does_not_depend_on_libraries() -> None:
    codes = {"a": ["project 1", "linreg 2", "numpy==1.0"]}
    assert code_hash(codes) == code_hash({"a": ["project 1", "linreg 2", "numpy==2.0"]})
    assert code_hash(codes) != code_hash({"a": ["project 1", "linreg 3", "numpy==1.0"]})


def test_a_stage_refuses_code_that_is_not_in_the_lock(project: Path) -> None:
    script = project / "stages/clean.py"
    require_current("clean")
    write_code_lock(current_code())
    require_current("clean")
    require_current("unknown")
    script.write_text("import numpy, own\n")
    (project / "own.py").write_text("")
    message = r"code\.lock: clean: does not match what this stage runs; .*code of the project"
    with pytest.raises(UserError, match=message):
        require_current("clean")


@pytest.mark.parametrize("text", ["[]\n", "clean: 1\n", "", "clean: [\n"])
def test_a_damaged_lock_is_one_line(project: Path, text: str) -> None:
    (project / "code.lock").write_text(text)
    with pytest.raises(UserError, match=r"code\.lock"):
        read_code_lock()


def test_the_committed_lock_is_that_of_this_code() -> None:
    written = read_code_lock(ROOT)
    found = current_code(ROOT)
    assert {name: differences(written[name], found[name]) for name in found} == {
        name: [] for name in found
    }, "run `dvc repro` and commit code.lock and dvc.lock"


def test_dvc_lock_records_the_entries_that_are_in_code_lock() -> None:
    text = (ROOT / "dvc.lock").read_text(encoding="utf-8")
    stages = read_yaml(text, "dvc.lock")["stages"]
    recorded = {
        name: stage["params"]["code.lock"][name]
        for name, stage in stages.items()
        if "code.lock" in stage.get("params", {})
    }
    entries = read_code_lock(ROOT)
    assert recorded == {name: entries[name] for name in recorded}
    assert len(recorded) == 5


@pytest.mark.slow
def test_the_command_says_which_stages_run_again(project: Path) -> None:
    def lock() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "linreg", "lock"],
            cwd=project,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert lock() == ""
    entries = "".join(f"        - {each}\n" for each in read_code_lock()["clean"])
    entries = re.sub(r"numpy==.*", "numpy==1.0", entries)
    (project / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  clean:\n    cmd: x\n    params:\n      code.lock:\n"
        f"        clean:\n{entries}"
    )
    assert re.fullmatch(r"lock: clean runs again: numpy 1\.0 → \S+ changed\n", lock())


def test_the_files_of_an_entry_are_those_that_its_scripts_reach(project: Path) -> None:
    (project / "scripts/own.py").write_text("def run():\n    import below\n")
    (project / "scripts/below.py").write_text("import numpy\n")
    assert code_files(project, ["clean"]) == {"stages/clean.py"}
    assert code_files(project, ["file", "shell"]) == {"scripts/own.py", "scripts/below.py"}


@pytest.mark.slow
def test_what_a_stage_imports_is_among_the_files_of_its_entry() -> None:
    program = (
        "import json, sys; import stages.train; "
        "print(json.dumps([m.__file__ for m in sys.modules.values() if getattr(m, '__file__', 0)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = {Path(each) for each in json.loads(done.stdout)}
    folders = [ROOT / name for name in ("linreg", "stages")]
    ours = {
        each.relative_to(ROOT).as_posix()
        for each in imported
        if any(folder in each.parents for folder in folders)
    }
    assert len(ours) > 50
    assert ours <= code_files(ROOT, ["train"])
    assert not any("linreg/verify/" in each for each in code_files(ROOT, ["train"]))
