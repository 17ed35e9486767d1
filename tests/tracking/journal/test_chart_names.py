import pytest
from mlflow import MlflowClient

from linreg.tracking.journal.chart_names import chart_name, color
from linreg.tracking.mlflow.search import mlflow_curves


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ("train_mse", "loss/train"),
        ("validation_mse", "loss/validation"),
        ("gap", "loss/gap"),
        ("b", "model/b"),
        ("theta.x1", "model/theta.x1"),
        ("theta.C_g__T.b_", "model/theta.C_g__T.b_"),
        ("exact.b", "model_exact/b"),
        ("standard_error.x1", "standard_error/x1"),
        ("test_r2", "test_r2"),
        ("test_mse", "test_mse"),
    ],
)
def test_curves_have_sections_and_metrics_of_gates_keep_their_names(
    metric: str, shown: str
) -> None:
    assert chart_name(metric) == shown


def test_no_two_metrics_have_the_same_name() -> None:
    features = ("b", "train", "gap", "theta.x", "x")
    names = [
        "b",
        "gap",
        "train_mse",
        "validation_mse",
        *(f"{kind}.{x}" for kind in ("theta", "exact") for x in features),
    ]
    assert len({chart_name(name) for name in names}) == len(names)


def test_ten_successive_runs_have_ten_colours() -> None:
    assert len({color(number) for number in range(17, 27)}) == 10


@pytest.mark.slow
def test_curves_are_read_with_sections_and_from_early_runs_without_them(
    store: MlflowClient,
) -> None:
    experiment = store.create_experiment("linreg")
    for names in (
        {"b": "b", "theta.x1": "theta.x1"},
        {"b": "model/b", "theta.x1": "model/theta.x1"},
    ):
        run = store.create_run(experiment).info.run_id
        for step in (1, 2):
            for name in names.values():
                store.log_metric(run, name, step / 4, step=step)
        curves = [(1, {"b": 0.25, "theta.x1": 0.25}), (2, {"b": 0.5, "theta.x1": 0.5})]
        assert mlflow_curves(run, ["b", "theta.x1"]) == curves
