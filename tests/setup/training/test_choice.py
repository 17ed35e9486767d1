"""The settings that are chosen: what they lead to, and what they depend on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.fit.compiled import engine as compiled
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.exact.reference import ExactReference
from linreg.params.train import Train
from linreg.setup.training.choice import (
    MOST_COEFFICIENTS,
    MOST_SECONDS,
    SAFETY_FACTOR,
    TrainingChoice,
    choose_training,
)
from tests.setup.training.previews import preview_of, solution_of

Shards = Callable[..., list[Rows]]


def choice(
    X: Floats, y: Floats, w: Floats | None = None, shards: int = 1, **train: Any
) -> TrainingChoice:
    preview = preview_of(X, y, w)
    before = Train(**train)
    return choose_training(preview, solution_of(preview, before.l2), before, len(y), shards)


def columns(kind: str) -> tuple[Floats, Floats]:
    random = np.random.default_rng(9)
    n = 12 if kind == "tiny" else 400
    X = random.standard_normal((n, 3))
    noise = 0.7
    match kind:
        case "scales":
            X *= [1e-9, 1e12, 1.0]
        case "nearly collinear":
            X[:, 2] = X[:, 0] + 1e-4 * X[:, 2]
        case "heavy tails":
            X = random.standard_t(2, (n, 3))
        case "lognormal":
            X = random.lognormal(0, 2.5, (n, 3))
        case "one feature":
            X = X[:, :1]
        case "levels":
            codes = random.integers(0, 20, n)
            X = (codes[:, None] == np.arange(1, 20)).astype(float)
        case "almost perfect":
            noise = 1e-5
        case "far from 0":
            X += 1e6
    y = (X / X.std(axis=0)).sum(axis=1) + noise * random.standard_normal(n)
    return X, 2.4e9 + 50 * y


KINDS = [
    "usual",
    "scales",
    "nearly collinear",
    "heavy tails",
    "lognormal",
    "one feature",
    "levels",
    "almost perfect",
    "far from 0",
    "tiny",
]


@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e160])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
def test_a_target_whose_squares_are_beyond_float64_is_solved_exactly(
    unit: float, l2: float
) -> None:
    X, y = columns("usual")
    found = choice(X, unit * y, l2=l2)
    assert found.train.solver == "exact"
    assert found.reason == "squares of the target are beyond float64"


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_with_them_ends_at_the_minimum(
    shards_of: Shards, kind: str, weighted: bool
) -> None:
    """A gap of at most 0.1 %, and each coefficient within half a standard error."""
    X, y = columns(kind)
    w = np.random.default_rng(3).uniform(0, 9, len(y)) if weighted else None
    chosen = choice(X, y, w, engine="compiled")
    assert chosen.gap is not None
    names = [f"x{j + 1}" for j in range(X.shape[1])]
    shards = shards_of(X, y, 1, w=w)
    exact = ExactReference.compute(shards, names, True, chosen.train)
    coordinates = training_coordinates(exact, chosen.train.scale)
    *_, last = compiled.gradient_descent(shards, X.shape[1], True, coordinates, chosen.train)
    gap = exact.loss.convergence(last.theta, last.b)["gap"]
    assert gap is not None
    assert gap <= 1e-3
    errors = exact.solution.standard_errors
    distances = np.abs(np.array([last.b, *last.theta]) - [exact.solution.b, *exact.solution.theta])
    assert (distances / errors).max() <= 0.5


def test_what_an_earlier_table_needed_is_replaced_and_what_is_wanted_stays() -> None:
    X, y = columns("usual")
    found = choice(
        X,
        y,
        engine="compiled",
        lr=1e-9,
        epochs=7,
        batch_size=3,
        scale="none",
        patience=5,
        dtype="float64",
        solver="exact",
        momentum=0.5,
        l2=0.01,
        seed=8,
    ).train
    assert (found.engine, found.momentum, found.l2, found.seed) == ("compiled", 0.5, 0.01, 8)
    fresh = choice(X, y, engine="compiled", momentum=0.5, l2=0.01, seed=8).train
    assert found == fresh
    assert (found.scale, found.schedule, found.patience) == ("whiten", "linear", 0)
    assert found.lr == pytest.approx(0.05, rel=0.99)


@pytest.mark.parametrize("penalty", [{"l1": 0.1}, {"l2": 0.1, "penalty_scale": "standardize"}])
def test_penalties_that_gradient_descent_does_not_have_are_left_to_the_exact_solution(
    penalty: dict[str, Any],
) -> None:
    X, y = columns("usual")
    found = choice(X, y, solver="exact", **penalty)
    assert found.train.solver == "exact"
    assert found.reason.startswith("gradient descent has no")


def test_batches_are_divided_among_shards() -> None:
    X, y = columns("usual")
    assert choice(X, y, shards=5).train.batch_size % 5 == 0


def test_a_fit_too_good_for_float32_is_trained_in_float64() -> None:
    X, y = columns("almost perfect")
    assert choice(X, y).train.dtype == "float64"
    X, y = columns("usual")
    assert choice(X, y).train.dtype == "float32"


def test_a_rate_is_far_below_what_rows_of_high_leverage_allow() -> None:
    random = np.random.default_rng(3)
    rare = np.zeros(6000)
    rare[:6] = 1
    X = np.column_stack([random.normal(size=6000), random.permutation(rare)])
    train = choice(X, X[:, 0] + random.normal(size=6000)).train
    assert train.lr <= train.batch_size * (1 - train.momentum) / 1000 / SAFETY_FACTOR * 1.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("constant", "the target is constant"),
        ("exact", "the features determine the target exactly"),
        ("wide", "gradient descent on 501 coefficients takes long"),
    ],
)
def test_where_gradient_descent_gets_nowhere_the_exact_solution_is_chosen(
    kind: str, reason: str
) -> None:
    X, y = columns("usual")
    if kind == "constant":
        y = np.full(len(y), 7.0)
    if kind == "exact":
        X = np.round(X * 8)
        y = X @ [1.0, 2.0, 3.0]
    if kind == "wide":
        X = np.random.default_rng(1).standard_normal((600, MOST_COEFFICIENTS + 1))
        y = np.random.default_rng(2).standard_normal(600)
    found = choice(X, y)
    assert (found.train.solver, found.gap) == ("exact", None)
    assert found.reason == reason


def test_a_table_that_would_take_too_long_gets_the_exact_solution() -> None:
    """A billion rows; the moments are those of 400."""
    X, y = columns("usual")
    preview = preview_of(X, y)
    found = choose_training(preview, solution_of(preview), Train(), 10**10, 1)
    assert found.train.solver == "exact"
    minutes = MOST_SECONDS / 60
    assert found.reason == f"in {minutes:g} minutes gradient descent would not reach the minimum"
