"""linreg verify --declared-only: what is printed, exit codes, added lines, and without strace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from linreg.verify.hidden_inputs.trace import why_not_traced
from tests.verify.hidden_inputs.conftest import Plant
from tests.verify.hidden_inputs.planted import CLEAN, PLANTED, Planted

STAGES = {
    "parameter": PLANTED["parameter"],
    "computed_path": PLANTED["computed_path"],
    "declares_all": CLEAN["declares_all"],
    "opens_nothing": Planted("value = 1", deps=("in/unused.txt",), files={"in/unused.txt": ""}),
}
ADDED = """\
parameter: HIDDEN INPUTS
  params.yaml: train.lr: the outputs are others without it
  add to dvc.yaml, stage parameter:
    params:
      - train.lr
"""


def verify(*options: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path} if path else None
    command = [sys.executable, "-m", "linreg", "verify", "--declared-only", *options]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", env=environment, check=False
    )


@pytest.mark.very_slow
def test_a_stage_is_complete_with_the_lines_that_were_named(plant_stages: Plant) -> None:
    if why_not_traced():
        pytest.skip(why_not_traced())
    repository = plant_stages(STAGES)
    done = verify()
    assert done.returncode == 1, done.stdout + done.stderr
    assert ADDED in done.stdout
    assert "declares_all: reads only what it declares\n" in done.stdout
    unused = "  note: in/unused.txt is declared and was never opened\n"
    assert f"opens_nothing: reads only what it declares\n{unused}" in done.stdout
    assert "\nhidden inputs: 2 in 4 stages\n" in done.stdout

    document = YAML(typ="safe").load(repository / "dvc.yaml")
    stages = json.loads(verify("--json").stdout)["hidden_inputs"]["stages"]
    for each in stages:
        added = YAML(typ="safe").load("\n".join(each["add"])) or {}
        for key, entries in added.items():
            document["stages"][each["stage"]].setdefault(key, []).extend(entries)
    with (repository / "dvc.yaml").open("w") as file:
        YAML().dump(document, file)
    for command in ("dvc repro -q", "git add -A", "git commit -qm Declared"):
        subprocess.run(command.split(), check=True)
    done = verify()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nhidden inputs: none in 4 stages\n" in done.stdout


@pytest.mark.very_slow
def test_without_strace_what_outputs_depend_on_is_found_by_leaving_it_out(
    plant_stages: Plant, tmp_path: Path
) -> None:
    plant_stages({**STAGES, "commit_in_git": PLANTED["commit_in_git"]})
    for folder in os.environ["PATH"].split(os.pathsep):
        for program in Path(folder).glob("*"):
            if program.name != "strace" and not (tmp_path / program.name).exists():
                (tmp_path / program.name).symlink_to(program)
    done = verify(path=str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert ADDED in done.stdout
    for name in ("in/dat.csv", ".git"):
        assert f"  {name}: the outputs are others without it" in done.stdout
    assert "\nnot traced: strace is not installed" in done.stdout
    assert "\nhidden inputs: 3 in 5 stages\n" in done.stdout
