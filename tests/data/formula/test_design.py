import math
import re
from collections.abc import Callable
from typing import Any

import formulaic
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linreg.data.formula.coercion import CoercedTable, coerce
from linreg.data.formula.compact_matrix import as_array
from linreg.data.formula.design import Design
from linreg.data.formula.row_warnings import row_warnings
from linreg.errors import UserError

Learn = Callable[..., Design]

RNG = np.random.default_rng(3)
N = 60
FRAME = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.uniform(0.5, 9, N),
        "z": RNG.normal(size=N),
        "k": RNG.integers(-1, 3, N),
        "u": RNG.choice([0.5, 1.5, 10.0], N),
        "g": RNG.choice(["a", "b", "c"], N),
        "h": RNG.choice(["v", "u"], N),
        "one": ["only"] * N,
        "flag": RNG.random(N) < 0.5,
        "a name": RNG.normal(size=N),
        "odd:name + 1": RNG.normal(size=N),
        "my cat": RNG.choice(["ä b", "B", "a"], N),
    }
)


def as_table(frame: pd.DataFrame) -> pa.Table:
    """The frame with the types that ingest leaves."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    types = [
        pa.string() if pa.types.is_large_string(field.type) else field.type
        for field in table.schema
    ]
    return table.cast(pa.schema(list(zip(table.column_names, types, strict=True))))


def with_formulaic(
    formula: str, frame: pd.DataFrame
) -> tuple[bool, list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Intercept, names, X and y as formulaic makes them.

    A column of truth values is a category here, and a reference level is written C(g, "b") for
    formulaic's C(g, contr.treatment("b")); its words for `.` include the target.
    """
    target, _, right = formula.partition("~")
    if re.search(r"(^|[^\w`])\.($|[^\w`])", right):
        columns = [f"`{name}`" for name in frame.columns if name != target.strip()]
        right = right.replace(".", f"({' + '.join(columns)})")
    text = re.sub(
        r"C\(([^,()]+), *([^()]+)\)", r"C(\1, contr.treatment(\2))", f"{target} ~ {right}"
    )
    booleans = {name: "category" for name in frame.columns if frame[name].dtype == bool}
    context = {"log": np.log, "exp": np.exp, "sqrt": np.sqrt, "log10": np.log10}
    matrices = formulaic.model_matrix(text, frame.astype(booleans), context=context)
    right_side = matrices.rhs.drop(columns="Intercept", errors="ignore")
    names = [re.sub(r"contr\.treatment\(([^()]+)\)", r"\1", name) for name in right_side.columns]
    return (
        "Intercept" in matrices.rhs,
        names,
        right_side.to_numpy(float),
        matrices.lhs.to_numpy(float)[:, 0],
    )


def check_against_formulaic(formula: str, frame: pd.DataFrame, learn: Learn) -> None:
    table = as_table(frame)
    design = learn(formula, table)
    intercept, names, X, y = with_formulaic(formula, frame)
    assert design.schema.intercept == intercept
    assert list(design.names) == names
    # Bit for bit but for log, exp and powers, each within 1 or 2 ulp of numpy's, and products of
    # them.
    maxulp = 4 if re.search(r"log|exp|\*\*3", formula) else 0
    np.testing.assert_array_max_ulp(as_array(design.matrix(table)), X, maxulp=maxulp)
    np.testing.assert_array_max_ulp(design.target(table), y, maxulp=maxulp)


@pytest.mark.parametrize(
    "formula",
    [
        # numbers
        "y ~ x",
        "y ~ x + z",
        "y ~ 0 + x",
        "y ~ x - 1",
        "y ~ 1",
        "y ~ x + 1",
        "y ~ k",
        "y ~ x*z",
        "y ~ x:z",
        "y ~ x*z*u",
        "y ~ (x + z + u)**2",
        "y ~ (x + z)^2",
        "y ~ x**2",
        "y ~ x:x",
        "y ~ z:x + x",
        "y ~ x + x",
        # categories by type
        "y ~ g",
        "y ~ 0 + g",
        "y ~ g - 1",
        "y ~ g + h",
        "y ~ 0 + g + h",
        "y ~ 0 + h + g",
        "y ~ g + 0 + h",
        "y ~ one",
        "y ~ 0 + one",
        "y ~ g:one",
        "y ~ flag",
        "y ~ 0 + flag",
        "y ~ flag:x",
        "y ~ flag*g",
        "y ~ `my cat`",
        # categories by C()
        "y ~ C(k)",
        "y ~ 0 + C(k)",
        "y ~ C(u)",
        "y ~ C(g)",
        "y ~ C(flag)",
        "y ~ C(`my cat`)",
        "y ~ C(k) + k",
        "y ~ C(k):k",
        "y ~ C(g) + g",
        "y ~ C(g):C(h)",
        # reference levels
        'y ~ C(g, "b")',
        "y ~ C(g, 'c')",
        'y ~ 0 + C(g, "b")',
        "y ~ C(k, 1)",
        "y ~ C(u, 1.5)",
        "y ~ C(flag, True)",
        'y ~ C(g, "b")*h',
        'y ~ C(g, "b"):x',
        "y ~ C(`my cat`, 'a') * x",
        'y ~ h:C(g, "b")',
        # interactions of categories, with and without main effects
        "y ~ g:h",
        "y ~ h:g",
        "y ~ g + g:h",
        "y ~ h + g:h",
        "y ~ g*h",
        "y ~ 0 + g:h",
        "y ~ 0 + g + g:h",
        "y ~ g/h",
        "y ~ g*h*C(k)",
        "y ~ g*h - g",
        "y ~ g*h - h - 1",
        "y ~ g:h:flag",
        "y ~ 0 + g:h + flag",
        "y ~ (g + h + flag)**2",
        # of numbers and categories
        "y ~ x:g",
        "y ~ g:x",
        "y ~ x + x:g",
        "y ~ 0 + x:g",
        "y ~ 0 + x + x:g",
        "y ~ g*x",
        "y ~ g/x",
        "y ~ x*z*g",
        "y ~ g:h:x",
        "y ~ x:g + g",
        "y ~ 0 + x:g + g",
        "y ~ x*g*h",
        "y ~ x:z:g + h",
        "y ~ h:x:g - 1",
        "y ~ h:g + x",
        "y ~ C(k):x:g",
        # expressions
        "y ~ I(x**2)",
        "y ~ x + I(x**2) + I(x**3)",
        "y ~ log(x)",
        "y ~ log10(x) + exp(z)",
        "y ~ sqrt(x)",
        "y ~ abs(z)",
        "y ~ {x + z}",
        "y ~ {x / z}:g",
        "y ~ log(x)*g",
        "y ~ I(2 * x - z / 3)",
        "y ~ I(-x)",
        "y ~ I(`a name` * x)",
        "y ~ log(x + 1):h",
        "log(x) ~ z",
        "{y - x} ~ x",
        "I(y * 2) ~ g",
        # names and `.`
        "y ~ `a name`",
        "y ~ `odd:name + 1`:x",
        "y ~ `a name` * `my cat`",
        "y ~ .",
        "y ~ . - x",
        "y ~ . + x:z",
        "`a name` ~ x",
    ],
)
def test_the_design_is_the_one_that_formulaic_makes(formula: str, learn: Learn) -> None:
    check_against_formulaic(formula, FRAME, learn)


FACTORS = st.sampled_from(["x", "z", "I(x * z)", "C(k)", "g", "h", "flag", "`a name`"])
TERMS = st.lists(FACTORS, min_size=1, max_size=3, unique=True).map(":".join)
JOINED = st.tuples(TERMS, st.sampled_from([" + ", " * "]), TERMS).map("".join)
SIDES = st.lists(st.one_of(TERMS, JOINED), min_size=1, max_size=3).map(" + ".join)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(1, 12))

    def column(cells: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(cells, min_size=n, max_size=n))

    numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
    text = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=3)
    frame = {name: column(numbers) for name in ("y", "x", "z", "a name")}
    return pd.DataFrame(
        frame
        | {"k": column(st.integers(-2, 2)), "g": column(st.sampled_from("abc")), "h": column(text)}
        | {"flag": column(st.booleans())}
    ).astype({"g": "str", "h": "str"})


@settings(max_examples=25)  # formulaic takes 0.1 s for each
@given(frames(), SIDES, st.sampled_from(["", "0 + "]))
def test_any_design_is_the_one_that_formulaic_makes(
    learn: Learn, frame: pd.DataFrame, right: str, start: str
) -> None:
    check_against_formulaic(f"y ~ {start}{right}", frame, learn)


def test_the_columns_of_x_are_the_same_for_any_rows(learn: Learn) -> None:
    design = learn("y ~ g*x + C(k, 1) + log(x)", as_table(FRAME))
    X = as_array(design.matrix(as_table(FRAME)))
    for rows in (FRAME[:1], FRAME[::7], FRAME.sort_values("x"), FRAME[:0], FRAME[::-1]):
        np.testing.assert_array_equal(design.matrix(as_table(rows)), X[rows.index])
        assert design.target(as_table(rows)).tolist() == rows["y"].tolist()


def test_the_design_does_not_depend_on_how_the_training_rows_are_divided(learn: Learn) -> None:
    table = as_table(FRAME)
    whole = learn("y ~ g*x + C(k) + flag", table)
    for length in (1, 7, 59):
        parts = learn(
            "y ~ g*x + C(k) + flag", *(table.slice(i, length) for i in range(0, N, length))
        )
        assert parts.names == whole.names
        for name, learned in whole.statistics.items():
            assert parts.statistics[name].levels == learned.levels
            assert (parts.statistics[name].min, parts.statistics[name].max) == (
                learned.min,
                learned.max,
            )
            # The sums of parts are rounded one by one; measured 5e-16, for z, whose mean is near 0.
            assert parts.statistics[name].mean == (
                learned.mean and pytest.approx(learned.mean, rel=2e-15)
            )
        np.testing.assert_array_equal(parts.matrix(table), whole.matrix(table))


def test_levels_means_and_ranges_are_those_of_the_training_rows(learn: Learn) -> None:
    train = pa.table(
        {"y": [1.0, 2.0, 6.0], "x": [0.5, None, 2.5], "k": [3, -1, 3], "g": ["b", None, "a"]}
    )
    design = learn("y ~ x + C(k) + g", train, fill_missing=True)
    learned = design.statistics
    assert (learned["x"].mean, learned["x"].min, learned["x"].max, learned["x"].levels) == (
        1.5,
        0.5,
        2.5,
        None,
    )
    assert learned["k"].levels == (-1, 3)
    assert learned["g"].levels == ("a", "b")
    assert (learned["g"].mean, learned["y"].mean) == (None, 3.0)
    assert design.names == ("x", "C(k)[T.3]", "g[T.b]")


def test_levels_are_sorted_as_text_by_code_point_and_as_numbers_by_size(learn: Learn) -> None:
    train = pa.table(
        {
            "y": [0.0] * 4,
            "g": ["ä", "b", "B", "10"],
            "k": [10, 9, -1, 0],
            "f": [True, False, True, True],
        }
    )
    design = learn("y ~ 0 + g:C(k):f", train)
    assert design.statistics["g"].levels == ("10", "B", "b", "ä")
    assert design.statistics["k"].levels == (-1, 0, 9, 10)
    assert design.statistics["f"].levels == (False, True)
    assert design.names[:5] == (
        *tuple(f"g[{g}]:C(k)[-1]:f[False]" for g in ("10", "B", "b", "ä")),
        "g[10]:C(k)[0]:f[False]",
    )


@pytest.mark.parametrize("order", [["c", "a", "b"], ["b"], ["c", "b"]])
def test_levels_come_in_the_order_that_is_named_and_the_first_is_the_reference(
    learn: Learn, order: list[str]
) -> None:
    """As in pandas, whose categories have an order, and formulaic."""
    whole = [*order, *sorted({"a", "b", "c"} - set(order))]
    design = learn("y ~ g * x + h", as_table(FRAME), levels={"g": order})
    ordered = FRAME.assign(g=pd.Categorical(FRAME["g"], categories=whole))
    _, names, X, _ = with_formulaic("y ~ g * x + h", ordered)
    assert list(design.names) == names
    np.testing.assert_array_equal(as_array(design.matrix(as_table(FRAME))), X)
    assert design.statistics["g"].levels == tuple(whole)
    assert design.reference_levels == {"g": whole[0], "h": "u"}
    # A level that the formula names comes before.
    assert learn('y ~ C(g, "a")', as_table(FRAME), levels={"g": order}).reference_levels == {
        "C(g, 'a')": "a"
    }


def test_the_first_level_of_an_order_that_the_training_rows_have_is_the_reference(
    learn: Learn,
) -> None:
    train = pa.table({"y": [1.0, 2.0, 3.0], "g": ["low", "high", "medium"], "k": [3, 2, 1]})
    order = {"g": ["none", "low", "medium", "high"], "k": [2]}
    design = learn("y ~ g + C(k)", train, levels=order)
    assert design.names == ("g[T.medium]", "g[T.high]", "C(k)[T.1]", "C(k)[T.3]")
    assert design.reference_levels == {"g": "low", "C(k)": 2}
    # A full category has no reference level, and the order of its columns is the same.
    full = learn("y ~ 0 + g", train, levels=order)
    assert full.names == ("g[low]", "g[medium]", "g[high]")
    assert full.reference_levels == {}


def test_the_reference_level_of_an_order_is_not_pooled(learn: Learn) -> None:
    train = pa.table({"y": [float(i) for i in range(6)], "g": ["a", "a", "b", "b", "c", "d"]})
    design = learn("y ~ g", train, levels={"g": ["d"]}, pool=2)
    assert design.names == ("g[T.a]", "g[T.b]", "g[T.(other)]")
    assert design.reference_levels == {"g": "d"}


def error_of(
    design: Design, table: pa.Table, origin: object = "new.parquet", first_row: int = 1
) -> str:
    with pytest.raises(UserError) as error:
        design.matrix(table, origin, first_row)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_an_unseen_level_gets_the_reference_level_where_the_schema_says_so(learn: Learn) -> None:
    train = pa.table({"y": [1.0, 2.0, 3.0], "g": ["a", "b", "c"]})
    new = pa.table({"g": ["b", "new", "c", "a"]})
    design = learn('y ~ C(g, "b")', train, unseen="base")
    assert as_array(design.matrix(new)).tolist() == [[0, 0], [0, 0], [0, 1], [1, 0]]
    (warning,) = row_warnings(design, CoercedTable(new, {})).items()
    assert warning[0] == "unseen level, taken as the reference level: g"
    assert warning[1].tolist() == [False, True, False, False]
    # Without a reference level there is none to get.
    assert "'new'" in error_of(learn("y ~ 0 + g", train, unseen="base"), new)


@pytest.mark.parametrize("trained_on", [pa.float32(), pa.float64()])
@pytest.mark.parametrize("predicted_from", [pa.float16(), pa.float32(), pa.float64()])
def test_a_range_has_the_precision_of_the_cells(
    learn: Learn, trained_on: pa.DataType, predicted_from: pa.DataType
) -> None:
    cells = [0.1, 0.7, 0.3]
    design = learn("y ~ x", pa.table({"y": [1.0, 2.0, 3.0], "x": pa.array(cells, trained_on)}))

    def outside(*x: float) -> list[bool]:
        new = pa.table({"x": pa.array(np.array(x, predicted_from.to_pandas_dtype()))})
        warnings = row_warnings(design, coerce(new, design.schema, "new"))
        is_outside = warnings.get("outside the training range: x", np.zeros(len(x), bool))
        return list(is_outside)

    assert outside(*cells) == [False] * 3
    assert outside(0.09, 0.71, 0.5) == [True, True, False]
    if trained_on == predicted_from == pa.float64():
        assert outside(np.nextafter(0.1, 0), np.nextafter(0.7, 1)) == [True, True]


def test_a_whole_number_just_beyond_the_range_is_outside_it(learn: Learn) -> None:
    # Single precision would not tell the two apart.
    design = learn("y ~ x", pa.table({"y": [1.0, 2.0], "x": [0, 2**24]}))
    new = coerce(pa.table({"x": [2**24, 2**24 + 1]}), design.schema, "new")
    (rows,) = row_warnings(design, new).values()
    assert rows.tolist() == [False, True]


@pytest.mark.parametrize("type_", [pa.float16(), pa.float32(), pa.float64()])
def test_a_sentinel_is_found_in_cells_of_any_precision(learn: Learn, type_: pa.DataType) -> None:
    table = pa.table({"y": [1.0, 2.0, 3.0], "x": [0.5, 1.5, -99.9]})
    design = learn("y ~ x", table, sentinels={"x": [-99.9]}, fill_missing=True)
    cells = pa.array(np.array([1.0, -99.9], type_.to_pandas_dtype()))
    new = coerce(pa.table({"x": cells}), design.schema, "new")
    assert new.table["x"].to_pylist() == [1.0, None]


def test_pooled_levels_are_one_column_and_unseen_levels_belong_to_it(learn: Learn) -> None:
    levels = ["a"] * 3 + ["b"] * 3 + ["c", "d"]
    train = pa.table({"y": [float(i) for i in range(8)], "g": levels})
    design = learn("y ~ g", train, pool=2)
    assert design.names == ("g[T.b]", "g[T.(other)]")
    new = pa.table({"g": ["b", "new", "c", "a"]})
    assert as_array(design.matrix(new)).tolist() == [[1, 0], [0, 1], [0, 1], [0, 0]]
    assert not row_warnings(design, CoercedTable(new, {}))
    # A reference level is not pooled.
    design = learn('y ~ C(g, "d")', train, pool=2)
    assert design.names == tuple(f"C(g, 'd')[T.{level}]" for level in ("a", "b", "(other)"))


@pytest.mark.parametrize("model", [{"unseen": "base"}, {"pool": 2}])
def test_a_missing_level_is_an_error_whatever_becomes_of_unseen_ones(
    learn: Learn, model: dict[str, Any]
) -> None:
    train = pa.table({"y": [1.0, 2.0, 3.0, 4.0], "g": ["a", "b", "a", "c"]})
    new = pa.table({"g": ["a", None]})
    assert "row 2: column g: is missing" in error_of(learn("y ~ g", train, **model), new)


def test_an_unseen_level_is_an_error_with_column_level_and_row(learn: Learn) -> None:
    design = learn("y ~ x + g", as_table(FRAME))
    new = pa.table({"x": [1.0, 2.0, 3.0], "g": ["a", "b", "zebra"]})
    assert error_of(design, new, first_row=101) == (
        "new.parquet: row 103: column g: holds a level that the training rows do not have; "
        "found 'zebra'; known levels: a, b, c"
    )


@pytest.mark.parametrize(
    ("formula", "cells", "found"),
    [
        ("y ~ C(k)", pa.array([0, 7]), "7"),
        ("y ~ C(u)", pa.array([0.5, 2.25]), "2.25"),
        ("y ~ g", ["a", ""], "''"),
    ],
)
def test_an_unseen_level_of_any_type_is_an_error(
    learn: Learn, formula: str, cells: Any, found: str
) -> None:
    column = formula.removeprefix("y ~ ").removeprefix("C(").removesuffix(")")
    message = error_of(learn(formula, as_table(FRAME)), pa.table({column: cells}))
    assert f"row 2: column {column}: holds a level" in message
    assert f"found {found};" in message


@pytest.mark.parametrize(("cell", "message"), [("two", "holds a level that"), (None, "is missing")])
def test_a_category_with_one_level_is_checked_although_it_has_no_column(
    learn: Learn, cell: str | None, message: str
) -> None:
    design = learn("y ~ x + one", as_table(FRAME))
    assert design.names == ("x",)
    new = pa.table({"x": [1.0, 2.0], "one": pa.array(["only", cell], pa.string())})
    assert f"row 2: column one: {message}" in error_of(design, new)


def test_a_long_list_of_levels_is_shortened(learn: Learn) -> None:
    design = learn("y ~ C(k)", pa.table({"y": [0.0] * 500, "k": range(500)}))
    message = error_of(design, pa.table({"k": [-1]}))
    assert message.endswith("known levels: " + ", ".join(map(str, range(20))) + ", …")


@pytest.mark.parametrize("name", ["x", "k", "g", "flag"])
def test_a_missing_cell_is_an_error_with_column_and_row(learn: Learn, name: str) -> None:
    design = learn("y ~ x + C(k) + g + flag", as_table(FRAME))
    table = as_table(FRAME)
    cells = [None if i == 4 else cell for i, cell in enumerate(table.column(name).to_pylist())]
    index = table.column_names.index(name)
    broken = table.set_column(
        index, table.schema.field(name), pa.array(cells, table.schema.field(name).type)
    )
    assert (
        error_of(design, broken)
        == f"new.parquet: row 5: column {name}: is missing; fill the cell or leave the row out"
    )


def test_a_missing_number_is_filled_with_the_training_mean_where_the_schema_says_so(
    learn: Learn,
) -> None:
    train = pa.table({"y": [1.0, 2.0, 3.0], "x": [1.0, None, 4.0]})
    design = learn("y ~ x + I(x**2)", train, fill_missing=True)
    filled = as_array(design.matrix(pa.table({"x": pa.array([None, 10.0])})))
    assert filled.tolist() == [[2.5, 6.25], [10.0, 100.0]]
    assert "is missing" in error_of(learn("y ~ x", train), train)


def test_rows_with_a_mean_or_a_number_out_of_range_are_named_once_a_column(learn: Learn) -> None:
    train = pa.table({"y": [1.0, 2.0, 3.0], "x": [1.0, None, 4.0], "z": [0, 1, 0]})
    new = CoercedTable(pa.table({"x": pa.array([None, 4.0, 4.5]), "z": [0, 1, 1]}), {})
    filling = learn("y ~ x + I(x**2) + z", train, fill_missing=True)
    warnings = {text: rows.tolist() for text, rows in row_warnings(filling, new).items()}
    assert warnings == {
        "filled with the mean: x": [True, False, False],
        "outside the training range: x": [False, False, True],
    }


def test_a_missing_category_is_never_filled(learn: Learn) -> None:
    train = pa.table({"y": [1.0, 2.0, 3.0], "k": [1, None, 3]})
    assert "row 2: column k: is missing" in error_of(
        learn("y ~ C(k)", train, fill_missing=True), train
    )


def test_a_missing_target_is_never_filled(learn: Learn) -> None:
    train = pa.table({"y": [1.0, None, 3.0], "x": [1.0, 2.0, 3.0]})
    design = learn("y ~ x", train, fill_missing=True)
    with pytest.raises(UserError, match="row 2: column y: is missing"):
        design.target(train)


@pytest.mark.parametrize(
    ("formula", "x", "where", "found"),
    [
        ("y ~ log(x)", 0.0, "log(x)", "x = 0"),
        ("y ~ sqrt(x)", -2.0, "sqrt(x)", "x = -2"),
        ("y ~ I(1 / x)", 0.0, "I(1 / x)", "x = 0"),
        ("y ~ exp(x)", 1e3, "exp(x)", "x = 1000"),
        ("y ~ x", math.inf, "column x", "x = inf"),
        ("y ~ x", math.nan, "column x", "x = nan"),
    ],
)
def test_a_value_that_is_not_finite_is_an_error_with_its_row(
    learn: Learn, formula: str, x: float, where: str, found: str
) -> None:
    design = learn(formula, as_table(FRAME))
    message = error_of(design, pa.table({"x": [1.0, x]}))
    assert message == f"new.parquet: row 2: {where}: is not finite; found {found}"


def test_a_product_of_finite_factors_that_overflows_is_an_error_with_its_row(learn: Learn) -> None:
    design = learn("y ~ x:z", as_table(FRAME))
    assert "row 2" in error_of(design, pa.table({"x": [1.0, 1e200], "z": [1.0, 1e200]}))


def test_a_reference_level_that_the_training_rows_lack_is_an_error(learn: Learn) -> None:
    design = learn('y ~ C(g, "q")', as_table(FRAME))
    message = (
        r"the reference level of C\(g, 'q'\) is not in the training rows; found 'q'; "
        r"use one of 'a', 'b', 'c'"
    )
    with pytest.raises(UserError, match=message):
        _ = design.names


@pytest.mark.parametrize(
    ("formula", "level"), [("y ~ C(k, True)", 1), ("y ~ C(u, 10)", 10.0), ("y ~ C(flag, 1)", True)]
)
def test_a_reference_level_is_compared_with_levels_as_numbers(
    learn: Learn, formula: str, level: object
) -> None:
    design = learn(formula, as_table(FRAME))
    assert not any(name.endswith(f"[T.{level}]") for name in design.names)


def test_an_integer_is_the_float64_nearest_to_it(learn: Learn) -> None:
    large = 2**53 + 1
    table = pa.table({"y": [1.0, 2.0], "k": [large, 3]})
    assert as_array(learn("y ~ k", table).matrix(table))[:, 0].tolist() == [float(large), 3.0]


def test_a_formula_without_features_gives_a_matrix_without_columns(learn: Learn) -> None:
    table = as_table(FRAME)
    design = learn("y ~ 1", table)
    assert design.names == ()
    assert design.matrix(table).shape == (N, 0)


def test_the_matrix_is_column_major_float64(learn: Learn) -> None:
    X = as_array(learn("y ~ x + g", as_table(FRAME)).matrix(as_table(FRAME)))
    assert X.flags.f_contiguous
    assert X.dtype == np.float64


def test_terms_have_the_columns_of_the_formula_in_its_order(learn: Learn) -> None:
    design = learn('y ~ z + C(g, "b")*x + h:g', as_table(FRAME))
    assert [name for term in design.terms for name in term.names] == list(design.names)
    by_text = {term.text: term for term in design.terms}
    assert by_text["z"].names == ("z",)
    assert by_text["z"].reference_levels == {}
    (category,) = [text for text in by_text if text.startswith("C(g")][:1]
    assert dict(by_text[category].reference_levels) == {category: "b"}
    assert all("[T." in name for name in by_text[category].names)


def test_a_category_with_all_its_levels_has_no_reference_level(learn: Learn) -> None:
    (term,) = learn("y ~ 0 + g", as_table(FRAME)).terms
    assert (len(term.names), term.reference_levels) == (3, {})
