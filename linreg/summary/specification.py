"""What papers print below the coefficients of several models: their effects, weights and errors."""

from collections.abc import Iterator, Sequence

from linreg.results.run_results import RunResults

YES, NO, ABOVE = "yes", "no", "above"


def specification(models: Sequence[RunResults]) -> Iterator[tuple[str, list[str]]]:
    """Yield a title and the cell of each model: absorbed factors, weights, penalty and errors.

    Of an absorbed factor that another model has as a term, the coefficients are above. A line is
    left out where it would say nothing of any model, or that all have classical standard errors.
    """
    names = [name for model in models for name in model.inference.get("absorbed", {})]
    for name in dict.fromkeys(names):
        yield f"{name} effects", [_effects(model, name) for model in models]
    lines = {"weights": _weights, "penalty": _penalty}
    for title, cell in lines.items():
        cells = [cell(model) for model in models]
        if any(cells):
            yield title, cells
    if any(model.has_robust_headline for model in models):
        yield "standard errors", [_errors(model) for model in models]


def _effects(model: RunResults, name: str) -> str:
    if name in model.inference.get("absorbed", {}):
        return YES
    terms = {term["term"] for term in model.inference.get("terms") or ()}
    return ABOVE if terms & {name, f"C({name})"} else NO


def _weights(model: RunResults) -> str:
    return "{} ({})".format(*model.weights) if model.weights else ""


def _penalty(model: RunResults) -> str:
    penalty = model.inference.get("penalty") or {}
    return ", ".join(f"{name} = {penalty[name]:.4g}" for name in ("l1", "l2") if penalty.get(name))


def _errors(model: RunResults) -> str:
    """Return `classical`, `HC3`, `HAC (4 lags)` or `clustered by firm (48)`."""
    if not model.has_errors:
        return "none"
    if not model.has_robust_headline:
        return "classical"
    kind, _, of = model.inference["robust_kind"].partition(":")
    if kind == "HAC":
        return f"HAC ({of} lags)"
    if kind != "cluster":
        return str(kind)
    columns = of.split(",")
    numbers = (str(model.inference["num_clusters"][column]) for column in columns)
    return f"clustered by {' and '.join(columns)} ({' and '.join(numbers)})"
