import numpy as np
import pytest
from sklearn.linear_model import enet_path

from linreg.arrays import Floats
from linreg.fit.exact.penalized.path import PenaltyPath, geometric, penalty_path
from linreg.fit.exact.penalized.penalty import Penalty
from tests.fit.exact.fits import moments_of, names_of
from tests.fit.exact.penalized.penalized_fits import drawn, penalized


def path_of(
    X: Floats, y: Floats, penalty: Penalty, w: Floats | None = None, intercept: bool = True
) -> PenaltyPath:
    moments = moments_of(X, y, w)
    found = penalty_path(moments.gram(), tuple(names_of(X)), intercept, penalty)
    assert found
    return found


def of_scikit_learn(X: Floats, y: Floats, l1: float, l2: float) -> Floats:
    _, theta, _ = enet_path(
        X, y, l1_ratio=l1 / (l1 + 2 * l2), alphas=[l1 / 2 + l2], tol=1e-13, max_iter=100_000
    )
    own: Floats = theta[:, 0]
    return own


def test_the_factors_are_geometric() -> None:
    expected = 3.0 * (1e-4) ** (np.arange(100) / 99)
    np.testing.assert_allclose(geometric(3.0, 3e-4, 100), expected, rtol=1e-14)
    assert geometric(3.0, 3e-4, 100)[[0, -1]].tolist() == [3.0, 3e-4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num_rows", "num_features", "l1", "l2"), [(120, 10, 0.5, 0.0), (30, 40, 6.0, 0.6)]
)
def test_a_lasso_path_is_that_of_scikit_learn(
    num_rows: int, num_features: int, l1: float, l2: float
) -> None:
    X, y, _ = drawn(num_rows, num_features, 3)
    found = path_of(X, y, Penalty(l1, l2))
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    theirs = np.array([of_scikit_learn(Xc, yc, l1, l2) for l1 in found.l1.tolist()])
    atol = 1e-9 * np.abs(theirs).max()
    np.testing.assert_allclose(found.theta, theirs, rtol=1e-8, atol=atol)
    largest = np.abs((Xc * yc[:, None]).mean(axis=0)).max() * 2
    assert found.l1[0] == pytest.approx(largest, rel=1e-13)
    assert found.l1[-1] / found.l1[0] == pytest.approx(1e-4 if num_rows > 99 else 1e-2, rel=1e-13)
    assert not found.theta[0].any()
    assert found.theta[1].any()
    assert found.gap.max() < 1e-10
    residuals = yc[:, None] - Xc @ found.theta.T
    np.testing.assert_allclose(found.mse, (residuals**2).mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.b, (y[:, None] - X @ found.theta.T).mean(axis=0), rtol=1e-9)
    if not l2:
        assert found.df.tolist() == np.count_nonzero(found.theta, axis=1).tolist()


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", [Penalty(0.5, 0.1, "standardize"), Penalty(0.5, 0.1)])
def test_each_point_is_the_solution_with_its_penalty(penalty: Penalty, intercept: bool) -> None:
    X, y, w = drawn(60, 8)
    found = path_of(X, y, penalty, w, intercept)
    for k in (1, 40, 99):
        exact = penalized(
            X, y, w, intercept, l1=found.l1[k], l2=found.l2[k], scale=penalty.scale
        ).solution
        np.testing.assert_allclose(found.theta[k], exact.theta, rtol=1e-9)
        assert found.b[k] == pytest.approx(exact.b, rel=1e-9)


def test_a_ridge_path_has_the_closed_form_and_its_degrees_of_freedom() -> None:
    X, y, _ = drawn(50, 5)
    found = path_of(X, y, Penalty(0.0, 0.3))
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    for k in (0, 50, 99):
        S = Xc.T @ Xc / 50 + found.l2[k] * np.eye(5)
        np.testing.assert_allclose(found.theta[k], np.linalg.solve(S, Xc.T @ yc / 50), rtol=1e-10)
        df = np.trace(np.linalg.solve(S, Xc.T @ Xc / 50))
        assert found.df[k] == pytest.approx(df, rel=1e-9)
    assert found.l2[0] > 0.3 > found.l2[-1]
    assert found.df[0] < 0.1
    assert found.df[-1] > 4.9


def test_the_penalty_of_the_model_is_within_its_path() -> None:
    X, y, _ = drawn(50, 3)
    for l1 in (1e-9, 1.0, 1e6):
        found = path_of(X, y, Penalty(l1, 0.0))
        assert found.l1[0] >= l1 >= found.l1[-1]


def test_there_is_no_path_where_nothing_varies() -> None:
    X, y, _ = drawn(20, 2)
    names = ("x1", "x2")
    assert penalty_path(moments_of(X, y).gram(), names, True, Penalty()) is None
    assert penalty_path(moments_of(X, 0 * y).gram(), names, True, Penalty(1.0)) is None
    flat = moments_of(0 * X, y).gram()
    assert penalty_path(flat, names, True, Penalty(0.0, 1.0)) is None
    assert penalty_path(moments_of(X[:, :0], y).gram(), (), True, Penalty(1.0)) is None


def test_columns_that_are_0_everywhere_are_left_out_of_the_file() -> None:
    X, y, _ = drawn(30, 3)
    y = y - y.mean()
    data = path_of(np.column_stack([X, np.zeros(30)]), y, Penalty(0.1)).as_data()
    assert (list(data["theta"]), data["num_columns"]) == (["x1", "x2", "x3"], 4)
    assert data["num_nonzero"][0] == 0
