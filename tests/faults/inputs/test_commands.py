"""`linreg use` and `linreg predict` on broken and odd tables: a result, or one line and nothing
written.
"""

from pathlib import Path
from random import Random

import pandas as pd
import pytest

from tests.faults.forked import run_command, run_stage
from tests.faults.inputs import csv_cells, csv_layout, parquet_files
from tests.faults.inputs.case import MEGABYTES, SECONDS

pytestmark = pytest.mark.slow

KINDS = {
    **{f"csv-{name}": kind for name, kind in {**csv_cells.KINDS, **csv_layout.KINDS}.items()},
    **{f"parquet-{name}": kind for name, kind in parquet_files.KINDS.items()},
}
SLOW = {"csv-wide", "csv-huge_field", "parquet-many_columns"}
THETA, B = 2.5, -1.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the model y = −1 + 2.5·x, fitted exactly."""
    folder = tmp_path_factory.mktemp("fit")
    (folder / "table").write_text("y,x\n" + "".join(f"{B + THETA * x},{x}\n" for x in range(30)))
    split = "split: {train: 1, validation: 0, test: 0}\n"
    (folder / "params.yaml").write_text(
        "ingest: {source: table}\nmodel: {formula: y ~ x}\n" + split + "train: {solver: exact}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINREG_SYNC", "later")
        for stage in ("ingest", "split", "train"):
            assert run_stage(stage, folder).code == 0
    return folder / "models/model"


@pytest.mark.very_slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SLOW])
def test_use_and_predict_end_in_a_result_or_in_one_line(
    kind: str, model: Path, tmp_path: Path
) -> None:
    for seed in range(3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        case = KINDS[kind](Random(f"{kind.partition('-')[2]} {seed}"))
        case.write(folder)
        before = (folder / "params.yaml").read_bytes()
        for arguments in (
            ["use", "table"],
            ["use", "table", "--target", "y"],
            ["predict", str(model), "table", "predictions.csv", "--keep", "x"],
            ["predict", str(model), "table", "predictions.parquet", "--interval", "0.9"],
        ):
            outcome = run_command(arguments, folder, timeout=SECONDS)
            assert not outcome.timed_out
            assert outcome.megabytes < MEGABYTES
            if outcome.code == 0:
                assert outcome.stderr == ""
            else:
                assert outcome.code == 2, (seed, arguments, outcome.stderr)
                assert outcome.refusal is not None, (seed, arguments, outcome.stderr)
                assert (folder / "params.yaml").read_bytes() == before
                assert not list(folder.glob("*predictions*"))
            if (
                outcome.code == 0
                and arguments[-2] == "--keep"
                and case.table
                and not case.refused
                and "missing" not in kind
            ):
                expected = [B + THETA * float(x) for x in case.table["x"]]
                found = pd.read_csv(folder / "predictions.csv")["prediction"].tolist()
                assert len(found) == len(expected)
                assert all(
                    one == pytest.approx(other, rel=1e-12, abs=1e-12) or one != one
                    for one, other in zip(found, expected, strict=True)
                )
            for file in folder.glob("predictions*"):
                file.unlink()
            (folder / "params.yaml").write_bytes(before)
