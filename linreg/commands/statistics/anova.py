"""Test the terms of the model, or compare nested models, by F tests from their moments.

    linreg anova                      each term after all others but those that contain it (type II)
    linreg anova --drop               every model that is one term smaller: RSS, AIC and F
    linreg anova --robust             the same by Wald's test with the robust standard errors
    linreg anova small models/model   models of the same rows, each nested in the next

The tests are those of the exact solution on the training rows, which are not read again. But for
--robust, they take rows for independent, with errors of equal variance. A model is a folder (of a
model, or a project with one), `workspace`, a run (its name, or the beginning of its id), or a
revision.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from linreg.errors import UserError
from linreg.evaluation.formula_terms import FormulaTerms
from linreg.evaluation.selection.nested_models import (
    FittedModel,
    compare_nested,
    require_classical_weights,
    require_estimates_of_noise,
)
from linreg.evaluation.selection.stepwise import single_changes
from linreg.evaluation.selection.submodels import Submodels
from linreg.evaluation.selection.term_tests import Kind, rows_of, term_tests
from linreg.files import content_hash
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel, load
from linreg.lineage.evaluation_lookup import WORKSPACE, NamedEvaluation, find_evaluation
from linreg.lineage.fitted_models import find_fitted_model
from linreg.report.fit_in_words import robust_errors_in_words
from linreg.results.run_results import RunResults
from linreg.summary.analysis_of_variance import (
    NUMERALS,
    as_data,
    change_lines,
    nested_lines,
    term_lines,
    wald_lines,
)

TYPE: Kind = 2
MODEL = Path("models/model")
NO_TEST = {"f": None, "df2": None, "p": None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the models and the kind of tests."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "models",
        metavar="MODEL",
        nargs="*",
        default=[WORKSPACE],
        help="one, whose terms are tested, or several nested ones (default: workspace)",
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--type",
        type=int,
        choices=sorted(NUMERALS),
        help="1: each term after those before it; 2: after all but those that contain it; 3: after"
        f" all others, with the coding of the model (default: {TYPE})",
    )
    kinds.add_argument(
        "--drop", action="store_true", help="the models with one term less, as R's drop1"
    )
    parser.add_argument(
        "--robust",
        action="store_true",
        help="tests of type 2 or 3 with the robust standard errors of the evaluation:"
        " `evaluate.errors`",
    )
    parser.add_argument("--json", action="store_true", help="print all digits as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the tests."""
    if len(args.models) > 1:
        if args.type or args.drop or args.robust:
            what = "takes --type, --drop and --robust with one model only"
            raise UserError("linreg anova", what)
        return _compare(args.models, as_json=args.json)
    if args.robust:
        if args.drop or args.type == 1:
            what = "tests terms by type 2 or 3"
            option = "--drop" if args.drop else "--type 1"
            raise UserError(
                "linreg anova --robust", what, found=option, todo=f"leave out --robust or {option}"
            )
        return _robust(args.models[0], args.type or TYPE, as_json=args.json)
    with find_fitted_model(args.models[0]) as found:
        model, exact = _read(found.folder)
        note = _note(args.models[0], found.folder)
    require_tests(model, exact, found.name)
    submodels = submodels_of(model, exact)
    formula = model.design.schema.formula
    if args.drop:
        changes = single_changes(submodels, submodels.terms.all, "aic")
        lines = [formula, *change_lines(changes, "aic")]
        data = as_data(changes)
    else:
        kind: Kind = args.type or TYPE
        tests = term_tests(submodels, kind)
        lines = [f"{formula}, type {NUMERALS[kind]}", *term_lines(tests, exact.solution)]
        data = as_data(list(rows_of(tests, exact.solution)))
    lines += [note] if note else []
    print(json.dumps(data, indent=2, ensure_ascii=False) if args.json else "\n".join(lines))
    return 0


def _robust(name: str, kind: Kind, *, as_json: bool) -> int:
    """Print the tests that the evaluation of a model has made with its robust covariance."""
    with find_fitted_model(name) as model, _evaluation(name, model.folder) as found:
        results = _results(found.folder, model.folder)
        fitted, exact = _read(model.folder)
        require_estimates_of_noise(exact.solution, model.name, absorbed=True)
    inference = results.inference
    terms = inference.get("terms")
    if terms and kind == 2:
        of_formula = FormulaTerms.of_design(fitted.design, exact.solution.reported)
        terms = _of_type_2(terms, of_formula)
    if not terms:
        what, todo = "has no robust tests of terms", "run `dvc repro` to evaluate the model again"
        raise UserError(found.folder / "inference.json", what, todo=todo)
    if as_json:
        tests = [{**each, **(each["robust"] or NO_TEST)} for each in terms]
        keys = ("term", "df", *NO_TEST)
        data = [{key: test[key] for key in keys} for test in tests]
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return 0
    print(f"{results.context['formula']}, type {NUMERALS[kind]}, {robust_errors_in_words(results)}")
    print("\n".join(wald_lines(terms)))
    print(f"F on df and {inference['robust_df']} degrees of freedom")
    if any(each["df"] and not each["robust"] for each in terms):
        print("A term without F has a singular covariance, or too many coefficients.")
    return 0


def _of_type_2(
    tests: Sequence[Mapping[str, Any]], of_formula: FormulaTerms
) -> list[dict[str, Any]] | None:
    """Return the tests of the terms by type II, from those in inference.json; None without them.

    A term that no other one contains has the same test by both types. The intercept has none.
    """
    found = []
    terms = of_formula.terms
    for i, test in enumerate(tests[len(tests) - len(terms) :]):
        key = "robust_type_2" if of_formula.containing(i, of_formula.all) else "robust"
        # An evaluation from before there were these tests does not have them.
        if key not in test:
            return None
        found.append({**test, "robust": test[key]})
    return found


def _note(name: str, model: Path) -> str:
    """Return that other standard errors count, where the model has been evaluated with them."""
    if name != WORKSPACE and not Path(name).is_dir():
        return ""
    with suppress(UserError), _evaluation(name, model) as found:
        results = _results(found.folder, model)
        if results.has_robust_headline:
            return (
                "These tests are classical. The evaluation has"
                f" {robust_errors_in_words(results)}: linreg anova --robust"
            )
    return ""


@contextmanager
def _evaluation(name: str, model: Path) -> Iterator[NamedEvaluation]:
    """Yield the evaluation of a model; of a folder like models/model the one beside it."""
    if Path(name).is_dir() and model == Path(name):
        yield NamedEvaluation(name, model.parent / "evaluation")
        return
    with find_evaluation(name) as found:
        yield found


def _results(evaluation: Path, model: Path) -> RunResults:
    """Read an evaluation, which must be that of the model."""
    return RunResults.read(evaluation, {str(MODEL): content_hash(model)})


def require_tests(model: LinearModel, exact: ExactReference, where: object) -> None:
    """Raise UserError for a model whose sums of squares are no tests."""
    require_estimates_of_noise(exact.solution, where)
    require_classical_weights(model.design.schema.weights_kind, where)


def submodels_of(model: LinearModel, exact: ExactReference) -> Submodels:
    """Return the sub-models of a model."""
    terms = FormulaTerms.of_design(model.design, exact.solution.kept)
    return Submodels(exact.solution, exact.moments, terms)


def _compare(names: list[str], *, as_json: bool) -> int:
    models = []
    with ExitStack() as stack:
        for name in names:
            found = stack.enter_context(find_fitted_model(name))
            model, exact = _read(found.folder)
            require_tests(model, exact, found.name)
            formula, target = model.design.schema.formula, model.target
            offset = tuple(sorted(str(each["factor"]) for each in model.design.schema.offset))
            fitted = (exact.solution, exact.moments)
            models.append(FittedModel(found.name, formula, target, *fitted, offset))
    compared = compare_nested(models)
    if as_json:
        print(json.dumps(as_data(compared), indent=2, ensure_ascii=False))
    else:
        print("\n".join(nested_lines(compared)))
    return 0


def _read(folder: Path) -> tuple[LinearModel, ExactReference]:
    return load(folder), ExactReference.read(folder)
