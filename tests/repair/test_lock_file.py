"""What of a dvc.lock is only cut off, what DVC reads, and what is for a person to say."""

from pathlib import Path
from textwrap import dedent

import pytest
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from linreg.dvc_lock import read_lock
from linreg.repair.damage import Damage
from linreg.repair.lock_file import lock_damage

MD5 = "1a" * 16
WHOLE = f"""\
schema: '2.0'
stages:
  fetch:
    cmd: curl -O http://localhost/x.csv
    deps:
    - path: http://localhost/x.csv
      hash: md5
      checksum: '"abc"'
      size: 4
    - path: s3://bucket/y.csv
      etag: abc
      size: 5
      version_id: x
    outs:
    - path: data/x.csv
      hash: md5
      md5: {MD5}
      size: 4
      isexec: true
  train:
    cmd:
    - python -m stages.train
    - "echo 'a text
      of two lines'"
    deps:
    - path: data/x.csv
      md5: {MD5}
      size: 4
    params:
      params.yaml:
        train.lr: 0.01
        train.schedule:
    outs:
    - path: models/model
      hash: md5
      md5: {MD5}.dir
      size: 12345
      nfiles: 2
"""


def damage(tmp_path: Path, content: str | bytes) -> Damage | None:
    path = tmp_path / "dvc.lock"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return lock_damage(path)


def is_read_by_dvc(text: str) -> bool:
    """Ask DVC's own check, and that for what it then looks for in vain."""
    try:
        stages = COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text)).get("stages", {}).values()
    except (YAMLError, Invalid):
        return False
    files = [file for stage in stages for kind in ("deps", "outs") for file in stage.get(kind, [])]
    return all(
        len(file.get("md5", MD5)) in (32, 36) and file.keys() - {"path", "hash"} for file in files
    )


@pytest.mark.slow
def test_wherever_a_lock_is_cut_off_it_is_truncated_unless_dvc_reads_it(tmp_path: Path) -> None:
    """One that DVC reads, but whose last line has no end, is for a person to look at."""
    truncated = 0
    for cut in range(len(WHOLE)):
        text = WHOLE[:cut]
        found = damage(tmp_path, text)
        if found and found.is_truncated:
            truncated += 1
        else:
            assert is_read_by_dvc(text), text
            assert (found is None) == text.endswith("\n"), text
    assert truncated > len(WHOLE) / 2


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "schema: '2.0'\n",
        WHOLE + "datasets:\n- name: x\n  url: dvc://x\n",
        WHOLE.replace("      nfiles: 2\n", ""),
    ],
)
def test_what_dvc_reads_is_whole_and_read_by_the_other_commands(tmp_path: Path, text: str) -> None:
    assert damage(tmp_path, text) is None
    read_lock(tmp_path / "dvc.lock")


@pytest.mark.parametrize("end", [b"\0", b"\0" * 4096])
def test_bytes_of_zero_are_what_a_power_failure_leaves(tmp_path: Path, end: bytes) -> None:
    for beginning in (b"", WHOLE.encode(), WHOLE.encode()[:500]):
        found = damage(tmp_path, beginning + end)
        assert found
        assert found.is_truncated


CONFLICT = dedent("""\
    <<<<<<< HEAD
          size: 12345
    =======
          size: 12346
    >>>>>>> other
    """)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (WHOLE.replace("      size: 12345\n", CONFLICT), "has the markers of a merge conflict"),
        (WHOLE + CONFLICT, "has the markers of a merge conflict"),
        (WHOLE.replace("'2.0'", "'3.0'"), "schema: invalid schema version"),
        ("schema: '3.0'\n", "schema: invalid schema version"),
        ("train:\n  cmd: a\n", "train: extra keys not allowed"),
        ("stages:\n  train:\n    cmd: a\n", "schema: required key not provided"),
        ("- a\n- b\n", "is no mapping"),
        (WHOLE + "      unknown: 1\n", "outs.0.unknown: extra keys not allowed"),
        (WHOLE + "unknown: 1\n", "unknown: extra keys not allowed"),
        (WHOLE.replace(f"      md5: {MD5}.dir\n", ""), "train.outs.0: has no hash"),
        (WHOLE.replace(f"{MD5}\n", f"{MD5[:-1]}\n"), "fetch.outs.0: has an MD5 that is not one"),
        (
            WHOLE.replace("    deps:\n    - path: data", "    deps: [\n    - path: data"),
            "is no YAML",
        ),
        (WHOLE + "    x: [1\n", "is no YAML"),
        (WHOLE.replace("    cmd: curl", "    command: curl"), "stages.fetch"),
    ],
)
def test_anything_else_is_not_truncated(tmp_path: Path, text: str, what: str) -> None:
    found = damage(tmp_path, text)
    assert found
    assert what in found.what
    assert not found.is_truncated, found
    assert found.todo


def test_bytes_that_are_no_text_are_truncated_only_within_a_character_at_the_end(
    tmp_path: Path,
) -> None:
    text = WHOLE.replace("models/model", "models/θ").encode()
    cut = damage(tmp_path, text[: text.index("θ".encode()) + 1])
    assert cut
    assert cut.is_truncated
    latin = damage(tmp_path, WHOLE.replace("models/model", "models/ä").encode("latin-1"))
    assert latin
    assert not latin.is_truncated
