"""What the stages read, derived from their code."""

import ast
from pathlib import Path
from typing import Any

from linreg.code_lock.imports import ImportReader
from linreg.code_lock.module_graph import ModuleGraph
from linreg.code_lock.stage_code import IMPORT_CACHE
from linreg.params.params import Params
from linreg.plain_yaml import read_yaml

ROOT = Path(__file__).parents[2]
STAGES = ("generate", "fetch", "ingest", "split", "train", "evaluate")
BEGIN_A_RUN = ("training_run", "run_of_model")
"""The functions that hand parameters on to MLflow."""


def modules_of(stage: str) -> set[str]:
    """Return the source files that a stage runs: package, script, and what they import of ours,
    directly or not.
    """
    with ImportReader(ROOT / IMPORT_CACHE) as reader:
        reached = ModuleGraph(ROOT, reader).reached_by(ROOT / f"stages/{stage}.py")
    files = {Path(each).relative_to(ROOT).as_posix() for each in reached.project | reached.linreg}
    return {each for each in files if each.endswith(".py") and not says_nothing(ROOT / each)}


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


def says_nothing(path: Path) -> bool:
    """Whether a package's __init__.py holds its docstring and version, and nothing else."""
    return path.name == "__init__.py" and all(
        isinstance(n, ast.Expr) or ast.unparse(n).startswith("__version__ = ")
        for n in ast.parse(path.read_text()).body
    )
