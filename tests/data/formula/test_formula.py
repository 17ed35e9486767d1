import json
import time
from pathlib import Path

import pytest

from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
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
    ],
)
def test_a_formula_is_written_out_term_by_term(text: str, written: str) -> None:
    assert str(parse_formula(text, NAMES, CATEGORIES)) == written


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
    "contrast", ["Sum", "contr.sum", "Treatment", "Treatment('b', 'a')", "contr.treatment()"]
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
    "y ~ x | z",
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
    "y ~ poly(x, 2)",
    "y ~ bs(x, df=3)",
    "y ~ scale(x)",
    "y ~ np.log(x)",
    "y ~ C()",
    "y ~ C(x, 1, 2)",
    "y ~ C(x + z)",
    "y ~ C(x, contr.sum)",
    "y ~ C(x, levels=['a'])",
    "y ~ C(x, None)",
    "y ~ C(log(x))",
    "y ~ Q('x')",
    "y ~ x[0]",
    "y ~ {x, z}",
    "y ~ {'x'}",
    "y ~ I(x > 1)",
    "y ~ I(x)(z)",
    "poly(y, 2) ~ x",
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
    "y ~ I(x.__class__)",
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
    "y ~ (a + b + c + d + e + f + g)**10",
    "y ~ ((a + b + c)**10)**10",
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
        "use columns, numbers, + - * / **, C(column) and I, abs, exp, log, log10, sqrt"
        in error_of(text)
    )


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
