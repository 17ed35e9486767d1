"""Where a table lies, and whether clones will have it."""

from pathlib import Path

import pytest

from linreg.setup.options import UseOptions
from linreg.setup.table_location import tracking_advice

LOCK = """\
schema: '2.0'
stages:
  features:
    cmd: python -m stages.features
    outs:
    - path: data/features
      md5: 0123456789abcdef0123456789abcdef.dir
      size: 1
      nfiles: 1
"""


@pytest.mark.parametrize(("table", "is_tracked"), [("features", True), ("own", False)])
def test_what_a_stage_has_written_needs_no_commit_though_others_have_yet_to_run(
    table: str, is_tracked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / "dvc.yaml").write_text("stages: {features: {cmd: a}, train: {cmd: a}}\n")
    path = tmp_path / "data" / table / "t.csv"
    path.parent.mkdir(parents=True)
    path.write_text("x,y\n1,2\n")
    message, command = tracking_advice(path.relative_to(tmp_path), UseOptions(path))
    assert (message == "" and command == "") == is_tracked
