"""Which columns of a design are powers of others, and of which."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.compact_matrix import as_array
from linreg.data.formula.design import Design

RANDOM = np.random.default_rng(5)
TABLE = pa.table(
    {
        "x": RANDOM.uniform(1, 3, 60),
        "z": RANDOM.uniform(-3, 3, 60),
        "x 1": RANDOM.uniform(2, 5, 60),
        "g": RANDOM.choice(list("abc"), 60).tolist(),
        "y": RANDOM.normal(size=60),
    }
)
G = "g[T.b]", "g[T.c]"


def monomials(learn: Callable[..., Design], terms: str) -> dict[str, list[str]]:
    design = learn(f"y ~ {terms}", TABLE)
    names = design.names
    return {
        names[column]: [names[factor] for factor in factors]
        for column, factors in design.layout.monomials
    }


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("x + I(x**2) + I(x^3)", {"I(x ** 2)": ["x"] * 2, "I(x ** 3)": ["x"] * 3}),
        ("I(x**2) + x", {"I(x ** 2)": ["x", "x"]}),
        ("x + {x*x*x}", {"x * x * x": ["x"] * 3}),
        ("x + x:I(x**2)", {"x:I(x ** 2)": ["x"] * 3}),
        ("x + I((x**2)**2)", {"I((x ** 2) ** 2)": ["x"] * 4}),
        (
            "poly(x, 3, raw=TRUE)",
            {f"poly(x, 3, raw=TRUE)[{k}]": ["poly(x, 3, raw=TRUE)[1]"] * k for k in (2, 3)},
        ),
        ("x + z + z:I(x**2)", {"z:I(x ** 2)": ["x", "x", "z"]}),
        ("x + z + I(x*z**2)", {"I(x * z ** 2)": ["x", "z", "z"]}),
        ("`x 1` + I(`x 1`**2)", {"I(`x 1` ** 2)": ["x 1"] * 2}),
        ("log(x) + I(log(x)**2)", {"I(log(x) ** 2)": ["log(x)"] * 2}),
        ("I(x/7) + I((x/7)**2)", {"I((x / 7) ** 2)": ["I(x / 7)"] * 2}),
        ("center(x) + I(center(x)**2)", {"I(center(x) ** 2)": ["center(x)"] * 2}),
        ("g + g:x + g:I(x**2)", {f"g[{k}]:I(x ** 2)": [f"g[{k}]:x"] * 2 for k in "abc"}),
        (
            "g*x + I(x**2)*g",
            {"I(x ** 2)": ["x"] * 2} | {f"I(x ** 2):{k}": [f"{k}:x"] * 2 for k in G},
        ),
    ],
)
def test_powers_follow_from_the_column_itself(
    learn: Callable[..., Design], terms: str, expected: dict[str, list[str]]
) -> None:
    assert monomials(learn, terms) == expected
    X = as_array(learn(f"y ~ {terms}", TABLE).matrix(TABLE))
    for column, factors in learn(f"y ~ {terms}", TABLE).layout.monomials:
        np.testing.assert_allclose(X[:, column], X[:, factors].prod(axis=1), rtol=1e-15)


@pytest.mark.parametrize(
    "terms",
    [
        "I(x**2) + I(x**3)",
        "x*z",
        "x + I(2*x) + log(x)",
        "x + I((x - 1)**2)",
        "poly(x, 3) + bs(z, df=4)",
        "C(g, Sum)*I(x**2) + z",
        "g",
    ],
)
def test_other_columns_do_not(learn: Callable[..., Design], terms: str) -> None:
    """Without x there is nothing that its powers follow from."""
    assert monomials(learn, terms) == {}
