"""Write docs/parameters.md from the models in linreg/params.py.

python docs/parameters.py
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from linreg.files import write_text
from linreg.params import Gate, Params

PAGE = Path(__file__).with_suffix(".md")


def page() -> str:
    """Return the reference page: a table per section, a row per key."""
    lines = [
        "# params.yaml",
        "",
        "Every key may be left out and then has its default. A misspelt key, a wrong type or a value out of range",
        "ends the stage with one line and exit code 2, before any work. This page is made from `linreg/params.py`",
        "by `python docs/parameters.py`.",
    ]
    for name, field in Params.model_fields.items():
        section = field.annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        lines += ["", f"## {name}", "", section.__doc__ or "", "", *_table(section)]
    lines += ["", "### A gate", "", Gate.__doc__ or "", "", *_table(Gate)]
    return "\n".join(lines) + "\n"


def _table(section: type[BaseModel]) -> list[str]:
    properties: dict[str, dict[str, Any]] = section.model_json_schema()["properties"]
    defaults = section().model_dump(mode="json") if section is not Gate else {}
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, schema in properties.items():
        default = defaults.get(key)
        meaning = schema.get("description", "").replace("|", "\\|")
        rows.append(f"| `{key}` | {_type(schema)} | {_code(default)} | {meaning} |")
    return rows


def _code(default: object) -> str:
    if default is None:
        return ""
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or nothing".join(_type(each) for each in schema["anyOf"] if each != {"type": "null"})
    names = {"number": "number", "integer": "whole number", "string": "text", "boolean": "true or false"}
    if schema["type"] == "array":
        return "list of names" if schema["items"]["type"] == "string" else "list of numbers"
    if schema["type"] == "object":
        return "gates by name"
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[key]:.15g}" for key, sign in bounds.items() if key in schema and schema[key] != 2**63]
    return ", ".join([names[schema["type"]], *limits])


if __name__ == "__main__":
    write_text(PAGE, page())
