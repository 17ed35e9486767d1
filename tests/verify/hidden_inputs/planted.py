"""Stages that read one thing each that they do not declare, and stages that declare all."""

import json
import sqlite3
import textwrap
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.verify.hidden_inputs.tz_file import tz_file

TRACKED = 'Path("in", "tracked.txt").read_text()'


@dataclass(frozen=True)
class Planted:
    """A stage that reads something undeclared.

    body      of its script, which sets `value`, the content of its output; {repository} is the
              folder of the repository
    hidden    the names of what it reads, as they are to be reported
    add       the lines to add to dvc.yaml
    files     of the repository, by path
    ignored   files that only the user has: git ignores them
    deps      dependencies besides the script
    stage     further keys of the stage
    command   in place of the script
    """

    body: str = ""
    hidden: str = ""
    add: tuple[str, ...] = ()
    files: dict[str, str | bytes] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    deps: tuple[str, ...] = ()
    stage: dict[str, Any] = field(default_factory=dict)
    command: str = ""


def dep(path: str) -> tuple[str, ...]:
    return ("deps:", f"  - {path}")


def param(*lines: str) -> tuple[str, ...]:
    return ("params:", *(f"  {each}" for each in lines))


def _database() -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("create table t as select 42 as x")
        database.commit()
        return database.serialize()


CODE_THAT_READS = 'import sys; print(open("in/by_child.txt").read())'

PLANTED = {
    "module_imported_late": Planted(
        "import sys; sys.path.insert(0, '.')\ndef f():\n    from lib import late\n"
        "    return late.VALUE\nvalue = f()",
        "lib/late.py",
        dep("lib/late.py"),
        {"lib/__init__.py": "", "lib/late.py": "VALUE = 7\n"},
        deps=("lib/__init__.py",),
    ),
    "optional_module": Planted(
        "import sys; sys.path.insert(0, '.')\ntry:\n    from optional_settings import VALUE\n"
        "except ImportError:\n    VALUE = 'default'\nvalue = VALUE",
        "optional_settings.py",
        dep("optional_settings.py"),
        {"optional_settings.py": "VALUE = 'default'\n"},
    ),
    "computed_path": Planted(
        "value = Path('in', 'tad'[::-1] + '.csv').read_text()",
        "in/dat.csv",
        dep("in/dat.csv"),
        {"in/dat.csv": "1,2\n"},
    ),
    "name_with_spaces": Planted(
        "value = Path('in', 'Größe (m).txt').read_text()",
        "in/Größe (m).txt",
        dep('"in/Größe (m).txt"'),
        {"in/Größe (m).txt": "3\n"},
    ),
    "commit_in_git": Planted(
        hidden=".git", command="git log --reverse --format=%s | head -1 > out/commit_in_git.txt"
    ),
    "configuration_of_git": Planted(
        "import configparser; c = configparser.ConfigParser(strict=False)\n"
        "c.read_string(Path('.git/config').read_text().replace('\\t', ''))\n"
        "value = c['core']['bare']",
        ".git",
    ),
    "list_of_submodules": Planted(
        "value = Path('.gitmodules').read_text()",
        ".gitmodules",
        files={".gitmodules": "# none yet\n"},
    ),
    "parameter": Planted(
        "import yaml; value = yaml.safe_load(open('params.yaml'))['train']['lr']",
        "params.yaml: train.lr",
        param("- train.lr"),
        stage={"params": ["train.epochs"]},
    ),
    "parameter_with_default": Planted(
        "import yaml; value = yaml.safe_load(open('params.yaml')).get('mode', 'fast')",
        "params.yaml: mode",
        param("- mode"),
    ),
    "two_parameters_with_defaults": Planted(
        "import yaml; p = yaml.safe_load(open('params.yaml'))\n"
        "value = [p.get('mode', 'fast'), p.get('train', {}).get('epochs', 3)]",
        "params.yaml: mode, params.yaml: train.epochs",
        param("- mode", "- train.epochs"),
    ),
    "parameter_in_json": Planted(
        "import json; value = json.load(open('conf.json'))['a']['c']",
        "conf.json: a.c",
        param("- conf.json:", "    - a.c"),
        stage={"params": [{"conf.json": ["a.b"]}]},
    ),
    "parameter_in_toml": Planted(
        "import tomllib; value = tomllib.load(open('conf.toml', 'rb'))['size']",
        "conf.toml: size",
        param("- conf.toml:", "    - size"),
        stage={"params": [{"conf.toml": ["depth.x"]}]},
    ),
    "parameter_in_python": Planted(
        "import sys; sys.path.insert(0, '.')\nimport conf; value = conf.Train.rate",
        "conf.py: Train.rate",
        param("- conf.py:", "    - Train.rate"),
        stage={"params": [{"conf.py": ["SEED"]}]},
    ),
    "parent_folder": Planted(
        "value = Path('../beside.txt').read_text()", "../beside.txt", dep("../beside.txt")
    ),
    "absolute_path": Planted(
        "value = Path('{repository}/in/absolute.txt').read_text()",
        "in/absolute.txt",
        dep("in/absolute.txt"),
        {"in/absolute.txt": "by its whole path\n"},
    ),
    "file_at_home": Planted(
        "value = Path('~/.planted.conf').expanduser().read_text()", "~/.planted.conf"
    ),
    "listed_by_glob": Planted(
        "value = [each.read_text() for each in sorted(Path('in/globbed').glob('*.txt'))]",
        "in/globbed/b.txt",
        dep("in/globbed/b.txt"),
        {"in/globbed/a.txt": "1", "in/globbed/b.txt": "2"},
        deps=("in/globbed/a.txt",),
    ),
    "number_of_files": Planted(
        "import os; value = len(os.listdir('in/counted'))",
        "in/counted",
        dep("in/counted"),
        {"in/counted/a.txt": "1", "in/counted/b.txt": "2"},
    ),
    "environment_file": Planted(
        "p = Path('.env'); value = p.read_text() if p.exists() else 'none'",
        ".env",
        dep(".env"),
        ignored={".env": "SECRET=1\n"},
    ),
    "target_of_a_link": Planted(
        "value = Path('in/latest.txt').read_text()",
        "in/latest.txt",
        dep("in/latest.txt"),
        {"in/version3.txt": "3\n"},
        deps=("in/version3.txt",),
    ),
    "read_by_a_child": Planted(
        f"import subprocess, sys\nvalue = subprocess.run([sys.executable, '-c', "
        f"{CODE_THAT_READS!r}], capture_output=True, text=True).stdout",
        "in/by_child.txt",
        dep("in/by_child.txt"),
        {"in/by_child.txt": "child\n"},
    ),
    "read_by_cat": Planted(
        hidden="in/cat.txt",
        add=dep("in/cat.txt"),
        files={"in/cat.txt": "meow\n"},
        command="cd in && cat cat.txt > ../out/read_by_cat.txt",
    ),
    "program_of_the_repository": Planted(
        hidden="tools/tool.sh",
        add=dep("tools/tool.sh"),
        files={"tools/tool.sh": "#!/bin/sh\necho tool\n"},
        command="./tools/tool.sh > out/program_of_the_repository.txt",
    ),
    "found_by_walking_up": Planted(
        "here = Path.cwd()\nwhile not (here / 'tool.cfg').exists():\n    here = here.parent\n"
        "value = (here / 'tool.cfg').read_text()",
        "tool.cfg",
        dep("../../tool.cfg"),
        {"tool.cfg": "top\n", "sub/deeper/.keep": ""},
        stage={"wdir": "sub/deeper"},
    ),
    "data_of_a_package": Planted(
        "import sys; sys.path.insert(0, '.')\nfrom importlib.resources import files\n"
        "value = files('pkg').joinpath('table.json').read_text()",
        "pkg/table.json",
        dep("pkg/table.json"),
        {"pkg/__init__.py": "", "pkg/table.json": "[1]\n"},
        deps=("pkg/__init__.py",),
    ),
    "database": Planted(
        "import sqlite3; value = sqlite3.connect('in/t.db').execute('select x from t').fetchall()",
        "in/t.db",
        dep("in/t.db"),
        {"in/t.db": _database()},
    ),
    "mapped_into_memory": Planted(
        "import mmap; f = open('in/mapped.bin', 'rb')\n"
        "value = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:]",
        "in/mapped.bin",
        dep("in/mapped.bin"),
        {"in/mapped.bin": b"\x00\x01mapped"},
    ),
    "size_of_a_file": Planted(
        "import os; value = os.path.getsize('in/sized.txt')",
        "in/sized.txt",
        dep("in/sized.txt"),
        {"in/sized.txt": "four"},
    ),
    "output_of_another_stage": Planted(
        "value = Path('out/computed_path.txt').read_text()",
        "out/computed_path.txt",
        dep("out/computed_path.txt"),
        # That of the other stage is there first.
        deps=("out/parameter.txt",),
    ),
    "own_earlier_output": Planted(
        "p = Path('out/own_earlier_output.txt')\n"
        "value = p.read_text().strip() if p.exists() else 'first'",
        "out/own_earlier_output.txt",
        stage={"outs": [{"out/own_earlier_output.txt": {"persist": True}}]},
    ),
    "left_by_another_stage": Planted(
        "value = Path('left.tmp').read_text()",
        "left.tmp",
        dep("left.tmp"),
        deps=("out/leaves_a_file.txt",),
    ),
    "time_zone": Planted(
        "import os, time; os.environ['TZ'] = ':' + os.path.abspath('in/Atlantis'); time.tzset()\n"
        "value = time.localtime(0).tm_hour",
        "in/Atlantis",
        dep("in/Atlantis"),
        {"in/Atlantis": tz_file(5 * 3600)},
    ),
    "read_by_a_pool": Planted(
        "from multiprocessing import get_context\ndef f(p):\n    return open(p).read()\n"
        "with get_context('fork').Pool(2) as pool:\n    value = pool.map(f, ['in/pooled.txt'])",
        "in/pooled.txt",
        dep("in/pooled.txt"),
        {"in/pooled.txt": "pool\n"},
    ),
}

CLEAN = {
    "declares_all": Planted(
        "import yaml; value = yaml.safe_load(open('params.yaml'))['train']['epochs']",
        stage={"params": ["train.epochs"]},
    ),
    "uses_no_other_value": Planted(
        "import yaml; p = yaml.safe_load(open('params.yaml'))\n"
        "assert set(p) == {'mode', 'train'}, p\nvalue = p['train']['epochs']",
        stage={"params": ["train.epochs"]},
    ),
    "checks_a_number": Planted(
        "import yaml; p = yaml.safe_load(open('params.yaml'))\n"
        "assert 0 < float(p['train']['lr']) < 1\nvalue = p['train']['epochs']",
        stage={"params": ["train.epochs"]},
    ),
    "reads_a_folder": Planted(
        "import numpy; value = [p.read_text() for p in sorted(Path('in/folder').rglob('*.txt'))]",
        files={"in/folder/a.txt": "1", "in/folder/b/c.txt": "2"},
        deps=("in/folder",),
    ),
    "writes_and_reads": Planted(
        "import os, tempfile; os.makedirs('scratch/deep', exist_ok=True)\n"
        "Path('scratch/deep/x').write_text('1'); Path('scratch/deep/x').rename('scratch/y')\n"
        "value = Path('scratch/y').read_text(); os.remove('scratch/y')\n"
        "t = tempfile.TemporaryFile('w+'); t.write('x'); t.seek(0); value += t.read()"
    ),
    "imports_a_package": Planted(
        "import sys; sys.path.insert(0, '.')\nimport lib.late as late\nvalue = late.VALUE",
        deps=("lib/__init__.py", "lib/late.py"),
    ),
    "asks_git": Planted(
        "import subprocess; subprocess.run(['git', 'status', '--short'], capture_output=True)\n"
        "value = 'clean or not'"
    ),
    "appends_in_two_commands": Planted(
        command="echo 1 > out/appends_in_two_commands.txt\n"
        "cat out/appends_in_two_commands.txt > tmp.txt\n"
        "cat tmp.txt >> out/appends_in_two_commands.txt"
    ),
    "looks_for_runs_of_mlflow": Planted(
        "found = [Path(p).exists() for p in ('mlflow.db', 'mlruns/0/meta.yaml')]; value = 'done'",
        ignored={"mlflow.db": "runs", "mlruns/0/meta.yaml": "name: Default\n"},
    ),
    "leaves_a_file": Planted("Path('left.tmp').write_text('left')\nvalue = 'done'"),
    "reads_through_a_link": Planted(
        "value = Path('in/latest.txt').read_text()", deps=("in/latest.txt",)
    ),
}
PARAMS = "mode: fast\ntrain:\n  lr: 1e-3\n  epochs: 3\n"
COMMON: dict[str, str] = {
    "params.yaml": PARAMS,
    "conf.json": json.dumps({"a": {"b": 1, "c": 2}, "d": 3}),
    "conf.toml": "size = 3\n[depth]\nx = 1\ny = 2\n",
    "conf.py": "import os\nSEED = 1\n\n\nclass Train:\n    rate = 0.5\n    steps = 3\n",
}


def plant(folder: Path, stages: dict[str, Planted], *, run: Callable[..., Any]) -> Path:
    """Make a repository in `folder`/repository with these stages, run and committed; return it.

    A file ../beside.txt and the user's home `folder`/home are there as well.
    """
    repository, home = folder / "repository", folder / "home"
    home.mkdir()
    (home / ".planted.conf").write_text("at home\n")
    (folder / "beside.txt").write_text("beside\n")
    files: dict[str, str | bytes] = {**COMMON, "in/.keep": "", "out/.keep": ""}
    document: dict[str, Any] = {"stages": {}}
    ignored: dict[str, str] = {
        "out/*.txt": "",
        "__pycache__": "",
        "scratch": "",
        "*.tmp": "",
        "tmp.txt": "",
    }
    for name, planted in stages.items():
        files |= planted.files
        ignored |= planted.ignored
        for path, text in planted.ignored.items():
            _write(repository / path, text)
        document["stages"][name] = _stage(name, planted)
        if planted.body:
            body = planted.body.replace("{repository}", str(repository))
            files[f"scripts/{name}.py"] = _script(name, body, planted.stage.get("wdir", "."))
    for path, content in files.items():
        _write(repository / path, content)
    if "in/version3.txt" in files:
        (repository / "in/latest.txt").symlink_to("version3.txt")
    if (tool := repository / "tools/tool.sh").exists():
        tool.chmod(0o755)
    (repository / ".gitignore").write_text("".join(f"/{each}\n" for each in ignored))
    with (repository / "dvc.yaml").open("w") as file:
        YAML().dump(document, file)
    run("git", "init", "-q", cwd=repository)
    run("dvc", "init", "-q", cwd=repository)
    run("git", "add", "-A", cwd=repository)
    run("git", "commit", "-q", "-m", "The stages", cwd=repository)
    run("dvc", "repro", "-q", cwd=repository)
    run("git", "add", "-A", cwd=repository)
    run("git", "commit", "-q", "-m", "Their outputs", cwd=repository)
    return repository


def _stage(name: str, planted: Planted) -> dict[str, Any]:
    wdir = planted.stage.get("wdir", ".")
    up = "../" * len(Path(wdir).parts)
    script = [f"{up}scripts/{name}.py"] if planted.body else []
    return {
        "cmd": planted.command or f"python {up}scripts/{name}.py",
        "deps": [*script, *planted.deps],
        "outs": [f"{up}out/{name}.txt"],
        **planted.stage,
    }


def _script(name: str, body: str, wdir: str) -> str:
    up = "../" * len(Path(wdir).parts)
    return (
        "from pathlib import Path\n"
        f"{textwrap.dedent(body)}\n"
        f"Path('{up}out/{name}.txt').write_text(f'{{value}}\\n')\n"
    )


def _write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
