"""The formula of a choice of features, and the table as that formula sees it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from linreg.data.formula.grammar.tokens import quote_name
from linreg.data.ingest.columns import AuxiliaryColumns, excluded_from_dot
from linreg.data.ingest.row_filter import MissingPolicy
from linreg.data.typed_table import TypedTable
from linreg.params.params import Params
from linreg.setup.level_orders import Orders
from linreg.setup.missing_policy import MissingCells, choose_policy
from linreg.setup.survey.column_survey import Survey
from linreg.setup.survey.preview import Preview, preview_formula

MOST_LISTED = 30
"""More features than these are written as `.` if that means the same."""


@dataclass(frozen=True)
class ReadFormula:
    """A formula, and the table as it sees it.

    codes    features that are numbers and categories
    missing  what is to be done about missing cells
    """

    formula: str
    codes: Collection[str]
    missing: MissingCells
    preview: Preview


@dataclass(frozen=True)
class FormulaReader:
    """Writes and reads formulas for one table.

    codes    numbers that are categories
    orders   the orders of levels
    missing  the policy for missing cells that the user wants; None for the one that fits
    """

    table: TypedTable
    survey: Survey
    params: Params
    auxiliary: AuxiliaryColumns
    codes: Collection[str]
    orders: Orders
    missing: MissingPolicy | None

    def read(self, target: str, features: Sequence[str]) -> ReadFormula:
        """Return the formula for a target and features, after reading the training rows."""
        codes = [name for name in features if name in self.codes]
        others = [target, *self.auxiliary]
        missing = choose_policy(self.table, self.survey, features, others, codes, self.missing)
        codes += missing.codes
        formula = self._write(target, features, codes)
        preview = preview_formula(
            formula,
            missing.policy,
            self.table,
            self.survey,
            self.auxiliary,
            self.params.model.weights_column,
            self.params.split,
            self.orders,
        )
        return ReadFormula(formula, codes, missing, preview)

    def _write(self, target: str, features: Sequence[str], codes: Collection[str]) -> str:
        """Return `target ~ features`, or `target ~ .` for many if that means the same."""
        if len(features) > MOST_LISTED and not codes:
            not_in_dot = {target, *excluded_from_dot(self.survey.profiles, self.auxiliary)}
            names = self.table.schema.names
            if list(features) == [name for name in names if name not in not_in_dot]:
                return f"{quote_name(target)} ~ ."
        terms = [
            f"C({quote_name(name)})" if name in codes else quote_name(name) for name in features
        ]
        return f"{quote_name(target)} ~ {' + '.join(terms) or '1'}"
