from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data.formula.compact_matrix import as_array
from linreg.data.formula.design import Design
from linreg.data.formula.grammar.tokens import in_back_quotes
from linreg.data.formula.schema import Schema

Learn = Callable[..., Design]

RNG = np.random.default_rng(5)
N = 24
NUMBERS = ["v1", "v2", "v3"]
CATEGORIES = ["v4", "v5"]
TABLE = pa.table(
    {
        "y": RNG.normal(size=N),
        **{name: RNG.uniform(1, 9, N) for name in NUMBERS},
        "v4": RNG.permutation(["b", "T.b", "a"] * 8),
        "v5": RNG.permutation(["b", "b]:v4[T.b", "c", "`"] * 6),
    }
)
# Names of columns that are also names of factors, of products or of levels.
NASTY = [
    "b", "`b`", "1", "0", "~", "a", "a:c", "c", "c:a", "log(a)", "log(`a`)", "C(g)", "g", "g[T.b]",
    "g[b]", "g[T.T.b]", "`g`[T.b]", "I(a ** 2)", "`a`", "``", "a (2)", "b (2)", ":", ".", "h",
]  # fmt: skip
FORMULAS = [
    "y ~ {v1} + {v2} + {v3} + {v4} + {v5}",
    "y ~ .",
    "y ~ {v1}*{v2} + {v3}",
    "y ~ {v1}*{v2}*{v3} + {v4}",
    "y ~ log({v1}) + {v2} + {v3} + I({v1}**2) + C({v5})",
    "y ~ C({v4}) + {v5} + {v1} - 1",
    "y ~ 0 + {v4}:{v5} + {v1}",
    "y ~ {v4}*{v5} + {v4}:{v1} + {v2}",
]


@pytest.mark.parametrize(
    ("columns", "formula", "names"),
    [
        # Usual names are made of the texts of factors.
        (["x", "a b"], "y ~ x*`a b`", ("x", "a b", "x:a b")),
        (["x", "1"], "y ~ `1` + log(x)", ("1", "log(x)")),
        # b is the intercept.
        (["b", "`b`"], "y ~ .", ("`b`", "```b```")),
        # A column that has the name of another coefficient is the one in back-quotes.
        (["a", "log(a)"], "y ~ log(a) + `log(a)`", ("log(a)", "`log(a)`")),
        (["a", "c", "a:c"], "y ~ a:c + `a:c`", ("`a:c`", "a:c")),
        (["a", "c", "a:c", "c:a"], "y ~ `a:c`:a + a:`c:a`", ("`a:c`:a", "a:`c:a`")),
    ],
)
def test_two_coefficients_never_share_a_name(
    columns: list[str], formula: str, names: tuple[str, ...], learn: Learn
) -> None:
    numbers = {name: RNG.uniform(1, 9, N) for name in columns}
    assert learn(formula, pa.table({"y": TABLE["y"], **numbers})).names == names


def test_levels_that_make_two_names_the_same_are_numbered(learn: Learn) -> None:
    table = pa.table(
        {
            "y": [1.0, 2.0, 3.0, 4.0, 5.0],
            "g": ["a", "b", "b]:h[T.c", "a", "b"],
            "h": ["a", "c", "a", "c", "c"],
        }
    )
    names = learn("y ~ g*h", table).names
    assert names == (
        "g[T.b]",
        "g[T.b]:h[T.c]",
        "h[T.c]",
        "g[T.b]:h[T.c] (2)",
        "g[T.b]:h[T.c]:h[T.c]",
    )


@settings(max_examples=150)
@given(st.data())
def test_a_table_with_any_names_has_the_columns_of_the_one_with_plain_names(
    learn: Learn, data: st.DataObject
) -> None:
    formula = data.draw(st.sampled_from(FORMULAS))
    plain = [*NUMBERS, *CATEGORIES]
    drawn = data.draw(st.lists(st.sampled_from(NASTY), min_size=5, max_size=5, unique=True))
    expected = learn(formula.format(**{name: name for name in plain}), TABLE)
    table = TABLE.rename_columns(["y", *drawn])
    quoted = dict(zip(plain, map(in_back_quotes, drawn), strict=True))
    found = learn(formula.format(**quoted), table)
    assert len(set(found.names)) == len(found.names) == len(expected.names)
    assert "b" not in found.names
    np.testing.assert_array_equal(as_array(found.matrix(table)), as_array(expected.matrix(TABLE)))
    # The reference level of each category is kept, under a name of its own.
    assert [list(term.reference_levels.values()) for term in found.terms] == [
        list(term.reference_levels.values()) for term in expected.terms
    ]
    # What schema.json holds is enough.
    again = Schema.from_data(found.schema.as_data(), "schema.json")  # type: ignore[arg-type]
    assert Design.fit(again, [table]).names == found.names
