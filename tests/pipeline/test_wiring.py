"""dvc.yaml declares what the stages read: no less, or a result would be stale; no more, or it would be remade."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from linreg.params import Params

ROOT = Path(__file__).parents[2]
STAGES = ["generate", "ingest", "split", "train", "evaluate"]
DVC: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_declares_the_rooms_and_modules_that_a_stage_imports(stage: str) -> None:
    """A room, such as linreg/data, is one dependency: DVC parses its files with every command, and slowly."""
    declared = {dep for dep in DVC["stages"][stage]["deps"] if dep.endswith(".py") or dep.startswith("linreg/")}
    assert declared == {_room(module) for module in modules_of(stage)}


def test_what_python_leaves_in_a_room_is_no_dependency() -> None:
    assert "__pycache__" in (ROOT / ".dvcignore").read_text().splitlines()


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_declares_the_parameters_that_a_stage_reads(stage: str) -> None:
    assert set(DVC["stages"][stage]["params"]) == parameters_of(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_declares_the_files_that_a_stage_reads_and_writes(stage: str) -> None:
    declared = DVC["stages"][stage]
    deps = {
        dep for dep in declared["deps"] if not dep.endswith((".py", ".lock")) and dep[:6] not in ("linreg", "${inge")
    }
    outs = {
        out if isinstance(out, str) else next(iter(out)) for out in [*declared["outs"], *declared.get("metrics", [])]
    }
    named = paths_of(stage)
    assert {path for path in named if not any(_within(out, path) for out in outs)} == deps
    assert all(any(_within(out, path) for path in named) for out in outs)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_depends_on_the_locked_environment(stage: str) -> None:
    assert "requirements.lock" in DVC["stages"][stage]["deps"]


def test_ingest_depends_on_the_file_that_it_is_told_to_read() -> None:
    assert "${ingest.source}" in DVC["stages"]["ingest"]["deps"]


@pytest.mark.parametrize("stage", STAGES)
def test_the_imports_found_in_the_code_are_those_that_happen(stage: str) -> None:
    """The lists above come from reading the code; here Python says what it loaded.

    What takes long to import is imported where it is needed: for several processes, for an engine, for long tables.
    """
    late = ["workers.launch", "workers.group"]
    late += ["fit.double_double", "fit.large_elimination"] if stage in ("train", "evaluate") else []
    late += {
        "train": ["fit.autograd", "fit.compiled"],
        "evaluate": ["results.robust_kernels", "results.robust_small"],
    }.get(stage, [])
    program = (
        f"import stages.{stage}, {', '.join(f'linreg.{module}' for module in late)}, sys;"
        " print('\\n'.join(m.__file__ for m in list(sys.modules.values())"
        " if getattr(m, '__name__', '').split('.')[0] in ('linreg', 'stages')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    files = {Path(line).relative_to(ROOT).as_posix() for line in loaded.stdout.split()}
    assert {file for file in files if not _says_nothing(ROOT / file)} == modules_of(stage)


@pytest.mark.parametrize("stage", ["generate", "ingest", "split"])
def test_stages_that_only_move_rows_import_neither_torch_nor_mlflow(stage: str) -> None:
    program = f"import stages.{stage}, sys; print(sorted({{'torch', 'mlflow'}} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_imports_mlflow(stage: str) -> None:
    sources = [(ROOT / module).read_text() for module in modules_of(stage)]
    assert not [source for source in sources if "import mlflow" in source or "from mlflow" in source]


def test_only_stage_scripts_know_where_files_of_the_pipeline_lie() -> None:
    """Otherwise the files that a stage reads could not be told from its script."""
    modules = set().union(*(modules_of(stage) for stage in STAGES)) - {f"stages/{stage}.py" for stage in STAGES}
    for module in modules - {"linreg/params.py"}:  # which holds the default of ingest.source
        strings = [n.value for n in ast.walk(ast.parse((ROOT / module).read_text())) if isinstance(n, ast.Constant)]
        assert not [text for text in strings if isinstance(text, str) and text.startswith(("data/", "models/"))]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_script_is_short(stage: str) -> None:
    assert len((ROOT / f"stages/{stage}.py").read_text().splitlines()) <= 80


def modules_of(stage: str) -> set[str]:
    """Return the source files that a stage runs: package, script, and what they import of ours, directly or not."""
    found: set[str] = set()
    waiting = ["stages/__init__.py", f"stages/{stage}.py"]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported_by(ROOT / path)
    return {path for path in found if not _says_nothing(ROOT / path)}


def parameters_of(stage: str) -> set[str]:
    """Return the parameters that a stage takes out of `params`: `section`, or `section.key` where it takes one key.

    `flat(params)` that goes to MLflow goes into no output; it counts for what is taken out of it by name. In a
    dictionary it goes into one, whole.
    """
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "params" and isinstance(node.ctx, ast.Load):
            section = parents[node]
            if isinstance(section, ast.Call) and ast.unparse(section.func) == "flat":
                written = isinstance(parents[section], ast.Dict)
                found |= set(Params.model_fields) if written else _taken_out_of_flat_parameters(stage)
                continue
            assert isinstance(section, ast.Attribute), "a stage hands on sections of params, never all of it"
            key = parents[section]
            found.add(f"{section.attr}.{key.attr}" if isinstance(key, ast.Attribute) else section.attr)
    return {name for name in found if name.split(".")[0] not in found or "." not in name}


def _taken_out_of_flat_parameters(stage: str) -> set[str]:
    """Return the names in `parameters["section.key"]` in the modules that a stage imports."""
    nodes = [node for module in modules_of(stage) for node in ast.walk(ast.parse((ROOT / module).read_text()))]
    keys = [n.slice for n in nodes if isinstance(n, ast.Subscript) and ast.unparse(n.value) == "parameters"]
    names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return {name for name in names if "." in name}  # the others are a model's


def paths_of(stage: str) -> set[str]:
    """Return the paths that a stage script names as constants: NAME = Path("…")."""
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    calls = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
    return {ast.literal_eval(node.value.args[0]) for node in calls if ast.unparse(node.value.func) == "Path"}  # type: ignore[attr-defined]


def _imported_by(path: Path) -> list[str]:
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    names = [module.replace(".", "/") for module in modules if module.split(".")[0] in ("linreg", "stages")]
    packages = [f"{parent}/__init__.py" for name in names for parent in [name, *map(str, Path(name).parents)]]
    return [file for file in [*(f"{name}.py" for name in names), *packages] if (ROOT / file).is_file()]


def _says_nothing(path: Path) -> bool:
    """Whether a package's __init__.py holds its docstring and nothing else."""
    return path.name == "__init__.py" and all(isinstance(n, ast.Expr) for n in ast.parse(path.read_text()).body)


def _room(module: str) -> str:
    """Return the room of a module, or a module that is none: linreg/errors.py, stages/train.py."""
    parts = Path(module).parts
    return "/".join(parts[:2]) if len(parts) > 2 else module


def _within(path: str, folder: str) -> bool:
    return Path(folder) in [Path(path), *Path(path).parents]
