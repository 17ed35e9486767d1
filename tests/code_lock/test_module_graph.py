"""What a script reaches by its imports, against what Python loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from linreg.code_lock.imports import ImportReader
from linreg.code_lock.module_graph import ModuleGraph, Reached
from linreg.errors import UserError


def reached(folder: Path, script: str = "stages/clean.py", **files: str) -> Reached:
    for name, text in files.items():
        path = folder / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with ImportReader(folder / "cache.json") as reader:
        return ModuleGraph(folder, reader).reached_by(folder / script)


def names(folder: Path, found: Reached) -> set[str]:
    return {Path(each).relative_to(folder.resolve()).as_posix() for each in found.project}


def test_every_form_of_import_reaches_what_python_loads(tmp_path: Path) -> None:
    (tmp_path / "own/deep").mkdir(parents=True)
    for package in ("own", "own/deep"):
        (tmp_path / package / "__init__.py").write_text("")
    found = reached(
        tmp_path,
        stages__in__clean=(
            "import own.plain\n"
            "import own.renamed as r\n"
            "from own import module\n"
            "from own.deep.names import value\n"
            "import beside\n"
            "def late():\n    from own import inside\n"
            "late()\n"
        ),
        stages__in__beside="",
        own__in__plain="",
        own__in__renamed="from . import sibling\n",
        own__in__sibling="from .deep import below\n",
        own__in__module="",
        own__in__inside="",
        own__in__unused="",
        own__in__deep__in__names="value = 1\n",
        own__in__deep__in__below="from .. import upwards\nfrom ..deep.names import value as v\n",
        own__in__upwards="",
    )
    program = (
        "import runpy, sys, pathlib\n"
        "sys.path[:0] = ['stages', '.']\n"
        "runpy.run_path('stages/clean.py')\n"
        "root = pathlib.Path.cwd()\n"
        "files = [getattr(m, '__file__', None) for m in list(sys.modules.values())]\n"
        "inside = [f for f in files if f and pathlib.Path(f).is_relative_to(root)]\n"
        "print('\\n'.join(inside))\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    by_python = {
        Path(line).relative_to(tmp_path.resolve()).as_posix() for line in loaded.stdout.split()
    }
    assert names(tmp_path, found) == by_python | {"stages/clean.py"}
    assert "own/unused.py" not in names(tmp_path, found)


def test_a_circle_of_imports_ends(tmp_path: Path) -> None:
    found = reached(
        tmp_path,
        stages__in__clean="import a\n",
        a="import b\n",
        b="import a\nimport stages.clean\n",
    )
    assert names(tmp_path, found) == {"stages/clean.py", "a.py", "b.py"}


def test_libraries_are_told_from_the_standard_library_and_from_own_modules(tmp_path: Path) -> None:
    found = reached(
        tmp_path,
        stages__in__clean="import json, numpy.linalg, own\nfrom ruamel.yaml import YAML\n",
        own="import pandas as pd\nimport no_such_library\n",
    )
    tops = {each.partition(".")[0] for each in found.libraries}
    assert tops == {"numpy", "ruamel", "pandas", "no_such_library"}


def test_modules_of_linreg_are_reached_with_their_templates(tmp_path: Path) -> None:
    found = reached(tmp_path, stages__in__clean="from linreg.report.page import render\n")
    inside = {each.rpartition("/linreg/")[2] for each in found.linreg}
    assert {"report/page.py", "report/templates/report.css", "errors.py"} <= inside
    assert names(tmp_path, found) == {"stages/clean.py"}


def test_a_script_that_is_no_python_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"clean\.py: is not valid Python; found .*line 1"):
        reached(tmp_path, stages__in__clean="import (\n")


def test_a_damaged_cache_is_not_believed(tmp_path: Path) -> None:
    for damage in ("", "[]", '{"a": 1}', '{"a": [[0]]}', "{"):
        (tmp_path / "cache.json").write_text(damage)
        found = reached(tmp_path, stages__in__clean="import own\n", own="")
        assert names(tmp_path, found) == {"stages/clean.py", "own.py"}


def test_what_was_read_once_is_not_parsed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reached(tmp_path, stages__in__clean="import own\n", own="")
    monkeypatch.setattr("ast.parse", None)
    assert reached(tmp_path) == first


def test_a_folder_without_init_does_not_hide_a_library(tmp_path: Path) -> None:
    (tmp_path / "tqdm").mkdir()
    found = reached(
        tmp_path, stages__in__clean="import tqdm\nimport plain.x\n", plain__in__x="value = 1\n"
    )
    assert found.libraries == {"tqdm"}
    assert names(tmp_path, found) == {"stages/clean.py", "plain/x.py"}


def test_modules_are_found_in_the_folder_in_which_a_script_is_started(tmp_path: Path) -> None:
    found = reached(
        tmp_path,
        "prep/own/clean.py",
        prep__in__own__in__clean="import own.other\nfrom . import beside\n",
        prep__in__own__in__other="",
        prep__in__own__in__beside="",
    )
    assert names(tmp_path, found) == {
        f"prep/own/{name}.py" for name in ("clean", "other", "beside")
    }
