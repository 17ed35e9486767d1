"""What the default pipeline computes, number by number: a change must be meant, and be seen in the
diff.
"""

import json
import sys
from pathlib import Path

import pytest

from tests.expected.accept import EXPECTED, HOW, changes, computed, expected
from tests.project import ROOT, Project


@pytest.mark.slow
def test_losses_theta_and_b_are_the_expected_ones_bit_for_bit(reproduced: Project) -> None:
    lines = changes(expected(), computed(reproduced.folder / "models"))
    accept = f"if this is meant: `dvc repro`, `{HOW}`, and a line in CHANGELOG.md"
    assert not lines, "\n".join(["the default pipeline computes other values:", *lines, accept])


def test_changes_show_old_and_new_value_in_hex_and_decimal() -> None:
    old = {"epoch 1": {"b": (4.25).hex()}, "model": {"b": (1.0).hex()}}
    new = {
        "epoch 1": {"b": (4.250000476837158).hex()},
        "epoch 2": {"b": (0.5).hex()},
        "model": {"b": (1.0).hex()},
    }
    assert changes(old, new) == [
        "epoch 1: b: 0x1.1000000000000p+2 (4.25) became 0x1.1000020000000p+2 (4.250000476837158)",
        "epoch 2: b: nothing became 0x1.0000000000000p-1 (0.5)",
    ]
    assert changes(new, new) == []


@pytest.fixture
def own_copy(reproduced: Project) -> Path:
    """The script in the reproduced project, which it may write to, with expected values that are
    out of date.
    """
    copy = reproduced.folder / "tests" / "expected" / EXPECTED.name
    values = json.loads(copy.read_text())
    values["model"]["b"] = (0.0).hex()
    copy.write_text(json.dumps(values))
    return copy


@pytest.mark.slow
def test_accept_prints_the_changes_and_writes_the_file(reproduced: Project, own_copy: Path) -> None:
    out = reproduced.run(sys.executable, "tests/expected/accept.py").stdout
    (line,) = out.splitlines()
    assert line.startswith("model: b: 0x0.0p+0 (0.0) became 0x1.")
    assert own_copy.read_text() == (ROOT / "tests" / "expected" / EXPECTED.name).read_text()
    assert reproduced.run(sys.executable, "tests/expected/accept.py").stdout == "nothing changes\n"


def test_accept_without_models_is_one_line(reproduced: Project, tmp_path: Path) -> None:
    script = str(reproduced.folder / "tests" / "expected" / "accept.py")
    done = Project(tmp_path).run(sys.executable, script, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "there is no such file" in done.stderr
