import json
import time
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.grammar.tokens import in_back_quotes, quote_name
from linreg.errors import UserError

NAMES = ["y", "x", "z", "g", "h", "a name"]
CATEGORIES = frozenset({"g", "h"})
SECONDS = 2.0
"""Far more than any formula below takes (0.2 s at most), and less than anybody waits for."""

FORMULAS = [
    "y ~ x",
    "y ~ x + z",
    "y ~ .",
    "y ~ . - x",
    "y ~ .**2",
    "y ~ 0 + x",
    "y ~ x - 1",
    "y ~ 1",
    "y ~ g",
    "y ~ 0 + g",
    "y ~ g*h",
    "y ~ g:h",
    "y ~ 0 + g:h",
    "y ~ x:g",
    "y ~ g/x",
    "y ~ x %in% g",
    "y ~ (x + z + g)**2",
    "y ~ (x + z)^2",
    'y ~ C(g, "b")',
    "y ~ C(z, 2)",
    "y ~ C(z, 2.5)",
    "y ~ C(`a name`)*g",
    "y ~ `a name`:x",
    "y ~ I(x**2)",
    "y ~ log(x) + exp(z)",
    "y ~ {x / z}",
    "y ~ {x / z}:g",
    "y ~ I(`a name` / x)",
    "log(y) ~ x",
    "{y / x} ~ z",
    "`a name` ~ x",
    "y ~ x\n  + z",
    "y ~ x + x",
    "y ~ (x)",
    "y ~ C(x):x",
    "I(y - x) ~ x",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_with_every_term_written_out_means_the_same(text: str) -> None:
    parsed = parse_formula(text, NAMES, CATEGORIES)
    # `.` is written out, so that no names are needed.
    again = parse_formula(str(parsed), [], CATEGORIES)
    assert again == parsed
    assert str(again) == str(parsed)
    assert design_spec(again) == design_spec(parsed)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("y ~ .", "y ~ x + z + g + h + `a name`"),
        ("y ~ . - g", "y ~ x + z + h + `a name`"),
        ("x ~ .", "x ~ y + z + g + h + `a name`"),
        ("log(y) ~ x", "log(y) ~ x"),
        ("y~x*z", "y ~ x + z + x:z"),
        ("y ~ x - 1", "y ~ 0 + x"),
        ("y ~ 1", "y ~ 1"),
        ("y ~ {x**2}", "y ~ {x ** 2}"),
        ("y ~ x:g + x", "y ~ x + x:g"),
        # nothing of it is executed
        ("y ~ I(x.__class__)", "y ~ I(x.__class__)"),
        ("y ~ Q('a name') + log(Q('x'))", "y ~ `a name` + log(`x`)"),
        ("y ~ {log(x) + exp(z)}:g", "y ~ {log(x) + exp(z)}:g"),
    ],
)
def test_a_formula_is_written_out_term_by_term(text: str, written: str) -> None:
    assert str(parse_formula(text, NAMES, CATEGORIES)) == written


# Worked out by hand from the rules of `formula` and `terms.formula` in R's documentation.
IN_R = [
    # 1 and 0 are the intercept wherever they stand; the last one counts
    ("y ~ (x - 1)", "y ~ 0 + x"),
    ("y ~ (0 + x) + z", "y ~ 0 + x + z"),
    ("y ~ x + 0", "y ~ 0 + x"),
    ("y ~ x - 0", "y ~ x"),
    ("y ~ -1 + x", "y ~ 0 + x"),
    ("y ~ x + -1", "y ~ 0 + x"),
    ("y ~ 0 + 1 + x", "y ~ x"),
    ("y ~ 1 + 0 + x", "y ~ 0 + x"),
    ("y ~ x - 1 + 1", "y ~ x"),
    ("y ~ x + (z + (-1))", "y ~ 0 + x + z"),
    ("y ~ x - (z - 1)", "y ~ x"),
    ("y ~ (x - 1)*z", "y ~ 0 + x + z + x:z"),
    ("y ~ (x + z - 1)^2", "y ~ 0 + x + z + x:z"),
    ("y ~ (0 + x):z", "y ~ 0 + x:z"),
    ("y ~ x + 1.0", "y ~ x"),
    ("y ~ . - 1", "y ~ 0 + x + z + g + h + `a name`"),
    # products
    ("y ~ x %in% g", "y ~ x:g"),
    ("y ~ x + z %in% x", "y ~ x + x:z"),
    ("y ~ x %in% (g + h)", "y ~ x:g:h"),
    ("y ~ (x + z) %in% g", "y ~ x:g + z:g"),
    ("y ~ x/z", "y ~ x + x:z"),
    ("y ~ x/(z + g)", "y ~ x + x:z + x:g"),
    ("y ~ (x + z)/g", "y ~ x + z + x:z:g"),
    ("y ~ x/z/g", "y ~ x + x:z + x:z:g"),
    ("y ~ x*z/g", "y ~ x + z + x:z + x:z:g"),
    ("y ~ x*z - x:z", "y ~ x + z"),
    ("y ~ x*z - z:x", "y ~ x + z"),
    ("y ~ (x + z)^2 - x", "y ~ z + x:z"),
    ("y ~ (x + z + g)^3", "y ~ x + z + g + x:z + x:g + z:g + x:z:g"),
    ("y ~ x^2", "y ~ x"),
    ("y ~ x:x", "y ~ x"),
    ("y ~ x*x", "y ~ x"),
    ("y ~ x + x + z + x", "y ~ x + z"),
    ("y ~ x:z + z:x", "y ~ x:z"),
    ("y ~ x*z %in% g", "y ~ x + z:g + x:z:g"),
    ("y ~ z*x:g", "y ~ z + x:g + z:x:g"),
    # what is left out
    ("y ~ x - x", "y ~ 1"),
    ("y ~ x + z - x", "y ~ z"),
    ("y ~ x - z", "y ~ x"),
    ("y ~ x - (z + x)", "y ~ 1"),
    ("y ~ (. - x)*z", "y ~ z + g + h + `a name` + z:g + z:h + `a name`:z"),
    ("y ~ (((x)))", "y ~ x"),
    ("y ~ I(x + z)", "y ~ I(x + z)"),
    ("y ~ I(x^2)", "y ~ I(x ** 2)"),
]


def terms_of(
    text: str, categories: frozenset[str] = CATEGORIES
) -> tuple[bool, set[frozenset[str]]]:
    parsed = parse_formula(text, NAMES, categories)
    return parsed.intercept, {frozenset(f.text for f in term) for term in parsed.terms}


@pytest.mark.parametrize(("text", "meaning"), IN_R)
def test_a_formula_has_the_terms_that_it_has_in_r(text: str, meaning: str) -> None:
    assert terms_of(text) == terms_of(meaning)


@pytest.mark.parametrize("exponent", [2, 3, 4])
def test_a_power_of_a_sum_has_every_product_of_so_many_of_its_terms(exponent: int) -> None:
    names = [f"x{i}" for i in range(7)]
    parsed = parse_formula(f"y ~ ({' + '.join(names)})^{exponent}", [])
    expected = [c for size in range(1, exponent + 1) for c in combinations(names, size)]
    assert [tuple(f.text for f in term) for term in parsed.terms] == expected


@pytest.mark.parametrize(
    "text",
    [
        "y ~ x || z",
        "y ~ x & z",
        "y ~ x == z",
        "y ~ x > 1",
        "y ~ x in g",
        "y ~ x:1",
        "y ~ 1:x",
        "y ~ x*1",
        "y ~ 0/x",
        "y ~ -x:z",
        "y ~ x*-z",
        "y ~ (x + z)^z",
        "y ~ (x + z)^2^2",
        "y ~ x ~ z",
        "y ~ (x ~ z)",
        "y ~ 1 - 1",
        "y ~ offset(x):z",
        "poly(y, 2) ~ x",
        "offset(y) ~ x",
        "y ~ poly(x, 0)",
        "y ~ poly(x, 2, simple=TRUE)",
        "y ~ bs(x, df=2)",
        "y ~ bs(x, df=5, knots=c(1, 2))",
        "y ~ ns(x, knots=c(1, Inf))",
        "y ~ cut(x)",
        "y ~ cut(x, 1)",
        "y ~ cut(x, c(1, 1, 2))",
        "y ~ cut(x, 3, labels=c('low', 'high'))",
        "y ~ I(x + month(x))",
        "y ~ log(x, 2)",
        "y ~ factor(x)",
        "y ~ as.factor(x)",
        "y ~ s(x)",
        "y ~ (1 | g)",
        "cbind(y, z) ~ x",
        "y, z ~ x",
        ". ~ x",
        "-y ~ x",
        "y ~ x$z",
        "y ~ x %*% z",
        "y ~ x %/% z",
        "y ~ (x, z)",
        "y ~ !x",
    ],
)
def test_what_means_something_else_in_r_or_nothing_is_refused(text: str) -> None:
    assert error_of(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ bs(x, df=2)", ": bs(x, df=2): df must be a whole number from 3 to 200"),
        ("y ~ poly(x, degre=2)", ": poly(x, degre=2): has no argument degre; it has degree, raw"),
        ("y ~ C(g, Sum(1))", ": C(g, Sum(1)): Sum has no arguments"),
        (
            "y ~ C(g, Foo)",
            ": C(g, Foo): names no contrast, which are Treatment, Sum, Helmert, Poly, Diff, and no "
            'level, which is quoted as in "a"',
        ),
        *(
            (
                f"y ~ {text}",
                ": has np.log(), which is not among the functions of a formula; found np.log(x); "
                "write log(x)",
            )
            for text in ("np.log(x)", "x + I(2 * np.log(x))", "offset(np.log(x))")
        ),
    ],
)
def test_an_error_about_a_call_names_the_call_and_what_it_can_be(text: str, message: str) -> None:
    assert error_of(text) == f"params.yaml: model.formula{message}"


# Every name is one that the grammar, or another factor, has a meaning for.
NASTY = [
    "1", "0", "~", "+", "-1", "-", ":", ".", "a:b", "a", "b", "log(a)", "C(g)", "g", "g[T.b]",
    "I(a ** 2)", "`a`", "`", "``", " ", "a b", "%in%", "^", "(", ")", "{a}", "'", '"a"', "class",
    "yield", "None", "True", "µg", "μg", "Nº", "No", "ﬁ", "fi", "a.b", "é", "e\u0301", "\\", "C",
    "I", "log", "Q", "Q('a')", "_quoted0", "1st", "(other)", "a + b", "0 + a", "$", "\n", "=", ",",
]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300)
@given(st.data())
def test_a_column_may_have_any_name_wherever_it_stands(data: st.DataObject) -> None:
    """The formula over plain names, with those replaced, has the same factors."""
    names = data.draw(st.lists(st.sampled_from(NASTY), min_size=4, max_size=4, unique=True))
    plain = ["v1", "v2", "v3", "v4"]
    shapes = [
        "{} ~ {} + {} + {}",
        "{} ~ {}*{} - {}",
        "{} ~ ({} + {}):{} - 1",
        "{} ~ C({}) + log({} / {})",
        "log({}) ~ C({}, 'x'):{} + I({}^2)",
        "{} ~ {{{} - {}}}:{}",
        "{} ~ . - {} + {} %in% {}",
        "{} ~ ({} + {} + {})^2",
    ]
    shape = data.draw(st.sampled_from(shapes))
    renamed = dict(zip(plain, names, strict=True))
    expected = parse_formula(shape.format(*plain), plain, frozenset({"v3"}))
    found = parse_formula(shape.format(*map(in_back_quotes, names)), names, frozenset({names[2]}))
    assert found.intercept == expected.intercept
    assert found.columns == tuple(renamed[name] for name in expected.columns)
    assert [[(f.kind, f.columns, f.base) for f in term] for term in found.terms] == [
        [(f.kind, tuple(renamed[name] for name in f.columns), f.base) for f in term]
        for term in expected.terms
    ]
    assert parse_formula(str(found), [], frozenset({names[2]})) == found


@given(st.lists(st.text(min_size=1, max_size=6), min_size=2, max_size=6, unique=True))
def test_all_columns_of_a_table_are_found_by_a_dot_and_by_their_quoted_names(
    names: list[str],
) -> None:
    target, *others = names
    by_dot = parse_formula(f"{quote_name(target)} ~ .", names)
    assert by_dot.columns == tuple(names)
    text = f"{quote_name(target)} ~ {' + '.join(map(quote_name, others))}"
    assert str(by_dot) == text
    assert parse_formula(text, []) == by_dot


@given(st.text(alphabet="ab1.0 ~+-*/:^%in(){}`'\"\\CI,=", max_size=30))
def test_any_text_is_a_formula_that_is_written_out_the_same_or_one_line(text: str) -> None:
    try:
        parsed = parse_formula(text, ["a", "b"], frozenset("b"))
    except UserError:
        assert error_of(text)
    else:
        assert parse_formula(str(parsed), [], frozenset("b")) == parsed


@pytest.mark.slow
@pytest.mark.timeout(20)
def test_a_sum_of_very_many_names_is_parsed_in_a_moment() -> None:
    names = [f"a name {i}" for i in range(50_000)]
    text = f"y ~ {' + '.join(map(quote_name, names))} - {quote_name(names[0])}"
    assert parse_formula(text, []).columns == ("y", *names[1:])


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("y ~ x + log(`a name` / z)", ("y", "x", "a name", "z")),
        ("log(y) ~ C(g):x", ("y", "g", "x")),
        ("{y - x} ~ x", ("y", "x")),
        ("y ~ 1", ("y",)),
    ],
)
def test_the_columns_of_a_formula_are_listed_once_and_the_target_first(
    text: str, columns: tuple[str, ...]
) -> None:
    assert parse_formula(text, NAMES, CATEGORIES).columns == columns


@pytest.mark.parametrize("base", ["'b'", '"b"', "2", "2.5", "True"])
def test_a_category_may_name_its_reference_level(base: str) -> None:
    (factor,) = design_spec(parse_formula(f"y ~ C(g, {base})", NAMES, CATEGORIES))["terms"][0]
    assert factor["base"] == json.loads(base.lower().replace("'", '"'))
    assert factor["columns"] == ["g"]


@pytest.mark.parametrize(
    "contrast",
    [
        "'b'",
        "Treatment('b')",
        "Treatment(reference='b')",
        "contr.treatment('b')",
        "contr.treatment(base='b')",
    ],
)
def test_a_reference_level_may_be_written_as_in_patsy_and_formulaic(contrast: str) -> None:
    (factor,) = design_spec(parse_formula(f"y ~ C(g, {contrast})", NAMES, CATEGORIES))["terms"][0]
    assert (factor["base"], factor["columns"]) == ("b", ["g"])


@pytest.mark.parametrize(
    "contrast", ["Sum('a')", "Helmert(1)", "contr.none", "Treatment('b', 'a')", "Treatment(x)"]
)
def test_other_contrasts_are_refused(contrast: str) -> None:
    with pytest.raises(UserError, match="C\\("):
        parse_formula(f"y ~ C(g, {contrast})", NAMES, CATEGORIES)


@pytest.mark.parametrize("base", ["-1", "-2.5"])
def test_a_reference_level_may_be_negative(base: str) -> None:
    (factor,) = design_spec(parse_formula(f"y ~ C(x, {base})", NAMES, CATEGORIES))["terms"][0]
    assert factor["base"] == json.loads(base)


@pytest.mark.parametrize(
    "name",
    ["größe", "变量", "x.y", "a-b", "1st", "C(x)", "x:z", "log", "I", "if", "_quoted_0_", "x'"],
)
def test_any_column_name_can_be_back_quoted(name: str) -> None:
    parsed = parse_formula(f"y ~ `{name}` + x", ["y", "x", name])
    assert parsed.columns == ("y", name, "x")
    assert parse_formula(str(parsed), []) == parsed
    assert parse_formula("y ~ .", ["y", name]).columns == ("y", name)


NOT_FORMULAS = [
    "",
    " ",
    "~",
    "y",
    "y ~",
    "~ x",
    "y ~~ x",
    "y ~ x ~ z",
    "y ~ x +",
    "y ~ (x",
    "y ~ x)",
    "y ~ {x",
    "y ~ `x",
    "y ~ x}",
    "y ~ x z",
    "y ~ x; z",
    "y ~ x\nz",
    "y ~ x # z",
    "y ~ x = z",
    "y ~ x & z",
    "y ~ x, z",
    "y ~ @x",
    "y ~ ?",
    "y ~ x\0z",
    "y ~ 'x'",
    "y ~ 2",
    "y ~ x + 2",
    "y ~ 2*x",
    "y ~ 2:x",
    "y ~ [x ~ z]",
    "y + x ~ z",
    "y:x ~ z",
    "1 ~ x",
    "0 ~ x",
    "y ~ 0",
    "y ~ -1",
    "y ~ x - x - 1",
    "y ~ y",
    "y ~ x:y",
    "log(y) ~ log(y)",
    "y ~ x**11",
    "y ~ (x + z)**0",
    "y ~ (x + z)**-1",
    "y ~ (x + z)**1.5",
    "y ~ I(2*3)",
    "y ~ {1 + 1}",
]

UNSUPPORTED = [
    "y ~ poly(scale(x), 2)",
    "y ~ bs(2, df=3)",
    "y ~ scale(center(x))",
    "y ~ I(poly(x, 2))",
    "y ~ scale(x, 2)",
    "y ~ month(x + z)",
    "y ~ cut(2, 3)",
    "y ~ offset(2)",
    "y ~ C()",
    "y ~ C(x, 1, 2)",
    "y ~ C(x + z)",
    "y ~ C(x, contr.sum, 1)",
    "y ~ C(days(x))",
    "y ~ C(x, levels=['a'])",
    "y ~ C(log(x))",
    "y ~ x[0]",
    "y ~ {x, z}",
    "y ~ {'x'}",
    "y ~ I(x > 1)",
    "y ~ I(x)(z)",
]

HOSTILE = [
    "y ~ {__import__('os').mkdir('harm')}",
    "y ~ I(__import__('os').mkdir('harm'))",
    "y ~ __import__('os').mkdir('harm')",
    "{__import__('os').mkdir('harm')} ~ x",
    "y ~ C(__import__('os').mkdir('harm'))",
    "y ~ x:{open('harm', 'w')}",
    "y ~ I(open('harm', 'w'))",
    "y ~ {open('params.yaml').read()}",
    "y ~ exec('import os')",
    "y ~ eval('x')",
    "y ~ {exit()}",
    "y ~ {().__class__.__bases__[0].__subclasses__()}",
    "y ~ {x.__array__()}",
    "y ~ {(lambda: x)()}",
    "y ~ {[c for c in range(10**9)]}",
    "y ~ I(sum(range(10**9)))",
    "y ~ {f'{x}'}",
    "y ~ {(x := open('harm', 'w'))}",
    "y ~ C(x, contr.treatment(exit()))",
    "y ~ C(x, __import__('os'))",
    "y ~ I(x**999999999)",
    "y ~ I(9**9**9)",
    "y ~ I('x' * 10**10)",
    "y ~ x**999999999",
    "y ~ x^999999999",
    "y ~ (x + z)**99999",
    "y ~ (x + z)**(99999)",
    "y ~ (x + z)**((99999))",
    "y ~ (x + z)^(99999)",
    "y ~ (x + z)**1_000_000",
    f"y ~ {'*'.join(f'x{i}' for i in range(20))}",
    f"y ~ I({'(' * 5000}x{')' * 5000})",
    f"y ~ I({'-' * 5000}x)",
    f"y ~ I({'+'.join('x' * 20_000)})",
    f"y ~ I({'9' * 5000} * x)",
    f"y ~ I({'[' * 5000})",
    "y ~ " + "(" * 5000,
]


def error_of(text: str) -> str:
    started = time.perf_counter()
    with pytest.raises(UserError) as error:
        design_spec(parse_formula(text, NAMES, CATEGORIES))
    assert time.perf_counter() - started < SECONDS
    message = str(error.value)
    assert message.startswith("params.yaml: model.formula: ")
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("text", NOT_FORMULAS, ids=repr)
def test_text_that_is_not_a_formula_is_an_error_of_one_line(text: str) -> None:
    assert error_of(text)


@pytest.mark.parametrize("text", UNSUPPORTED)
def test_an_unsupported_expression_is_an_error_that_lists_what_is_supported(text: str) -> None:
    assert (
        "use columns, numbers, + - * / **, C(column) and I, abs, bs, center, cos, cut, days, exp, "
        in error_of(text)
    )


@pytest.mark.parametrize(
    ("call", "here"), [("factor(x)", "C(column)"), ("cr(x, df=4)", "ns(x, df=4), whose columns")]
)
def test_a_function_with_another_name_here_is_an_error_that_says_it(call: str, here: str) -> None:
    assert f"found {call}; write {here}" in error_of(f"y ~ {call}")


@pytest.mark.timeout(5)
@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text[:60]) for text in HOSTILE])
def test_a_hostile_formula_is_refused_at_once_and_nothing_of_it_runs(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(error_of(text)) < 1000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["y ~ log(y)", "y ~ I(y**2)", "y ~ x:log(y)", "y ~ C(y)", "log(y) ~ y"]
)
def test_a_function_of_the_target_cannot_be_a_feature(text: str) -> None:
    assert "has its target among the features" in error_of(text)
