"""dvc.yaml declares what the stages read: no less, or a result would be stale; no more, or it would
be remade.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.wiring import (
    ROOT,
    STAGES,
    declared,
    modules_of,
    parameters_of,
    paths_of,
    says_nothing,
)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_its_script_and_on_its_entry_of_the_code_lock(stage: str) -> None:
    scripts = ["stages/__init__.py", f"stages/{stage}.py"]
    if stage == "evaluate":
        scripts.append("stages/metrics.py")
    assert [dep for dep in declared(stage)["deps"] if dep.endswith(".py")] == scripts
    assert {"code.lock": [stage]} in declared(stage)["params"]


NO_STAGE = ("setup", "registry", "verify", "commands", "experiments", "lineage", "comparison")


@pytest.mark.parametrize("package", [*NO_STAGE, "prediction", "tracking/mlflow"])
def test_a_change_of_a_package_that_only_commands_use_runs_no_stage_again(package: str) -> None:
    reached = set().union(*(modules_of(stage) for stage in STAGES))
    assert not [path for path in reached if _within(path, f"linreg/{package}")]


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_declares_the_parameters_that_a_stage_reads(stage: str) -> None:
    names = {each for each in declared(stage)["params"] if isinstance(each, str)}
    assert names == parameters_of(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_declares_the_files_that_a_stage_reads_and_writes(stage: str) -> None:
    deps = {
        dep
        for dep in declared(stage)["deps"]
        if not dep.endswith(".py") and not dep.startswith(("${ingest", "${evaluate"))
    }
    outs = {
        (out if isinstance(out, str) else next(iter(out))).removesuffix("/${key}")
        for out in [*declared(stage)["outs"], *declared(stage).get("metrics", [])]
    }
    named = {path for path in paths_of(stage) if not path.endswith(".py")}
    assert {path for path in named if not any(_within(out, path) for out in outs)} == deps
    assert all(any(_within(out, path) for path in named) for out in outs)


def test_a_stage_depends_on_the_file_that_a_parameter_names() -> None:
    assert "${ingest.source}" in declared("ingest")["deps"]
    assert "${evaluate.baseline}" in declared("evaluate")["deps"]


def test_a_change_of_the_users_metrics_runs_evaluate_again_and_nothing_else() -> None:
    assert [s for s in STAGES if "stages/metrics.py" in declared(s)["deps"]] == ["evaluate"]


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_the_imports_found_in_the_code_are_those_that_happen(stage: str) -> None:
    """The lists above come from reading the code; here Python says what it loaded.

    What takes long to import is imported where it is needed: for several processes, for an engine,
    for long tables. What sets a process up is imported only by a stage that is one.
    """
    late = ["process.launcher", "process.worker_group", "process.quick_start"]
    exact = ["normal_equations.compiled_ldl", "penalized.coordinate_descent"]
    exact += [
        f"double_double.{name}"
        for name in (
            "sum_kernels",
            "ldl_kernels",
            "level_kernels",
            "link_kernels",
            "projection_kernels",
            "projection_numpy",
            "product_kernels",
        )
    ]
    if stage in ("train", "evaluate"):
        late += [f"fit.exact.{name}" for name in exact]
    late += {
        "train": ["fit.sgd.autograd", "fit.sgd.linear_kernels", "fit.compiled.engine"],
        "evaluate": [
            "evaluation.covariance.robust_kernels",
            "evaluation.covariance.robust_numpy",
            "evaluation.covariance.clustered",
        ],
    }.get(stage, [])
    program = (
        f"import stages.{stage}, {', '.join(f'linreg.{module}' for module in late)}, sys;"
        " print('\\n'.join(m.__file__ for m in list(sys.modules.values())"
        " if getattr(m, '__name__', '').split('.')[0] in ('linreg', 'stages')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = {Path(line).relative_to(ROOT).as_posix() for line in loaded.stdout.split()}
    assert {file for file in files if not says_nothing(ROOT / file)} == modules_of(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_imports_mlflow(stage: str) -> None:
    sources = [(ROOT / module).read_text() for module in modules_of(stage)]
    assert not [
        source for source in sources if "import mlflow" in source or "from mlflow" in source
    ]


def test_only_stage_scripts_know_where_files_of_the_pipeline_lie() -> None:
    """Otherwise the files that a stage reads could not be told from its script."""
    modules = set().union(*(modules_of(stage) for stage in STAGES)) - {
        f"stages/{stage}.py" for stage in STAGES
    }
    # Which hold the defaults of ingest.source and evaluate.baseline.
    for module in modules - {"linreg/params/ingest.py", "linreg/params/evaluate.py"}:
        strings = [
            n.value
            for n in ast.walk(ast.parse((ROOT / module).read_text()))
            if isinstance(n, ast.Constant)
        ]
        assert not [
            text
            for text in strings
            if isinstance(text, str) and text.startswith(("data/", "models/"))
        ]


MOST_LINES = 80
MOST_LINES_OF_MAIN = 30
"""Lines of code as ruff formats it; comments and the docstring are not counted."""


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_script_fits_on_two_screens_and_its_main_on_one(stage: str) -> None:
    source = (ROOT / f"stages/{stage}.py").read_text()
    assert len(source.splitlines()) <= MOST_LINES
    (main,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "main"
    )
    assert ast.get_docstring(main)
    lines = source.splitlines()[main.body[1].lineno - 1 : main.end_lineno]
    code = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    assert len(code) <= MOST_LINES_OF_MAIN


def _within(path: str, folder: str) -> bool:
    return Path(folder) in [Path(path), *Path(path).parents]
