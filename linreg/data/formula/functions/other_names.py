"""Functions of R, patsy, lubridate and numpy that have another name in a formula here."""

_CALLED_HERE = {
    "as.factor": "C(column)",
    "factor": "C(column)",
    "cr": "ns(x, df=4), whose columns span the same splines",
    "cs": "ns(x, df=4), whose columns span the same splines",
    "standardize": "scale(x)",
    "wday": "weekday(d)",
}
_MODULES = ("np.", "numpy.", "math.")
_OF_MODULES = ("abs", "cos", "exp", "expm1", "log", "log10", "log1p", "log2", "sin", "sqrt")


def called_here(function: str) -> str | None:
    """Return what to write for a function of another program; None if there is nothing."""
    for module in _MODULES:
        if function.startswith(module) and (name := function.removeprefix(module)) in _OF_MODULES:
            return f"{name}(x)"
    return _CALLED_HERE.get(function)
