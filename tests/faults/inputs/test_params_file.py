"""params.yaml broken in every way: one line with exit code 2, soon and in little memory, and
nothing executed.
"""

import json
from pathlib import Path

import pandas as pd  # noqa: F401 - imported once here and not in every process
import pytest

from linreg.params.params import Params
from tests.faults.forked import Outcome, run_stage
from tests.faults.inputs.params_texts import MARKER, RIGHT, TEXTS, of_every_key

pytestmark = pytest.mark.slow

SECONDS, MEGABYTES = 10.0, 100.0
TABLE = "y,x,x1,x2,w\n1,2,3,4,1\n2,4,5,7,2\n3,5,5,6,1\n"


def ingested(folder: Path, text: str | bytes) -> Outcome:
    """Run ingest with a params.yaml in a folder whose tables every sensible parameter finds."""
    (folder / "data/raw").mkdir(parents=True, exist_ok=True)
    (folder / "table").write_text(TABLE)
    (folder / "data/raw/generated.parquet").write_text(TABLE)
    (folder / "params.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    outcome = run_stage("ingest", folder, timeout=SECONDS)
    assert not outcome.timed_out
    assert outcome.megabytes < MEGABYTES
    assert not list(folder.rglob(MARKER)), "it was executed"
    return outcome


@pytest.mark.very_slow
@pytest.mark.parametrize("name", TEXTS)
def test_a_broken_file_is_one_line(name: str, tmp_path: Path) -> None:
    text, line = TEXTS[name]
    outcome = ingested(tmp_path, text)
    if line == RIGHT:
        assert (outcome.code, outcome.stderr) == (0, "")
        return
    assert outcome.code == 2, outcome.stderr
    assert outcome.refusal is not None, outcome.stderr
    assert outcome.refusal.startswith(line)


@pytest.mark.very_slow
def test_a_value_of_any_type_under_any_key_is_taken_or_refused_by_its_name(tmp_path: Path) -> None:
    defaults = Params().model_dump(mode="json") | {"evaluate": {"confidence": 0.95, "gates": {}}}
    for section, key, value in of_every_key(defaults):
        outcome = ingested(tmp_path, json.dumps({section: {key: value}}))
        if outcome.code == 0:
            assert outcome.stderr == "", (section, key, value)
            continue
        assert outcome.refusal is not None, (section, key, value, outcome.stderr)
        assert outcome.code == 2
        if section not in (
            "ingest",
            "model",
        ):  # whose values may be refused for what the table holds
            assert outcome.refusal.startswith("params.yaml: "), (
                section,
                key,
                value,
                outcome.refusal,
            )
            assert section in outcome.refusal or key in outcome.refusal, (
                section,
                key,
                value,
                outcome.refusal,
            )
