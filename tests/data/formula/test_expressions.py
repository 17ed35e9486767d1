import ast
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.formula.expressions import FUNCTIONS, parse_expression
from linreg.data.formula.grammar.syntax_tree import LARGEST_POWER
from linreg.errors import UserError

COLUMNS = {
    "x": np.array([1.5, -2.25, 0.1, 1e10]),
    "z": np.array([3.0, 0.5, -7.0, 1e-5]),
    "a name": np.array([2.0, 4.0, 8.0, 16.0]),
    "_quoted_0_": np.array([5.0, 6.0, 7.0, 8.0]),
}

NUMBERS = st.one_of(st.integers(0, 10**6).map(str), st.floats(0, 1e6).map(repr))
LEAVES = st.one_of(st.sampled_from(["x", "z"]), NUMBERS)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.integers(1, 4)).map(lambda t: f"{t[0]}**{t[1]}"),
        inner.map(lambda t: f"-{t}"),
        inner.map(lambda t: f"I({t})"),
        inner.map(lambda t: f"abs({t})"),
        inner.map(lambda t: f"sqrt({t})"),
    ),
    max_leaves=8,
)


def in_python(text: str, x: float, z: float) -> float:
    """The value by Python's own float arithmetic, with powers multiplied out; NaN where Python
    raises.
    """

    def value(node: ast.expr) -> float:
        match node:
            case ast.Name(id=name):
                return {"x": x, "z": z}[name]
            case ast.Constant(value=number):
                return float(str(number))
            case ast.UnaryOp(operand=operand):
                return -value(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() as power)):
                base = value(left)
                result = base
                for _ in range(power - 1):
                    result *= base
                return result
            case ast.BinOp(left=left, op=op, right=right):
                a, b = value(left), value(right)
                match op:
                    case ast.Add():
                        return a + b
                    case ast.Sub():
                        return a - b
                    case ast.Mult():
                        return a * b
                    case _:
                        return a / b
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                functions: dict[str, Callable[[float], float]] = {
                    "I": float,
                    "abs": abs,
                    "sqrt": math.sqrt,
                }
                return functions[name](value(argument))
        raise AssertionError(ast.dump(node))

    try:
        return value(ast.parse(text, mode="eval").body)
    except (ZeroDivisionError, ValueError, OverflowError):
        return math.nan


@given(TREES, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_an_expression_has_the_value_of_python_arithmetic_bit_for_bit(
    text: str, x: float, z: float
) -> None:
    expected = in_python(text, x, z)
    found = np.broadcast_to(parse_expression(text)({"x": np.array([x]), "z": np.array([z])}), (1,))
    if math.isfinite(expected):
        assert float(found[0]) == expected


@pytest.mark.parametrize(
    ("name", "function"), [("exp", math.exp), ("log", math.log), ("log10", math.log10)]
)
def test_exp_and_log_are_those_of_the_math_module(
    name: str, function: Callable[[float], float]
) -> None:
    x = np.array([0.1, 1.0, 2.5, 100.0])
    found = parse_expression(f"{name}(x)")({"x": x})
    np.testing.assert_array_max_ulp(
        found, np.array([function(value) for value in x.tolist()]), maxulp=3
    )


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("I(x**2)", ("x",)),
        ("x / z + x", ("x", "z")),
        ("`a name` * z", ("a name", "z")),
        ("log(`a name`)", ("a name",)),
        ("-x", ("x",)),
        ("`x`", ("x",)),
        ("1 + 2", ()),
        ("I(log)", ("log",)),
        ("`x``z` + `a:b`", ("x`z", "a:b")),
        ("Sepal.Length / x.T", ("Sepal.Length", "x.T")),
        # Python's words are names,
        ("class + yield / import - None * True", ("class", "yield", "import", "None", "True")),
        # and a name is as it is written: NFKC makes of these μg, No, Å, fi and x.
        ("log(µg) + Nº * \u212b - ﬁ / ｘ", ("µg", "Nº", "\u212b", "ﬁ", "ｘ")),
        ("cafe\u0301 + ℘", ("cafe\u0301", "℘")),
        ('Q("a name") + Q("x")', ("a name", "x")),
    ],
)
def test_an_expression_lists_its_columns_in_order(text: str, columns: tuple[str, ...]) -> None:
    assert parse_expression(text).columns == columns


@pytest.mark.parametrize(
    "text", ["I(_quoted_0_ + `a name`)", "I(`a name` + _quoted_0_)", "`_quoted_0_` + `a name`"]
)
def test_a_column_named_like_the_placeholder_of_a_quoted_name_is_not_confused(text: str) -> None:
    expression = parse_expression(text)
    assert set(expression.columns) == {"a name", "_quoted_0_"}
    np.testing.assert_array_equal(expression(COLUMNS), [7.0, 10.0, 15.0, 24.0])


def test_a_value_that_is_not_finite_is_computed_without_a_warning() -> None:
    x = {"x": np.array([0.0, -1.0, 1e308])}
    np.testing.assert_array_equal(parse_expression("1 / x")(x), [np.inf, -1.0, 1e-308])
    np.testing.assert_array_equal(parse_expression("sqrt(x)")(x), [0.0, np.nan, 1e154])
    np.testing.assert_array_equal(parse_expression("x * 10")(x), [0.0, -10.0, np.inf])
    np.testing.assert_array_equal(parse_expression("log(x)")(x)[:2], [-np.inf, np.nan])


@pytest.mark.parametrize("text", ["x**2", "I(x)", "`x`", "x + 0", "-x", "sqrt(abs(x))"])
def test_an_expression_does_not_change_its_columns(text: str) -> None:
    before = {name: values.copy() for name, values in COLUMNS.items()}
    result = parse_expression(text)(COLUMNS)
    assert result.shape == (4,)
    for name, values in COLUMNS.items():
        np.testing.assert_array_equal(values, before[name])


def test_a_hat_is_a_power_as_in_r() -> None:
    np.testing.assert_array_equal(parse_expression("-x^2")(COLUMNS), -(COLUMNS["x"] ** 2))


def test_powers_are_multiplied_out_up_to_the_largest() -> None:
    x = np.array([1.1, -3.0])
    found = parse_expression(f"x**{LARGEST_POWER}")({"x": x})
    expected = x
    for _ in range(LARGEST_POWER - 1):
        expected = expected * x
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(UserError):
        parse_expression(f"x**{LARGEST_POWER + 1}")


@pytest.mark.parametrize(
    "text", ["x**0", "x**-1", "x**2.0", "x**z", "x**True", "2**x", "x**x**2", "x**(1+1)"]
)
def test_only_positive_integers_are_supported_as_powers(text: str) -> None:
    with pytest.raises(UserError, match="not supported"):
        parse_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "(",
        "x +",
        "x x",
        "x; z",
        "x = 1",
        "x\nz",
        "\0",
        "`x",
        "x if z else 1",
        "x > 1",
        "x and z",
        "not x",
        "~x",
        "x // 2",
        "x % 2",
        "x @ z",
        "x << 1",
        "x & z",
        "x.mean()",
        "1st",
        "0x",
        "Q()",
        "Q('x', 1)",
        "Q('')",
        "x[0]",
        "(x, z)",
        "[x]",
        "{x}",
        "*x",
        "'x'",
        "b'x'",
        "f'{x}'",
        "...",
        "1j",
        "1e400",
        "9" * 400,
        "9" * 5000,
        "lambda: x",
        "(x := 1)",
        "await x",
        "[x for x in z]",
        "open('a')",
        "__import__('os')",
        "np.tan(x)",
        "log(x, z)",
        "log()",
        "log(x=1)",
        "log(*x)",
        "I(x)(z)",
        "(lambda: x)()",
        "eval('x')",
        "max(x)",
        "-" * 5000 + "x",
        "(" * 5000 + "x" + ")" * 5000,
        "+".join("x" * 20_000),
        "I(" * 60 + "x" + ")" * 60,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_anything_else_is_an_error_that_lists_what_is_supported(text: str) -> None:
    with pytest.raises(UserError) as error:
        parse_expression(text)
    message = str(error.value)
    assert message.startswith(
        "params.yaml: model.formula: contains an expression that is not supported; found"
    )
    assert all(name in message for name in FUNCTIONS)
    assert len(message) < 500


@pytest.mark.parametrize("nested", [1, 10, 50])
def test_up_to_50_levels_of_nesting_are_supported(nested: int) -> None:
    expression = parse_expression("sqrt(" * nested + "x" + ")" * nested)
    assert expression({"x": np.array([1.0])}).tolist() == [1.0]
    with pytest.raises(UserError, match="not supported"):
        parse_expression("sqrt(" * 51 + "x" + ")" * 51)
