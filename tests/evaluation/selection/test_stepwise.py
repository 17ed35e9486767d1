"""Terms dropped and added by AIC and BIC, as R's drop1 and step do."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf

from linreg.evaluation.selection.stepwise import single_changes, stepwise
from linreg.evaluation.selection.submodels import Submodels
from linreg.fit.exact.moment_sums.any_moments import no_moments
from linreg.fit.exact.reference import ExactReference
from tests.evaluation.selection.fits import Learn, drawn, fit
from tests.evaluation.selection.known_tables import swiss

SWISS = "Fertility ~ Agriculture + Examination + Education + Catholic + InfantMortality"
PATH = [
    # As `step(lm(Fertility ~ ., swiss))` prints it in the examples of R's documentation.
    [
        ("− Examination", "53.03", "2158.1", "189.86"),
        ("none", "", "2105.0", "190.69"),
        ("− Agriculture", "307.72", "2412.8", "195.10"),
        ("− InfantMortality", "408.75", "2513.8", "197.03"),
        ("− Catholic", "447.71", "2552.8", "197.75"),
        ("− Education", "1162.56", "3267.6", "209.36"),
    ],
    [
        ("none", "", "2158.1", "189.86"),
        ("− Agriculture", "264.18", "2422.2", "193.29"),
        ("− InfantMortality", "409.81", "2567.9", "196.03"),
        ("− Catholic", "956.57", "3114.6", "205.10"),
        ("− Education", "2249.97", "4408.0", "221.43"),
    ],
]


def test_the_path_for_swiss_is_that_of_r(learn: Learn) -> None:
    steps = list(stepwise(fit(learn, SWISS, swiss()).submodels, "aic", "backward"))
    shown = [
        [
            (
                f"{each.sign} {each.text}".strip(),
                "" if each.sum_of_squares is None else f"{each.sum_of_squares:.2f}",
                f"{each.rss:.1f}",
                f"{each.criterion:.2f}",
            )
            for each in step.changes
        ]
        for step in steps
    ]
    assert shown == PATH


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["aic", "bic"])
def test_forward_and_both_end_where_no_single_change_is_better(
    learn: Learn, criterion: str
) -> None:
    """Of all 32 models by statsmodels: the last one is the best of its neighbours, and on the way
    every model is the best of those around the one before it.
    """
    frame = pd.DataFrame(swiss().to_pydict())
    names = SWISS.split(" ~ ")[1].split(" + ")
    value: dict[frozenset[int], float] = {}
    for size in range(6):
        for chosen in combinations(range(5), size):
            terms = " + ".join(names[i] for i in chosen) or "1"
            theirs = smf.ols(f"Fertility ~ {terms}", frame).fit()
            value[frozenset(chosen)] = theirs.aic if criterion == "aic" else theirs.bic
    found = fit(learn, SWISS, swiss()).submodels
    for direction in ("forward", "both"):
        steps = list(stepwise(found, criterion, direction))  # type: ignore[arg-type]
        assert len(steps) > 1
        assert steps[0].present == (frozenset() if direction == "forward" else found.terms.all)
        # Theirs has −2 log-likelihood in full, which differs by a number for all models.
        constant = value[steps[0].present] - (steps[0].criterion or 0)
        for step, after in zip(steps, [*steps[1:], None], strict=True):
            around = [step.present, *(step.present | {i} for i in range(5))]
            if direction == "both":
                around += [step.present - {i} for i in range(5)]
            best = min(set(around), key=lambda present: value[present])
            assert best == (after.present if after else step.present)
            assert step.criterion == pytest.approx(value[step.present] - constant, abs=1e-9)


def test_a_term_is_not_dropped_before_its_interaction_nor_added_after_it(learn: Learn) -> None:
    columns, _ = drawn()
    submodels = fit(learn, "y ~ a*x + g + x:z", pa.table(columns)).submodels
    terms = submodels.terms
    texts = [term.text for term in terms.terms]
    assert texts == ["a", "x", "g", "a:x", "x:z"]
    assert [texts[i] for i in terms.droppable(terms.all)] == ["g", "a:x", "x:z"]
    assert [texts[i] for i in terms.addable(frozenset())] == ["a", "x", "g"]
    assert [texts[i] for i in terms.addable(frozenset([0, 1]))] == ["g", "a:x", "x:z"]


def test_a_category_in_place_of_the_intercept_is_kept(learn: Learn) -> None:
    """Without g, a would have a column for each of its levels: other columns than in this model."""
    columns, _ = drawn()
    terms = fit(learn, "y ~ 0 + g + a + x", pa.table(columns)).submodels.terms
    assert [terms.terms[i].text for i in terms.droppable(terms.all)] == ["a", "x"]
    assert str(terms.formula([0, 2])) == "y ~ 0 + g + x"


def test_a_term_of_several_parts_is_one_term(learn: Learn) -> None:
    """An interaction without its main effects has the columns of both."""
    columns, _ = drawn()
    found = fit(learn, "y ~ a:g", pa.table(columns))
    assert len(found.design.terms) > 1
    (term,) = found.submodels.terms.terms
    assert (term.text, len(term.coefficients)) == ("a:g", 11)


def test_weights_and_dropped_levels_count_as_in_statsmodels(learn: Learn) -> None:
    """Rows of weight 0 are none; F is against the larger of both models."""
    columns, w = drawn(80)
    w[:5] = 0.0
    changes = single_changes(
        fit(learn, "y ~ x + z", pa.table(columns), w).submodels, frozenset([0]), "aic", "−+"
    )
    frame = pd.DataFrame(columns)[5:]
    ssr = {
        terms: smf.wls(f"y ~ {terms}", frame, weights=w[5:]).fit().ssr
        for terms in ("1", "x", "x + z")
    }
    assert [f"{each.sign}{each.text}" for each in changes] == ["none", "−x", "+z"]
    for change, terms, p in zip(changes, ("x", "1", "x + z"), (2, 1, 3), strict=True):
        assert change.rss == pytest.approx(ssr[terms], rel=1e-12)
        assert change.criterion == pytest.approx(75 * math.log(ssr[terms] / 75) + 2 * p, rel=1e-12)
    assert changes[1].f == pytest.approx((ssr["1"] - ssr["x"]) / (ssr["x"] / 73), rel=1e-11)
    larger = ssr["x + z"]
    assert changes[2].f == pytest.approx((ssr["x"] - larger) / (larger / 72), rel=1e-11)


def test_the_chunks_of_the_moments_do_not_change_a_path(learn: Learn) -> None:
    columns, w = drawn(500)
    found = fit(learn, "y ~ a*x + z + g", pa.table(columns), w)
    expected = list(stepwise(found.submodels, "bic", "both"))
    X, y = found.design.matrix(pa.table(columns)), np.asarray(columns["y"])
    moments = no_moments(found.design.layout)
    for start in range(0, 500, 37):
        rows = slice(start, start + 37)
        moments.add(X[rows], y[rows], w[rows])
    exact = ExactReference.from_moments(moments, found.design.names, True)
    again = Submodels(exact.solution, moments, found.submodels.terms)
    assert list(stepwise(again, "bic", "both")) == expected
