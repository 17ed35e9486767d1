"""Cross-validation through the stages: the same bits from any processes; means in MLflow."""

from pathlib import Path

import pytest

from tests.project import Project, copy_of_the_project

pytestmark = pytest.mark.slow
STAGES = ("generate", "ingest", "split", "train", "evaluate")


def outputs(project: Project) -> dict[str, bytes]:
    folders = ("data/split", "models")
    files = [path for name in folders for path in (project.folder / name).rglob("*")]
    return {
        path.relative_to(project.folder).as_posix(): path.read_bytes()
        for path in files
        if path.is_file()
    }


@pytest.mark.very_slow
@pytest.mark.timeout(300)
def test_folds_are_the_same_bits_from_three_processes_and_the_model_is_that_without_them(
    tmp_path: Path,
) -> None:
    project = copy_of_the_project(tmp_path)
    project.set_params(rows=30000, shards=3, batch_size=300, solver="exact")
    project.run_stages(*STAGES)
    without = outputs(project)
    project.set_params(folds=4)
    project.run_stages("split", "train", "evaluate")
    found = outputs(project)
    project.run_stages("split", "train", "evaluate", env={"WORKERS": "3"})
    assert outputs(project) == found

    for name in without:
        if name.startswith(("data/split/train/", "models/training/", "models/model/moments")):
            assert found[name] == without[name]
    assert "models/training/folds.json" not in without

    cv = project.json("models/evaluation/metrics.json")["cv"]
    assert [fold["rows"] for fold in cv["folds"]] == [5250] * 4
    assert [fold["trained_rows"] for fold in cv["folds"]] == [15750] * 4
    assert 0.099 < cv["rmse"] < 0.101
    logged = [run["metrics"] for run in project.mlflow_runs() if "cv_rmse" in run["metrics"]]
    assert logged
    assert {run["cv_rmse"] for run in logged} == {cv["rmse"]}
    assert {run["cv_r2_standard_error"] for run in logged} == {cv["r2_standard_error"]}
    printed = project.run("linreg", "summary").stdout
    assert "cross-validation, 4 folds by row: RMSE 0.1" in printed
