"""What the report advises follows from the numbers, and from nothing else."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from linreg.report.advice import advice
from linreg.report.results import RunResults

Evaluated = Callable[..., RunResults]


def rows(
    n: int = 400, seed: int = 3, noise: float = 0.5, effect: float = 1.0, growing: bool = False
) -> pa.Table:
    random = np.random.default_rng(seed)
    x, useless = random.standard_normal(n), random.standard_normal(n)
    noises = noise * random.standard_normal(n) * (np.exp(x) if growing else 1)
    return pa.table({"y": 1 + effect * x + noises, "x": x, "useless": useless})


def told(run: RunResults) -> str:
    return "\n".join(each.text for each in advice(run))


def kinds(run: RunResults) -> set[str]:
    return {each.kind for each in advice(run)}


def test_a_good_run_is_told_to_go_on(evaluated: Evaluated) -> None:
    run = evaluated(
        "y ~ x", rows(), test=rows(seed=4), gates={"test_r2": {"min": 0.5}}, solver="exact"
    )
    assert kinds(run) == {"good"}
    assert "linreg predict" in told(run)
    assert "linreg register" in told(run)


def test_a_failed_gate_comes_first_and_nothing_is_offered(evaluated: Evaluated) -> None:
    run = evaluated(
        "y ~ x", rows(), test=rows(seed=4), gates={"test_r2": {"min": 0.99}}, solver="exact"
    )
    assert advice(run)[0].kind == "bad"
    assert (
        f"test_r2 must be at least 0.99, it is {run.metrics['test']['r2']:.6g}"
        in advice(run)[0].text
    )
    assert "linreg register" not in told(run)


def test_without_a_test_or_a_gate_it_says_so(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(), solver="exact")
    assert "No gate is set" in told(run)
    assert "No rows were kept for a test" in told(run)


def test_an_effect_that_the_rows_do_not_tell_is_named(evaluated: Evaluated) -> None:
    assert "useless: the interval holds 0" in told(
        evaluated("y ~ x + useless", rows(), solver="exact")
    )


def test_noise_that_grows_is_noticed_by_its_robust_errors(evaluated: Evaluated) -> None:
    assert "robust standard errors differ" in told(
        evaluated("y ~ x", rows(growing=True), solver="exact", name="a")
    )
    assert "robust standard errors differ" not in told(
        evaluated("y ~ x", rows(), solver="exact", name="b")
    )


def test_test_rows_of_another_kind_are_noticed(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(), test=rows(seed=4, noise=1.0), solver="exact")
    ratio = run.metrics["test"]["rmse"] / run.metrics["train"]["rmse"]
    assert f"{ratio:.3g} times that on the training rows" in told(run)


def test_training_that_stopped_early_is_told_how_far_it_is(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(), lr=0.0001, epochs=1)
    assert f"Training stopped {100 * run.metrics['gap']:.3g} % above the least loss" in told(run)
    arrived = evaluated(
        "y ~ x",
        rows(),
        lr=0.01,
        epochs=40,
        schedule="linear",
        average=0.5,
        dtype="float64",
        name="b",
    )
    assert "Training arrived" in told(arrived)


def test_few_rows_are_told(evaluated: Evaluated) -> None:
    assert "12 training rows for 3 coefficients are few" in told(
        evaluated("y ~ x + useless", rows(n=12), solver="exact")
    )


def test_rows_that_were_dropped_and_cells_that_were_filled_are_told(evaluated: Evaluated) -> None:
    columns = {
        "x": {"type": "double", "missing": 5, "min": 0.0, "max": 1.0, "mean": 0.5, "sd": 0.1},
        "zone": {"type": "string", "missing": 1, "levels": {"a": 400}},
        "y": {"type": "double", "missing": 0, "min": 0.0, "max": 1.0, "mean": 0.5, "sd": 0.1},
    }
    profile = {"rows_read": 401, "rows": 400, "dropped": {"zone is missing": 1}, "columns": columns}
    run = evaluated("y ~ x", rows(), profile=profile, solver="exact")
    run.background["parameters"]["ingest.missing"] = "mean"
    assert "1 of 401 rows was dropped" in told(run)
    assert "Missing numbers (up to 5) were filled" in told(run)
    run.background["parameters"]["ingest.missing"] = "drop"
    assert "filled" not in told(run)
