"""HTML pages from templates, and numbers as a reader likes to see them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from linreg.fit.history import gap_in_words

SMALLEST_P = 1e-300
"""A p-value below this may be 0 in float64."""
MAX_LEVELS = 8


def render(template: str, values: Mapping[str, Any], package: str = "linreg.report") -> str:
    """Fill in a template of a package's folder `templates`.

    It may extend a template of linreg.report. Every value is escaped, except for drawings.
    """
    loader = ChoiceLoader([PackageLoader(name, "templates") for name in (package, "linreg.report")])
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "eight_digits": eight_digits,
        "three_digits": three_digits,
        "gap": gap_in_words,
        "p_value": p_value,
        "levels": levels,
        "parameter": parameter,
    }
    css = Path(__file__).parent / "templates" / "report.css"
    style = css.read_text(encoding="utf-8")
    environment.globals["css"] = Markup(style)  # noqa: S704 - our own file
    return environment.get_template(template).render(values)


def number(value: Any, form: str = ".6g") -> str:
    """Return a number with six digits, a dash for None, and other values as text."""
    if value is None:
        return "–"
    return format(value, form) if isinstance(value, int | float) else str(value)


def eight_digits(value: float | None) -> str:
    """Return a number with eight digits."""
    return number(value, ".8g")


def three_digits(value: float | None) -> str:
    """Return a number with three digits."""
    return number(value, ".3g")


def p_value(value: float | None) -> str:
    """Return a p-value with three digits; only a bound for one that is tiny."""
    is_tiny = value is not None and value < SMALLEST_P
    return f"< {SMALLEST_P:.0e}" if is_tiny else three_digits(value)


def levels(counts: Mapping[str, int] | None) -> str:
    """Return the most frequent levels of a categorical column with their counts."""
    if not counts:
        return ""
    by_count = sorted(counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{level}: {count}" for level, count in by_count[:MAX_LEVELS])
    more = len(counts) - MAX_LEVELS
    return f"{shown}, and {more} more" if more > 0 else shown


def parameter(value: Any) -> str:
    """Return the value of a parameter as params.yaml may have it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
