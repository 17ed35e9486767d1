"""Write docs/parameters.md and docs/params.schema.json from the models in linreg/params/params.py.

    python -m docs.parameters     from the repository's root, as python docs/parameters.py

The examples in both come from docs/parameter_examples.yaml.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from linreg.files import write_text
from linreg.params.evaluate import Gate
from linreg.params.fetch import Fetch
from linreg.params.params import Params

PAGE = Path(__file__).with_suffix(".md")
SCHEMA = Path(__file__).with_name("params.schema.json")
EXAMPLES = Path(__file__).with_name("parameter_examples.yaml")
DIALECT = "http://json-schema.org/draft-07/schema#"
"""The newest one that all editors support."""

HEAD = """\
# params.yaml

[params.yaml](../params.yaml) has every setting. A key may be left out, and then has its default.
A misspelt key, a wrong type or a value out of range ends a stage with one line and exit code 2,
before any work:

```text
error: params.yaml: train.momentun: is not a parameter; did you mean momentum?
```

Three ways to set a key, here the learning rate:

- write it into `params.yaml` and run `dvc repro`;
- `dvc exp run -S train.lr=0.02` writes it there and runs the pipeline as an experiment;
- `dvc exp run --queue -S 'train.lr=0.001,0.01,0.1'` queues an experiment for each value, and
  `dvc queue start` runs them.

DVC parses what follows `-S` by its own rules. A formula needs quotes within those of the shell:
`-S 'model.formula="y ~ log(a)"'`.

Editors with the YAML language server (such as VS Code with its YAML extension) complete and check
the file while you type: its first line names [params.schema.json](params.schema.json). Stages also
check what a schema cannot express: that the shares sum to 1, that `min` of a gate does not exceed
its `max`, that `train.batch_size` is a multiple of `split.shards`, that an encoding exists.

Written by `python -m docs.parameters` from `linreg/params/`.
"""

EXACT = {"required": ["solver"], "properties": {"solver": {"const": "exact"}}}

# The rules for several keys in linreg/params/params.py, as far as a schema can express them.
RULES: dict[str, dict[str, Any]] = {
    "Gate": {
        "anyOf": [
            {"required": ["min"], "properties": {"min": {"type": "number"}}},
            {"required": ["max"], "properties": {"max": {"type": "number"}}},
        ]
    },
    "Train": {
        "not": {
            "anyOf": [
                {
                    "required": ["engine", "device"],
                    "properties": {"engine": {"const": "compiled"}, "device": {"const": "cuda"}},
                },
                {"required": ["l1"], "properties": {"l1": {"not": {"const": 0}}}, "not": EXACT},
                {
                    "required": ["l2", "penalty_scale"],
                    "properties": {
                        "l2": {"not": {"const": 0}},
                        "penalty_scale": {"const": "standardize"},
                    },
                    "not": EXACT,
                },
            ]
        }
    },
    "Params": {
        "not": {
            "required": ["train", "split"],
            "properties": {
                "train": {
                    "required": ["patience"],
                    "properties": {"patience": {"exclusiveMinimum": 0}},
                },
                "split": {"required": ["validation"], "properties": {"validation": {"const": 0}}},
            },
        }
    },
}


def page() -> str:
    """Return the reference page: a table per section, a row per key, and examples below."""
    lines = [HEAD]
    for name, section in sections().items():
        lines += [
            f"## {name}",
            "",
            section.__doc__ or "",
            "",
            *_table(section),
            *_examples_of(name),
        ]
    lines += ["### A gate", "", Gate.__doc__ or "", "", *_table(Gate)]
    return "\n".join(lines).rstrip("\n") + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON schema of params.yaml, as strict as `load_params` where a schema can be."""
    document = Params.model_json_schema(ref_template="#/definitions/{model}")
    definitions: dict[str, Any] = document.pop("$defs")
    shown = examples()
    for name, model in sections().items():
        if "patternProperties" in document["properties"][name]:
            document["properties"][name]["additionalProperties"] = False
        else:
            document["properties"][name] = {"$ref": f"#/definitions/{model.__name__}"}
        for key, field in definitions[model.__name__]["properties"].items():
            field["title"] = f"{name}.{key}"
            if f"{name}.{key}" in shown:
                field["examples"] = [each["value"] for each in shown[f"{name}.{key}"]]
            if "patternProperties" in field:
                field["additionalProperties"] = False
    for name, rule in RULES.items():
        (document if name == "Params" else definitions[name]).update(rule)
    return {"$schema": DIALECT, **document, "title": "params.yaml", "definitions": definitions}


def sections() -> dict[str, type[BaseModel]]:
    """Return the model of each section by its name in params.yaml."""
    found = {}
    for name, field in Params.model_fields.items():
        # The tables to fetch have names, and are sections below that of `fetch`.
        section = Fetch if name == "fetch" else field.annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        found[name] = section
    return found


def examples() -> dict[str, list[dict[str, Any]]]:
    """Return the examples by dotted name; each has a `value` and what it `means`."""
    return dict(YAML(typ="safe", pure=True).load(EXAMPLES.read_text(encoding="utf-8")))


def _examples_of(section: str) -> list[str]:
    lines = []
    for dotted, values in examples().items():
        name, _, key = dotted.partition(".")
        if name == section:
            lines += [
                f"- {_quoted(key + ': ' + _flow(each['value']))}: {each['means']}"
                for each in values
            ]
    return ["", *lines, ""] if lines else [""]


def _flow(value: object) -> str:
    """Return a value as it can be written in params.yaml."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    return str(value)


def _quoted(code: str) -> str:
    return f"`` {code} ``" if "`" in code else f"`{code}`"


def _table(section: type[BaseModel]) -> list[str]:
    properties: dict[str, dict[str, Any]] = section.model_json_schema()["properties"]
    defaults = section().model_dump(mode="json") if section not in (Fetch, Gate) else {}
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in properties.items():
        meaning = field.get("description", "").replace("|", "\\|")
        rows.append(f"| `{key}` | {_type(field)} | {_default(defaults.get(key))} | {meaning} |")
    return rows


def _default(value: object) -> str:
    return (
        "none" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"
    )


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema or "const" in schema:
        return " \\| ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        kinds = [_type(each) for each in schema["anyOf"] if each != {"type": "null"}]
        return ", or ".join([*kinds, "`null`"] if {"type": "null"} in schema["anyOf"] else kinds)
    names = {
        "number": "number",
        "integer": "whole number",
        "string": "text",
        "boolean": "`true` \\| `false`",
    }
    if schema.get("type", "object") == "object":
        is_list = "items" in (schema.get("additionalProperties") or {})
        return "lists of values, by column" if is_list else "section"
    if schema["type"] == "array":
        return f"list of {names[schema['items']['type']]}s"
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [
        f"{sign} {'2⁶³' if schema[key] == 2**63 else format(schema[key], '.15g')}"
        for key, sign in bounds.items()
        if key in schema
    ]
    if schema.get("minLength") == 1:
        limits.append("not empty")
    return ", ".join([names[schema["type"]], *limits])


if __name__ == "__main__":
    write_text(PAGE, page())
    write_text(SCHEMA, json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
