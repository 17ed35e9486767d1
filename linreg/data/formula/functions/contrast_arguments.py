"""The second argument of `C(column, …)`: a contrast, or the reference level of treatments."""

import math

from linreg.data.formula.functions.contrasts import CONTRASTS, TREATMENT
from linreg.data.formula.grammar.syntax_tree import Call, Literal, Name, Node, Unary
from linreg.data.formula.grammar.tokens import ArgumentError


def read_contrast(node: Node, text: str) -> tuple[str, str | int | float | bool | None]:
    """Return the contrast, by its name in schema.json, and the reference level if one is named.

    text  the call of C

    Raises ArgumentError for what is neither.
    """
    contrast = _contrast_of(node, text)
    if contrast != TREATMENT or _is_bare(node):
        return contrast, None
    return contrast, _level(_base_of(node), text)


def _contrast_of(node: Node, text: str) -> str:
    """Return the contrast that a name or a call of it is; that of treatments for a level."""
    match node:
        case Name(name=name, quoted=False) if name in CONTRASTS:
            return CONTRASTS[name]
        case Call(function=name, arguments=(), keywords=()) if name in CONTRASTS:
            return CONTRASTS[name]
        case Call(function=name) if CONTRASTS.get(name, TREATMENT) != TREATMENT:
            raise ArgumentError(text, f"{name} has no arguments")
    return TREATMENT


def _is_bare(node: Node) -> bool:
    """Return whether a contrast names no reference level."""
    match node:
        case Name(name=name, quoted=False):
            return name in CONTRASTS
        case Call(arguments=(), keywords=()):
            return True
    return False


def _base_of(contrast: Node) -> Node:
    """Return the reference level in `"a"`, `Treatment("a")` (patsy) or `contr.treatment("a")`.

    The last is R's and formulaic's; both may name their argument, `reference` and `base`.
    """
    match contrast:
        case Call(function="Treatment" | "contr.treatment", arguments=[base], keywords=()):
            return base
        case (
            Call(function="Treatment", arguments=(), keywords=[("reference", base)])
            | Call(function="contr.treatment", arguments=(), keywords=[("base", base)])
        ):
            return base
    return contrast


def _level(node: Node, text: str) -> str | int | float | bool:
    """Return the value that names a reference level; schema.json can hold it."""
    match node:
        case Name(name="True" | "False" as truth, quoted=False):
            return truth == "True"
        case Literal(value=str() as level) if _is_unicode(level):
            return level
        case (
            Literal(value=int() | float() as number)
            | Unary(operator="+", operand=Literal(value=int() | float() as number))
        ) if number < math.inf:
            return number
        case Unary(operator="-", operand=Literal(value=int() | float() as number)) if (
            number < math.inf
        ):
            return -number
    names = ", ".join(name for name in CONTRASTS if not name.startswith("contr."))
    raise ArgumentError(
        text, f'names no contrast, which are {names}, and no level, which is quoted as in "a"'
    )


def _is_unicode(text: str) -> bool:
    """Return whether JSON in UTF-8 can hold a text: it has no half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
