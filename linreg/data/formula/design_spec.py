"""What a design needs to know of a formula, as plain data for schema.json.

formulaic decides which categories are coded with a reference level. Building a design from the
result needs neither formulaic nor a Python expression.
"""

from typing import Any

from linreg.data.formula.formula import Factor, ParsedFormula


def design_spec(parsed: ParsedFormula) -> dict[str, Any]:
    """Return intercept, target and terms; a category has a reference level where it is redundant.

    Each term is a list of factors {"factor", "kind", "columns"}; a category's also has "base", its
    reference level or None, and "full", whether the reference level has a column too.
    """
    if any(factor.kind == "category" for factor in parsed.factors):
        terms = _coded_terms(parsed)
    else:
        terms = [[_as_data(factor, full=True) for factor in term] for term in parsed.terms]
    return {
        "intercept": parsed.intercept,
        "target": _as_data(parsed.target, full=True),
        "terms": terms,
    }


def _coded_terms(parsed: ParsedFormula) -> list[list[dict[str, Any]]]:
    """Let formulaic find the redundant levels, in a formula of stand-ins with two values each.

    Which levels are redundant depends on which factors are categories, and not on their values. So
    formulaic evaluates nothing that the user has written.
    """
    import pandas as pd
    from formulaic import Formula

    stand_ins = {factor: f"f{i}" for i, factor in enumerate(dict.fromkeys(parsed.factors))}
    factors = {name: factor for factor, name in stand_ins.items()}
    values = {
        name: pd.Categorical(["a", "b"]) if factor.kind == "category" else [0.0, 1.0]
        for name, factor in factors.items()
    }
    sums = [":".join(stand_ins[factor] for factor in term) for term in parsed.terms]
    formula = Formula(" + ".join(["1" if parsed.intercept else "0", *sums]))
    terms = []
    for structure in formula.get_model_matrix(pd.DataFrame(values)).model_spec.structure:
        # formulaic's scoped term has no order of factors; names have that of the formula.
        order = [factor.expr for factor in structure.term.factors]
        for scoped_term in structure.scoped_terms:
            scoped = sorted(scoped_term.factors, key=lambda each: order.index(each.factor.expr))
            if scoped:
                terms.append(
                    [_as_data(factors[each.factor.expr], full=not each.reduced) for each in scoped]
                )
    return terms


def _as_data(factor: Factor, *, full: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "factor": factor.text,
        "kind": factor.kind,
        "columns": list(factor.columns),
    }
    return data | ({"base": factor.base, "full": full} if factor.kind == "category" else {})
