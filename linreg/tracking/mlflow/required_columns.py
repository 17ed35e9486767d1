"""The columns that a model needs to predict, for its pages in MLflow, which shows no signature."""

from linreg.data.formula.functions.calendar import date_text
from linreg.fit.model import LinearModel
from linreg.markdown import code, plain

MAX_LEVELS = 20
MAX_CHARACTERS = 4000
"""Of Markdown: MLflow cuts a tag that is twice as long."""


def required_columns(model: LinearModel) -> dict[str, str]:
    """Return a description of what each column must hold, by name."""
    descriptions = {}
    for column in model.columns:
        statistics = model.design.statistics[column.name]
        if statistics.levels is not None:
            levels = ", ".join(map(str, statistics.levels[:MAX_LEVELS]))
            more = (
                f", … ({len(statistics.levels)} levels)"
                if len(statistics.levels) > MAX_LEVELS
                else ""
            )
            description = f"category of {column.type}: {levels}{more}"
        elif column.kind == "time":
            ends = [date_text(end) for end in (statistics.min, statistics.max) if end is not None]
            description = f"date or time, from {' to '.join(ends)} in training"
        else:
            description = f"number, from {statistics.min:.6g} to {statistics.max:.6g} in training"
        descriptions[column.name] = description
    return descriptions


def required_columns_markdown(model: LinearModel) -> str:
    """Return the formula and a list of what each column must hold."""
    lines = [code(model.design.schema.formula), ""]
    for name, description in required_columns(model).items():
        line = f"- {code(name)}: {plain(description)}"
        if len("\n".join(lines)) + len(line) > MAX_CHARACTERS:
            return "\n".join([*lines, "- … and more columns: see `metadata` in MLmodel"])
        lines.append(line)
    return "\n".join(lines)
