"""`linreg summary` prints the numbers of the last run."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from linreg.commands.summary import MAX_ROWS, summary_lines
from linreg.report.results import RunResults
from tests.evaluated_runs import evaluated as evaluated

Evaluated = Callable[..., RunResults]
RANDOM = np.random.default_rng(3)
X, NOISE = RANDOM.standard_normal((2, 60))
ROWS = pa.table({"y": 1.5 + 2 * X + NOISE, "x": X})


def lines(
    run: RunResults, changed: list[str] | None = None, names: Sequence[str] = ("x",)
) -> list[str]:
    return "\n".join(summary_lines(run, names, changed or [])).splitlines()


def test_coefficients_are_in_the_order_of_the_formula(evaluated: Evaluated) -> None:
    """And not in that of the alphabet, which report.json has them in."""
    rows = ROWS.append_column("a", pa.array(RANDOM.standard_normal(60)))
    run = evaluated("y ~ x + a", rows)
    printed = lines(run, names=("x", "a"))[3:6]
    assert [line.split()[0] for line in printed] == ["b", "x", "a"]


def test_of_many_levels_only_some_are_shown_but_every_number(evaluated: Evaluated) -> None:
    levels = [f"v{i % 80:02}" for i in range(400)]
    x, noise = RANDOM.standard_normal((2, 400))
    run = evaluated("y ~ g + x", pa.table({"y": x + noise, "x": x, "g": levels}), solver="exact")
    names = [*(f"g[T.v{i:02}]" for i in range(1, 80)), "x"]
    printed = lines(run, names=names)[3:]
    shown = [line.split()[0] for line in printed[:MAX_ROWS]]
    assert shown == ["b", *names[: MAX_ROWS - 2], "x"]
    assert printed[MAX_ROWS] == f"… and {81 - MAX_ROWS} more, in models/evaluation/inference.json"


def test_the_coefficient_table_has_trained_true_and_exact_values(evaluated: Evaluated) -> None:
    truth = {"b": 1.5, "theta": {"x": 2.0}}
    run = evaluated("y ~ x", ROWS, truth=truth, lr=0.001)
    b, theta = run.coefficients
    header, row_b, row_x = (line.split("  ") for line in lines(run)[2:5])
    cells = [[cell.strip() for cell in row if cell.strip()] for row in (header, row_b, row_x)]
    assert cells[0] == ["trained", "true", "exact", "std. error", "95 % low", "95 % high"]
    for row, c in zip(cells[1:], (b, theta), strict=True):
        values = [c.trained, c.true, c.exact]
        values += [c.classical[key] for key in ("standard_error", "low", "high")]
        assert row == [c.name, *(f"{value:.8g}" for value in values)]


def test_without_known_truth_there_is_no_such_column(evaluated: Evaluated) -> None:
    run = evaluated("y ~ 0 + x", ROWS)
    header, row = lines(run)[2:4]
    assert "true" not in header
    assert row.startswith("x  ")


def test_what_does_not_exist_is_a_dash(evaluated: Evaluated) -> None:
    row = lines(evaluated("y ~ x", ROWS, l2=0.1))[3]
    assert row.split()[-3:] == ["–", "–", "–"]


def test_metrics_of_all_parts_gates_and_the_gap_are_printed(evaluated: Evaluated) -> None:
    gates = {"test_r2": {"min": 0.5, "max": 1.0}, "gap": {"max": 1e-9}, "validation_r2": {"min": 0}}
    run = evaluated("y ~ x", ROWS, test=ROWS, gates=gates, lr=0.02, epochs=20)
    printed = lines(run)
    train, test = run.metrics["train"], run.metrics["test"]
    for part, metrics in (("train", train), ("test", test)):
        names = ("r2", "rmse", "mae", "max_error")
        values = [*(metrics[name] for name in names), metrics["baseline"]["rmse"]]
        row = [part, "60", *(f"{value:.6g}" for value in values)]
        assert row in [line.split() for line in printed]
    assert f"gate test_r2 (min 0.5, max 1): passed with {test['r2']:.6g}" in printed
    assert f"gate gap (max 1e-09): FAILED with {run.metrics['gap']:.6g}" in printed
    assert "gate validation_r2 (min 0): FAILED with no value" in printed
    above = f"{100 * run.metrics['gap']:.3g} % above the minimum"
    assert f"gap: the training loss is {above}" in printed
    assert "rows: 60 read, 0 dropped" in printed


def test_results_that_are_out_of_date_are_announced_first(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", ROWS)
    changed = ["split.seed", "train.epochs", "train.lr", "train.seed"]
    assert lines(run, changed[:1])[1:3] == [
        "OUT OF DATE: split.seed changed in params.yaml since the last run.",
        "Run `dvc repro` to update the results.",
    ]
    announced = "OUT OF DATE: split.seed, train.epochs, train.lr and 1 more changed"
    assert lines(run, changed)[1].startswith(announced)
    assert not [line for line in lines(run) if "OUT OF DATE" in line]


def test_it_is_said_why_there_are_no_standard_errors(evaluated: Evaluated) -> None:
    printed = lines(evaluated("y ~ x", ROWS, l2=0.1))
    assert (
        "A ridge fit (train.l2) is biased by intent: it has no standard errors, t and p." in printed
    )
