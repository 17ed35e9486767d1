import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.errors import UserError

NAMES = ["y", "x", "z", "g", "h", "a name"]
CATEGORIES = frozenset({"g", "h"})
SECONDS = 2.0
"""More than any formula below takes by far (0.2 s at most), less than anybody waits for."""

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
def test_a_formula_that_is_spelt_out_means_the_same(text: str) -> None:
    parsed = parse_formula(text, NAMES, CATEGORIES)
    again = parse_formula(
        str(parsed), [], CATEGORIES
    )  # `.` is spelt out, so that no names are needed
    assert again == parsed
    assert str(again) == str(parsed)
    assert design_spec(again) == design_spec(parsed)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_plan_is_plain_data(text: str) -> None:
    planned = design_spec(parse_formula(text, NAMES, CATEGORIES))
    assert json.loads(json.dumps(planned)) == planned


@pytest.mark.parametrize(
    ("text", "spelt_out"),
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
def test_a_formula_is_spelt_out_in_the_words_of_r(text: str, spelt_out: str) -> None:
    assert str(parse_formula(text, NAMES, CATEGORIES)) == spelt_out


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("y ~ x + log(`a name` / z)", ("y", "x", "a name", "z")),
        ("log(y) ~ C(g):x", ("y", "g", "x")),
        ("{y - x} ~ x", ("y", "x")),
        ("y ~ 1", ("y",)),
    ],
)
def test_the_columns_are_those_that_are_read_each_once(text: str, columns: tuple[str, ...]) -> None:
    assert parse_formula(text, NAMES, CATEGORIES).columns == columns


def terms(text: str, categories: frozenset[str] = CATEGORIES) -> list[list[Any]]:
    """The terms as lists of factors; a category's name is followed by whether it keeps its
    reference level.
    """
    planned = design_spec(parse_formula(text, NAMES, categories))["terms"]
    return [
        [(f["factor"], f["full"]) if f["kind"] == "category" else f["factor"] for f in term]
        for term in planned
    ]


def test_a_reference_level_is_left_out_where_another_column_makes_it_redundant() -> None:
    assert terms("y ~ g") == [[("g", False)]]
    assert terms("y ~ 0 + g") == [[("g", True)]]
    assert terms("y ~ 0 + g + h") == [[("g", True)], [("h", False)]]
    assert terms("y ~ x:g") == [["x", ("g", True)]]
    assert terms("y ~ x + x:g") == [["x"], ["x", ("g", False)]]
    assert terms("y ~ g*h") == [[("g", False)], [("h", False)], [("g", False), ("h", False)]]
    assert terms("y ~ 0 + g:h") == [[("g", True), ("h", True)]]


def test_a_column_is_a_category_when_its_type_or_the_formula_says_so() -> None:
    assert terms("y ~ g", frozenset()) == [["g"]]
    assert terms("y ~ C(x)") == [[("C(x)", False)]]
    assert terms("y ~ C(x) + x") == [[("C(x)", False)], ["x"]]


@pytest.mark.parametrize("base", ["'b'", '"b"', "2", "2.5", "True"])
def test_a_category_may_name_its_reference_level(base: str) -> None:
    (factor,) = design_spec(parse_formula(f"y ~ C(g, {base})", NAMES, CATEGORIES))["terms"][0]
    assert factor["base"] == json.loads(base.lower().replace("'", '"'))
    assert factor["columns"] == ["g"]


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


def refused(text: str) -> str:
    started = time.perf_counter()
    with pytest.raises(UserError) as error:
        design_spec(parse_formula(text, NAMES, CATEGORIES))
    assert time.perf_counter() - started < SECONDS
    message = str(error.value)
    assert message.startswith("params.yaml: model.formula: ")
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("text", NOT_FORMULAS, ids=repr)
def test_what_is_no_formula_is_one_line(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize("text", UNSUPPORTED)
def test_what_is_not_supported_is_one_line_that_lists_what_is(text: str) -> None:
    assert (
        "use columns, numbers, + - * / **, C(column) and I, abs, exp, log, log10, sqrt"
        in refused(text)
    )


@pytest.mark.timeout(5)
@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text[:60]) for text in HOSTILE])
def test_a_hostile_formula_is_refused_at_once_and_nothing_of_it_runs(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(refused(text)) < 1000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["y ~ log(y)", "y ~ I(y**2)", "y ~ x:log(y)", "y ~ C(y)", "log(y) ~ y"]
)
def test_a_function_of_the_target_is_no_feature(text: str) -> None:
    assert "has its target among the features" in refused(text)


def test_the_order_of_a_plan_does_not_depend_on_the_hashes_of_text() -> None:
    program = (
        "import json\n"
        "from linreg.data.formula.design_spec import design_spec\n"
        "from linreg.data.formula.formula import parse_formula\n"
        "parsed = parse_formula('y ~ g*h*x + (z + g)**2', [], frozenset('gh'))\n"
        "print(json.dumps(design_spec(parsed)))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1
