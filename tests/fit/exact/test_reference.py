import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.files import CHECKSUM, content_hash, write_document
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.reference import ExactReference, compute_moments
from linreg.fit.sgd.autograd import gradient_descent
from linreg.params.train import Train
from linreg.process.workers import Workers
from tests.fit.exact.fits import moments_of, names_of

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]


def drawn(num_rows: int = 50, num_features: int = 3, seed: int = 1) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    X = random.standard_normal((num_rows, num_features)) + np.arange(num_features)
    return X, 1.0 + X @ np.arange(1.0, num_features + 1) + random.standard_normal(num_rows)


def compute(shards: list[Rows], intercept: bool = True, **params: Any) -> ExactReference:
    names = [f"x{j}" for j in range(1, shards[0].chunk(0).X.shape[1] + 1)]
    return ExactReference.compute(shards, names, intercept, Train(**params))


def bits(found: LeastSquares) -> list[Any]:
    """All numbers of a solution, to the last bit."""
    arrays = [
        found.theta,
        found.remainders,
        found.standard_errors,
        found.inverse_cholesky,
        found.exponents,
        found.kept,
        found.relative_errors,
    ]
    numbers = [
        found.b,
        found.rss,
        found.rss_bound,
        found.tss,
        found.sigma,
        found.condition,
        found.l2,
    ]
    counts = [
        found.names,
        found.intercept,
        found.num_rows,
        found.rank,
        found.df,
        dict(found.dropped),
    ]
    return [*(array.tobytes() for array in arrays), *(repr(number) for number in numbers), *counts]


def coefficients(found: ExactReference) -> list[str]:
    return [value.hex() for value in [found.solution.b, *found.solution.theta.tolist()]]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_of_the_target_is_weighted_as_the_fit_is(weighted: bool) -> None:
    X, y = drawn()
    w = np.random.default_rng(2).uniform(0, 3, len(y)) if weighted else None
    reference = ExactReference.from_moments(moments_of(X, y, w), names_of(X), intercept=True)
    assert reference.mean_target == pytest.approx(np.average(y, weights=w), rel=1e-14)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize(
    "params", [{}, {"l2": 0.3}, {"collinear": "drop"}, {"l2": 1e-9, "collinear": "drop"}]
)
def test_a_reference_is_read_back_bit_for_bit(
    shards_of: Shards, tmp_path: Path, params: dict[str, Any], intercept: bool
) -> None:
    X, y = drawn()
    if params.get("collinear") == "drop":
        X[:, 2] = 2 * X[:, 0]
    found = compute(shards_of(X, y, 2, 7), intercept, **params)
    found.write(tmp_path, params.get("collinear", "error"))
    again = ExactReference.read(tmp_path)
    assert bits(again.solution) == bits(found.solution)
    assert again.moments.as_array().tobytes() == found.moments.as_array().tobytes()
    theta = found.solution.theta + 0.1
    assert again.loss.convergence(theta, 0.5) == found.loss.convergence(theta, 0.5)


def nearly_collinear(num_rows: int = 60) -> tuple[Floats, Floats]:
    X, y = drawn(num_rows, 2)
    return np.column_stack([X, X[:, 0] + 1e-12 * X[:, 1] ** 2]), y


def perfect(num_rows: int = 60) -> tuple[Floats, Floats]:
    X, _ = drawn(num_rows)
    return X, 1 + X @ [1.0, 2.0, 3.0]


@pytest.mark.parametrize("make", [nearly_collinear, perfect])
def test_a_reference_of_two_passes_is_read_back_bit_for_bit(
    shards_of: Shards, tmp_path: Path, make: Callable[[], tuple[Floats, Floats]]
) -> None:
    found = compute(shards_of(*make(), 2, 7))
    assert found.second
    found.write(tmp_path, "error")
    again = ExactReference.read(tmp_path)
    assert bits(again.solution) == bits(found.solution)


@pytest.mark.parametrize("make", [nearly_collinear, perfect])
def test_row_groups_change_no_bit_of_two_passes(
    shards_of: Shards, make: Callable[[], tuple[Floats, Floats]]
) -> None:
    expected = compute(shards_of(*make(), 3)).solution
    for rows_per_group in (1, 7, 50):
        assert bits(compute(shards_of(*make(), 3, rows_per_group)).solution) == bits(expected)


@pytest.mark.parametrize("make", [nearly_collinear, perfect])
@pytest.mark.parametrize("num_workers", [2, 3])
def test_the_number_of_workers_changes_no_bit_of_two_passes(
    shards_of: Shards,
    together: Callable[..., list[Any]],
    make: Callable[[], tuple[Floats, Floats]],
    num_workers: int,
) -> None:
    shards = shards_of(*make(), 3)
    names = [f"x{j}" for j in range(1, make()[0].shape[1] + 1)]
    alone = compute(shards)

    def work(workers: Workers) -> ExactReference:
        return ExactReference.compute(shards, names, True, Train(), workers)

    for found in together(num_workers, work):
        assert found.second is not None
        assert bits(found.solution) == bits(alone.solution)


def test_a_second_pass_is_read_only_where_it_says_more(shards_of: Shards) -> None:
    assert compute(shards_of(*drawn())).second is None


def test_a_reference_from_before_cells_had_a_rounding_is_read(
    shards_of: Shards, tmp_path: Path
) -> None:
    found = compute(shards_of(*drawn()))
    found.write(tmp_path, "error")
    path = tmp_path / "moments.safetensors"
    values = load_file(path)["moments"]
    # Two numbers of rows, and then two for each of x1, x2, x3 and y.
    save_file({"moments": np.concatenate([values[:2], values[10:]])}, path)
    document = json.loads((tmp_path / "exact.json").read_text())
    del document["digits"]
    del document[CHECKSUM]
    write_document(tmp_path / "exact.json", document | {"moments": content_hash(path)})
    assert bits(ExactReference.read(tmp_path).solution) == bits(found.solution)


@pytest.mark.parametrize("num_features", [0, 1])
def test_a_reference_without_features_or_with_one_is_read_back(
    shards_of: Shards, tmp_path: Path, num_features: int
) -> None:
    X, y = drawn(20, num_features)
    found = compute(shards_of(X, y))
    found.write(tmp_path, "error")
    assert bits(ExactReference.read(tmp_path).solution) == bits(found.solution)


def test_writing_twice_gives_the_same_bytes(shards_of: Shards, tmp_path: Path) -> None:
    shards = shards_of(*drawn())
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        compute(shards).write(tmp_path / name, "error")
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1]
    assert sorted(written[0]) == ["exact.json", "moments.safetensors"]


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_row_groups_and_shards_of_any_lengths_give_the_same_solution(
    shards_of: Shards, l2: float
) -> None:
    """Row groups change no bit; shards change the moments by 2^-102, but not θ* as float64."""
    X, y = drawn(157, 4)
    whole = compute(shards_of(X, y), l2=l2)
    for num_shards in (1, 2, 3, 5):
        of_shards = compute(shards_of(X, y, num_shards), l2=l2)
        for rows_per_group in (1, 7, 50):
            found = compute(shards_of(X, y, num_shards, rows_per_group), l2=l2)
            assert found.moments.as_array().tobytes() == of_shards.moments.as_array().tobytes()
        assert coefficients(of_shards) == coefficients(whole)


def test_the_solution_from_several_shards_is_that_in_fractions(shards_of: Shards) -> None:
    """Three shards of several row groups, and the formula for b and one θ."""
    X, y = drawn(40, 1)
    found = compute(shards_of(X, y, 3, 4))
    x, t = [Fraction(v) for v in X[:, 0].tolist()], [Fraction(v) for v in y.tolist()]
    mean_x, mean_t = sum(x, Fraction(0)) / 40, sum(t, Fraction(0)) / 40
    slope = sum(((a - mean_x) * v for a, v in zip(x, t, strict=True)), Fraction(0)) / sum(
        ((a - mean_x) ** 2 for a in x), Fraction(0)
    )
    assert found.solution.theta.tolist() == [float(slope)]
    assert found.solution.b == float(mean_t - slope * mean_x)


def test_exact_json_has_the_solution_in_plain_numbers(shards_of: Shards, tmp_path: Path) -> None:
    X, y = drawn()
    X[:, 1] = 5 - X[:, 0]
    found = compute(shards_of(X, y), collinear="drop")
    found.write(tmp_path, "drop")
    written = json.loads((tmp_path / "exact.json").read_text())
    design = np.column_stack([np.ones(50), X[:, [0, 2]]])
    (b, x1, x3), (rss,), *_ = np.linalg.lstsq(design, y)
    assert written["dropped"] == {"x2": "5 − x1"}
    assert (written["rank"], written["names"], written["theta"]["x2"]) == (3, ["x1", "x2", "x3"], 0)
    numbers = [written["b"], written["theta"]["x1"], written["theta"]["x3"], written["rss"]]
    np.testing.assert_allclose(numbers, [b, x1, x3, rss], rtol=1e-13)


def damaged(folder: Path) -> str:
    """The message of the error, which must be one line that names the folder."""
    with pytest.raises(UserError) as error:
        ExactReference.read(folder)
    assert len(str(error.value).splitlines()) == 1
    assert str(folder) in str(error.value)
    return str(error.value)


@pytest.fixture
def written(shards_of: Shards, tmp_path: Path) -> Path:
    folder = tmp_path / "training"
    folder.mkdir()
    compute(shards_of(*drawn())).write(folder, "error")
    ExactReference.read(folder)
    return folder


@pytest.mark.parametrize("name", ["exact.json", "moments.safetensors"])
def test_a_missing_file_is_named_in_one_line(written: Path, name: str) -> None:
    (written / name).unlink()
    message = damaged(written)
    assert message.startswith(f"{written / name}: there is no such file; ")
    assert "dvc repro" in message


@pytest.mark.parametrize("name", ["exact.json", "moments.safetensors"])
@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.9, 0.99])
def test_a_truncated_file_is_refused(written: Path, name: str, part: float) -> None:
    content = (written / name).read_bytes()
    (written / name).write_bytes(content[: int(part * len(content))])
    assert f"{written / name}: is damaged" in damaged(written)


@pytest.mark.parametrize(
    "text", ["[]", "5", "null", '"text"', "{}", '{"names": 5}', '{"names": [1, 2, 3]}']
)
def test_an_exact_json_with_other_content_is_refused(written: Path, text: str) -> None:
    (written / "exact.json").write_text(text)
    assert "was changed after it was written" in damaged(written)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("theta", {}),
        ("theta", None),
        ("b", None),
        ("b", 1.0),
        ("names", ["x1", "x2"]),
        ("names", ["x1", "x2", "q"]),
        ("names", None),
        ("intercept", False),
        ("l2", 1.0),
        ("l2", "much"),
        ("l2", -1.0),
        ("theta", [1, 2, 3]),
    ],
)
def test_an_edited_exact_json_is_refused(written: Path, key: str, value: object) -> None:
    description = json.loads((written / "exact.json").read_text())
    (written / "exact.json").write_text(json.dumps(description | {key: value}))
    assert "was changed after it was written" in damaged(written)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300])
@pytest.mark.parametrize("index", [0, 1, 2, 8, 14, 17])
def test_edited_moments_are_refused(written: Path, index: int, value: float) -> None:
    """The counts, the largest values, the exponents and the sums."""
    path = written / "moments.safetensors"
    moments = load_file(path)["moments"]
    moments[index] = value if moments[index] != value else 1.0
    save_file({"moments": moments}, path)
    assert "of another training" in damaged(written)


def test_moments_of_another_training_are_refused(
    shards_of: Shards, written: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    compute(shards_of(*drawn(seed=2), 2)).write(other, "error")
    (written / "moments.safetensors").write_bytes((other / "moments.safetensors").read_bytes())
    assert "of another training" in damaged(written)


def test_moments_under_another_name_or_of_another_size_are_refused(written: Path) -> None:
    path = written / "moments.safetensors"
    values = load_file(path)["moments"]
    for content in (
        {"others": values},
        {"moments": values[:-3]},
        {"moments": values[:1]},
        {"moments": values[:0]},
    ):
        save_file(content, path)
        assert "of another training" in damaged(written)
    save_file({"moments": values.reshape(-1, 1)}, path)
    damaged(written)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_a_dropped_column_has_a_coefficient_of_0_after_gradient_descent_too(
    shards_of: Shards, intercept: bool, standardize: bool
) -> None:
    """Against lstsq without the column, after full batches. Measured: 1e-13."""
    X, y = drawn(60)
    X = np.column_stack([X[:, 0], 3 * X[:, 0], X[:, 1]])
    shards = shards_of(X, y, 2)
    found = compute(shards, intercept, collinear="drop").solution
    assert dict(found.dropped) == {"x2": "3·x1"}
    assert found.kept.tolist() == [intercept, True, False, True]

    scaling = (
        z_score_scaling(compute_moments(shards, 3), intercept)
        if standardize
        else Scaling.identity(3)
    ).restricted_to(found.kept[1:])
    params = Train(
        dtype="float64", batch_size=60, epochs=400, lr=0.1, momentum=0.5, collinear="drop"
    )
    *_, last = gradient_descent(shards, 3, intercept, scaling, params)
    assert last.theta[1] == 0
    design = np.column_stack([np.ones(60), X[:, [0, 2]]])[:, 1 - intercept :]
    expected = np.linalg.lstsq(design, y)[0]
    trained = np.array([last.b, last.theta[0], last.theta[2]])[1 - intercept :]
    np.testing.assert_allclose(trained, expected, rtol=1e-10)
    exact = np.array([found.b, found.theta[0], found.theta[2]])[1 - intercept :]
    np.testing.assert_allclose(exact, expected, rtol=1e-12)
    assert found.theta[1] == 0


def test_a_constant_column_is_dropped_if_there_is_an_intercept(shards_of: Shards) -> None:
    X, y = drawn(60)
    X[:, 1] = 7.0
    shards = shards_of(X, y)
    found = compute(shards, collinear="drop").solution
    assert dict(found.dropped) == {"x2": "7"}
    scaling = z_score_scaling(compute_moments(shards, 3), True).restricted_to(found.kept[1:])
    *_, last = gradient_descent(
        shards,
        3,
        True,
        scaling,
        Train(dtype="float64", batch_size=60, epochs=300, lr=0.2, momentum=0.5),
    )
    assert last.theta[1] == 0
    np.testing.assert_allclose(
        [last.b, *last.theta], [found.b, *found.theta], rtol=1e-10, atol=1e-12
    )


def test_collinear_columns_are_refused_unless_they_are_to_be_dropped(shards_of: Shards) -> None:
    X, y = drawn()
    X[:, 2] = X[:, 0] - X[:, 1]
    with pytest.raises(
        UserError, match=r"column x3: is collinear .* found x3 = .*; .* train\.collinear: drop"
    ):
        compute(shards_of(X, y))
