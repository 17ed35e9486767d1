import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data import synthetic
from linreg.data.synthetic import chunks_by_file, draw, feature_names, num_chunks, synthetic_schema
from linreg.data.tables.parquet import TRUTH
from linreg.errors import UserError
from linreg.params.generate import Generate


@pytest.fixture(scope="module")
def chunks_of_100() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "ROWS_PER_GROUP", 100)
        yield


def drawn(params: Generate) -> pa.Table:
    return pa.Table.from_batches([draw(params, chunk) for chunk in range(num_chunks(params))])


def columns(params: Generate) -> dict[str, np.ndarray]:
    table = drawn(params)
    return {name: table.column(name).to_numpy().astype(np.float64) for name in table.column_names}


def test_features_are_named_x1_x2_and_so_on() -> None:
    assert feature_names(3) == ["x1", "x2", "x3"]
    assert drawn(Generate(rows=5, theta=(1.0,))).column_names == ["x1", "y"]


@settings(max_examples=30)
@given(rows=st.integers(1, 350), num_features=st.integers(1, 5))
def test_there_are_as_many_rows_and_features_as_asked_for(
    chunks_of_100: None, rows: int, num_features: int
) -> None:
    table = drawn(Generate(rows=rows, theta=(1.5,) * num_features))
    assert table.num_rows == rows
    assert table.column_names == [*feature_names(num_features), "y"]
    assert {field.type for field in table.schema} == {pa.float32()}


def test_the_schema_is_that_of_the_rows_and_holds_the_true_coefficients() -> None:
    params = Generate(rows=3, theta=(2.0, -3.4), bias=4.2)
    schema = synthetic_schema(params)
    assert schema.equals(drawn(params).schema)
    truth = {"theta": {"x1": 2.0, "x2": -3.4}, "b": 4.2}
    assert json.loads(schema.metadata[TRUTH]) == truth


@pytest.mark.parametrize("theta", [(2.0, -3.4), (0.1,), (1e-3, 1e3, 7.0)])
def test_without_noise_y_is_the_float32_nearest_to_the_model(theta: tuple[float, ...]) -> None:
    found = columns(Generate(rows=2000, theta=theta, bias=4.2, noise=0))
    expected = np.full(2000, 4.2)
    for name, coefficient in zip(feature_names(len(theta)), theta, strict=True):
        expected = expected + coefficient * found[name]
    assert (found["y"].astype(np.float32) == expected.astype(np.float32)).all()


def test_the_features_are_independent_standard_normals() -> None:
    n = 200_000
    found = columns(Generate(rows=n, theta=(1.0, 1.0, 1.0)))
    for j in (1, 2, 3):
        x = found[f"x{j}"]
        # Five standard errors of mean, variance, skewness and kurtosis of n normals.
        assert abs(x.mean()) < 5 / np.sqrt(n)
        assert abs(x.var() - 1) < 5 * np.sqrt(2 / n)
        assert abs((x**3).mean()) < 5 * np.sqrt(15 / n)
        assert abs((x**4).mean() - 3) < 5 * np.sqrt(96 / n)
    correlations = np.corrcoef([found["x1"], found["x2"], found["x3"]])[np.triu_indices(3, k=1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(n)


def test_the_noise_has_its_standard_deviation_and_is_independent_of_the_features() -> None:
    n = 200_000
    found = columns(Generate(rows=n, theta=(2.0,), bias=-1, noise=0.5))
    noise = found["y"] - (-1 + 2 * found["x1"])
    assert abs(noise.mean()) < 5 * 0.5 / np.sqrt(n)
    assert abs(noise.std() / 0.5 - 1) < 5 / np.sqrt(2 * n)
    assert abs(np.corrcoef(noise, found["x1"])[0, 1]) < 5 / np.sqrt(n)


def test_rows_depend_on_the_seed_alone() -> None:
    assert drawn(Generate(rows=300, seed=3)).equals(drawn(Generate(rows=300, seed=3)))
    assert not drawn(Generate(rows=300, seed=3)).equals(drawn(Generate(rows=300, seed=4)))


@pytest.mark.parametrize(("short", "long"), [(100, 300), (200, 250), (250, 300), (130, 180)])
@pytest.mark.parametrize("num_features", [1, 3])
def test_a_longer_table_begins_with_the_whole_chunks_of_the_shorter_one(
    chunks_of_100: None, short: int, long: int, num_features: int
) -> None:
    theta = (1.0,) * num_features
    whole = short - short % 100
    beginning = drawn(Generate(rows=long, theta=theta)).slice(0, whole).combine_chunks()
    assert beginning.equals(
        drawn(Generate(rows=short, theta=theta)).slice(0, whole).combine_chunks()
    )


def test_chunks_differ_from_one_another(chunks_of_100: None) -> None:
    x = columns(Generate(rows=500))["x1"]
    assert len(np.unique(x)) == 500


def test_features_do_not_depend_on_the_noise_nor_the_noise_on_the_coefficients() -> None:
    quiet, loud = columns(Generate(rows=200, noise=0)), columns(Generate(rows=200, noise=3, bias=1))
    assert (quiet["x1"] == loud["x1"]).all()
    a, b = (
        columns(Generate(rows=200, theta=(0.0,), bias=0, noise=1)),
        columns(Generate(rows=200, theta=(0.0,), bias=8, noise=1)),
    )
    # The distance of neighbouring float32 near 8 is 9.5e-7.
    np.testing.assert_allclose(b["y"] - 8, a["y"], atol=1e-6)


@pytest.mark.parametrize(
    "params",
    [
        Generate(theta=(1e39,)),
        Generate(bias=-1e39),
        Generate(noise=1e39),
        Generate(theta=(1e308, 1e308), rows=9),
    ],
)
def test_a_target_that_float32_cannot_hold_is_one_line(params: Generate) -> None:
    with pytest.raises(
        UserError,
        match=r"params\.yaml: generate: y does not fit into float32; found .*; choose smaller",
    ):
        drawn(params)


@pytest.mark.parametrize(
    ("rows", "chunks"),
    [
        (1, [1]),
        (100, [1]),
        (101, [2]),
        (800, [8]),
        (801, [8, 1]),
        (2350, [8, 8, 8]),
        (2500, [8, 8, 8, 1]),
    ],
)
def test_a_file_has_eight_chunks_and_the_last_one_the_others(
    chunks_of_100: None, rows: int, chunks: list[int]
) -> None:
    files = chunks_by_file(Generate(rows=rows))
    assert [len(file) for file in files] == chunks
    assert [chunk for file in files for chunk in file] == list(range(sum(chunks)))


def test_a_target_at_the_limit_of_float32_is_drawn() -> None:
    largest = float(np.finfo(np.float32).max)
    table = drawn(Generate(rows=1, theta=(0.0,), bias=largest, noise=0))
    assert table["y"].to_pylist() == [largest]
    with pytest.raises(UserError, match=r"found -3\.5e\+38; choose"):
        drawn(Generate(rows=1, theta=(0.0,), bias=-3.5e38, noise=0))
