"""What a model needs to predict, in words: for its pages in MLflow, which then has no signature to
show.
"""

from linreg.fit.model import LinearModel
from linreg.markdown import code, plain

MOST_LEVELS = 20
MOST_CHARACTERS = 4000
"""Of Markdown: MLflow cuts a tag that is twice as long."""


def columns_in_words(model: LinearModel) -> dict[str, str]:
    """Return what each column must hold, by name."""
    words = {}
    for column in model.columns:
        learned = model.design.statistics[column.name]
        if learned.levels is not None:
            levels = ", ".join(map(str, learned.levels[:MOST_LEVELS]))
            more = (
                f", … ({len(learned.levels)} levels)" if len(learned.levels) > MOST_LEVELS else ""
            )
            words[column.name] = f"category of {column.type}: {levels}{more}"
        else:
            words[column.name] = f"number, from {learned.min:.6g} to {learned.max:.6g} in training"
    return words


def in_markdown(model: LinearModel) -> str:
    """Return the formula and what each column must hold, as a list."""
    lines = [code(model.design.schema.formula), ""]
    for name, words in columns_in_words(model).items():
        line = f"- {code(name)}: {plain(words)}"
        if len("\n".join(lines)) + len(line) > MOST_CHARACTERS:
            return "\n".join([*lines, "- … and more columns: see `metadata` in MLmodel"])
        lines.append(line)
    return "\n".join(lines)
