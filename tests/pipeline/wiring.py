"""What the stages read, derived from their code.

`python -m tests.pipeline.wiring` writes it into dvc.yaml.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from linreg.params.params import Params
from linreg.plain_yaml import read_yaml

ROOT = Path(__file__).parents[2]
STAGES = ("generate", "fetch", "ingest", "split", "train", "evaluate")
BEGIN_A_RUN = ("training_run", "run_of_model")
"""The functions that hand parameters on to MLflow."""
MOST_UNUSED = 0.1
"""The share of the lines that a stage declares of the library that it may leave unused."""


def code_of(stage: str) -> list[str]:
    """Return the code that a stage depends on: packages in place of modules, as far as that leaves
    few lines unused.

    DVC spends time on every path that is declared. The templates that lie beside modules come with
    them.
    """
    modules = modules_of(stage)
    packages = {
        str(parent) for module in modules for parent in Path(module).parents if parent.parts[1:]
    }
    found = set(modules)
    for package in sorted(packages, key=lambda path: (num_lines(sources([path]) - modules), path)):
        inside = {path for path in found if path.startswith(f"{package}/")}
        declared = sources((found - inside) | {package})
        few_unused = num_lines(declared - modules) <= MOST_UNUSED * num_lines(declared)
        if len(inside) > 1 and few_unused:
            found = (found - inside) | {package}
    beside = {str(Path(path).parent / "templates") for path in found if path.endswith(".py")}
    read = {path for path in paths_of(stage) if path.startswith("stages/")}
    return sorted(found | read | {folder for folder in beside if (ROOT / folder).is_dir()})


def sources(paths: Iterable[str]) -> set[str]:
    """Return the source files of the library that lie at or below these paths."""
    return {
        file.relative_to(ROOT).as_posix()
        for path in paths
        if path.startswith("linreg/")
        for file in ([ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("*.py"))
    }


def num_lines(paths: Iterable[str]) -> int:
    """Return the lines of some source files, none for packages that hold only a docstring."""
    return sum(
        len((ROOT / path).read_text().splitlines())
        for path in paths
        if not says_nothing(ROOT / path)
    )


def write_code_dependencies() -> None:
    """Put the code that each stage depends on into dvc.yaml, in place of what stands there."""
    text = (ROOT / "dvc.yaml").read_text()
    for stage in STAGES:
        block = re.search(rf"^  {stage}:\n(?:    .*\n|\n)+", text, re.MULTILINE)
        assert block, stage
        deps = re.search(r"( +)deps:\n((?: +- .*\n)+)", block[0])
        assert deps, stage
        others = [
            line
            for line in deps[2].splitlines()
            if not re.match(r" +- (linreg/|stages/)", line) and "requirements" not in line
        ]
        lines = [
            *others,
            *(f"{deps[1]}  - {path}" for path in code_of(stage)),
            f"{deps[1]}  - requirements.lock",
        ]
        new = block[0].replace(deps[2], "\n".join(lines) + "\n")
        text = text.replace(block[0], new)
    (ROOT / "dvc.yaml").write_text(text)


def modules_of(stage: str) -> set[str]:
    """Return the source files that a stage runs: package, script, and what they import of ours,
    directly or not.
    """
    found: set[str] = set()
    waiting = ["stages/__init__.py", f"stages/{stage}.py"]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported_by(ROOT / path)
    return {path for path in found if not says_nothing(ROOT / path)}


def parameters_of(stage: str) -> set[str]:
    """Return the parameters that a stage takes out of `params`: `section`, or `section.key` where
    it takes one key.

    `flatten(params)` of a tracked run goes into no output; it counts for what is taken out of it by
    name. Anywhere else it goes into one, whole.
    """
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "params" and isinstance(node.ctx, ast.Load):
            section = parents[node]
            if isinstance(section, ast.Call) and ast.unparse(section.func) == "flatten":
                call = parents[section]
                tracked = isinstance(call, ast.Call) and ast.unparse(call.func) in BEGIN_A_RUN
                found |= (
                    _taken_out_of_flattened_parameters(stage)
                    if tracked
                    else set(Params.model_fields)
                )
                continue
            assert isinstance(section, ast.Attribute), (
                "a stage passes on sections of params, never all of it"
            )
            key = parents[section]
            found.add(
                f"{section.attr}.{key.attr}" if isinstance(key, ast.Attribute) else section.attr
            )
    found = {name for name in found if name.split(".")[0] not in found or "." not in name}
    # A stage of one table reads what concerns this table.
    return {"fetch.${key}"} if stage == "fetch" else found


def declared(stage: str) -> dict[str, Any]:
    """Return what dvc.yaml says about a stage, or about each of the stages that it stands for."""
    entry: dict[str, Any] = read_yaml((ROOT / "dvc.yaml").read_text(), "dvc.yaml")["stages"][stage]
    return dict(entry.get("do", entry))


def _taken_out_of_flattened_parameters(stage: str) -> set[str]:
    """Return the names in `parameters["section.key"]` in the modules that a stage imports."""
    nodes = [
        node
        for module in modules_of(stage)
        for node in ast.walk(ast.parse((ROOT / module).read_text()))
    ]
    keys = [
        n.slice
        for n in nodes
        if isinstance(n, ast.Subscript) and ast.unparse(n.value) == "parameters"
    ]
    names = [
        key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
    ]
    return {name for name in names if "." in name}  # the others are a model's


def paths_of(stage: str) -> set[str]:
    """Return the paths that a stage script names as constants: NAME = Path("…")."""
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    calls = [value for value in values if isinstance(value, ast.Call)]
    return {ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == "Path"}


def imported_by(path: Path) -> list[str]:
    """Return the source files that a source file imports itself, wherever in it that stands."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    names = [
        module.replace(".", "/")
        for module in modules
        if module.split(".")[0] in ("linreg", "stages")
    ]
    packages = [
        f"{parent}/__init__.py"
        for name in names
        for parent in [name, *map(str, Path(name).parents)]
    ]
    return [
        file for file in [*(f"{name}.py" for name in names), *packages] if (ROOT / file).is_file()
    ]


def says_nothing(path: Path) -> bool:
    """Whether a package's __init__.py holds its docstring and nothing else."""
    return path.name == "__init__.py" and all(
        isinstance(n, ast.Expr) for n in ast.parse(path.read_text()).body
    )


if __name__ == "__main__":
    write_code_dependencies()
