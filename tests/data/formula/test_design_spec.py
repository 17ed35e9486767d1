import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from tests.data.formula.test_formula import CATEGORIES, FORMULAS, NAMES


@pytest.mark.parametrize("text", FORMULAS)
def test_a_design_spec_is_plain_data(text: str) -> None:
    spec = design_spec(parse_formula(text, NAMES, CATEGORIES))
    assert json.loads(json.dumps(spec)) == spec


def terms(text: str, categories: frozenset[str] = CATEGORIES) -> list[list[Any]]:
    """The terms as lists of factors, a category with whether its reference level has a column."""
    spec = design_spec(parse_formula(text, NAMES, categories))
    return [
        [(f["factor"], f["full"]) if f["kind"] == "category" else f["factor"] for f in term]
        for term in spec["terms"]
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


def test_the_order_of_terms_does_not_depend_on_the_hash_seed() -> None:
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
