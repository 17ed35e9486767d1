"""Choose terms stepwise by AIC or BIC, as R's step does, from the moments of the training rows.

    linreg step                              from all terms, dropping and adding
    linreg step --direction forward --criterion bic
    linreg step --set                        write the formula that it ends with to params.yaml

Every model on the path is printed with those that are one term away from it. A term is not dropped
before those that contain it, nor added after them. Selected terms look better than they are: the
standard errors and p-values of the model that is chosen know nothing of the choice.
"""

import argparse
from pathlib import Path

from linreg.commands.statistics.anova import require_tests, submodels_of
from linreg.evaluation.selection.stepwise import stepwise
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import load
from linreg.params.edit import set_values
from linreg.params.file import PARAMS_FILE, load_params
from linreg.summary.analysis_of_variance import step_lines

MODEL = Path("models/model")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the criterion and the direction."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--criterion",
        choices=("aic", "bic"),
        default="aic",
        help="what a term has to lower (default: %(default)s)",
    )
    parser.add_argument(
        "--direction",
        choices=("backward", "forward", "both"),
        default="both",
        help="from all terms by dropping, from none by adding, or from all by both"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--set", action="store_true", help="write the formula to model.formula in params.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Print the path and the formula at its end."""
    model, exact = load(MODEL), ExactReference.read(MODEL)
    require_tests(model, exact, MODEL)
    submodels = submodels_of(model, exact)
    formula = model.design.schema.formula
    for step in stepwise(submodels, args.criterion, args.direction):
        formula = str(submodels.terms.formula(step.present))
        print("\n".join(step_lines(step, formula, args.criterion)))
    print(formula)
    if args.set:
        changes = {"model.formula": formula}
        before = load_params().model.formula
        load_params(changes=changes)
        set_values(PARAMS_FILE, changes)
        print(f"model.formula: {before} → {formula}; run `dvc repro`")
    return 0
