"""What a model needs to predict, in words: for its pages in MLflow, which then has no signature to show."""

from linreg.fit.model import LinearModel

MOST_LEVELS = 20
MOST_CHARACTERS = 4000
"""Of Markdown: MLflow cuts a tag that is twice as long."""


def columns_in_words(model: LinearModel) -> dict[str, str]:
    """Return what each column must hold, by name."""
    words = {}
    for column in model.columns:
        learned = model.design.learned[column.name]
        if learned.levels is not None:
            levels = ", ".join(map(str, learned.levels[:MOST_LEVELS]))
            more = f", … ({len(learned.levels)} levels)" if len(learned.levels) > MOST_LEVELS else ""
            words[column.name] = f"category of {column.type}: {levels}{more}"
        else:
            words[column.name] = f"number, from {learned.min:.6g} to {learned.max:.6g} in training"
    return words


def in_markdown(model: LinearModel) -> str:
    """Return the formula and what each column must hold, as a list."""
    lines = [f"`{model.design.schema.formula}`", ""]
    for name, words in columns_in_words(model).items():
        if len("\n".join(lines)) + len(name) + len(words) > MOST_CHARACTERS:
            return "\n".join([*lines, "- … and more columns: see `metadata` in MLmodel"])
        lines.append(f"- `{name}`: {words}")
    return "\n".join(lines)
