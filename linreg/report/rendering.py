"""HTML pages from templates."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from linreg.fit.history import gap_in_words
from linreg.number_format import NONE, aligned, eight_digits, levels, number, p_value, three_digits


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
        "cell": cell,
        "correlation": correlation,
    }
    css = Path(__file__).parent / "templates" / "report.css"
    style = css.read_text(encoding="utf-8")
    environment.globals["css"] = Markup(style)  # noqa: S704 - our own file
    return environment.get_template(template).render(values)


def parameter(value: Any) -> str:
    """Return the value of a parameter as params.yaml may have it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cell(text: str) -> Markup:
    """Return a cell of a table whose spaces at the end are room for digits of other cells."""
    shown = text.rstrip(" ")
    spaces: float = len(text) - len(shown)
    if spaces and "." not in shown:
        # A point is half as wide as a digit.
        spaces -= 0.5
    pad = f' style="--pad:{spaces:g}"' if spaces else ""
    return Markup("<td{}>{}</td>").format(Markup(pad), shown)  # noqa: S704 - our own number


def correlation(value: float) -> Markup:
    """Return a cell with a correlation, shaded by its size; a dash for NaN."""
    if math.isnan(value):
        return cell(NONE)
    sign = "hot" if value > 0 else "cold"
    shade = f"background:rgb(var(--{sign}) / {0.6 * abs(value):.2f})"
    return Markup('<td style="{}">{}</td>').format(shade, aligned([value], 2)[0])
